"""The style sheet: colours that can be read, in light and dark, and no colour that is not there."""

import re
from importlib.resources import files

import pytest

STYLE = files("fournil.stages.report").joinpath("page.css").read_text("utf-8")
LIGHT, DARK = (
    dict(re.findall(r"--([\w]+): (#\w{6})", block)) for block in re.findall(r":root \{(.*?)\}", STYLE, re.DOTALL)[:2]
)


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """As WCAG 2 defines it."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])
def test_text_and_bars_stand_out(palette: dict[str, str]) -> None:
    for ground in ("paper", "crumb"):
        for name in ("ink", "soft", "link", "good", "bad"):
            assert contrast(palette[name], palette[ground]) >= 4.5, (name, ground)
    for number in range(8):
        assert contrast(palette[f"c{number}"], palette["paper"]) >= 3, number


def test_every_colour_named_is_given_in_both() -> None:
    named = set(re.findall(r"var\(--([\w]+)\)", STYLE)) - {"serif", "sans", "mono", "shade"}
    assert named <= set(LIGHT)
    assert set(LIGHT) == set(DARK)
