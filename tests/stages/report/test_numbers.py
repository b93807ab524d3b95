"""How figures are written, where ticks stand, which colour a language has."""

import math

import pytest

from fournil.stages.report import numbers
from fournil.stages.report.charts import Series, axis, bar, line_chart, thin, tick_label
from fournil.stages.report.layout import paragraphs, shade
from fournil.stages.report.markup import Html, link, tag
from fournil.stages.report.sections.opening import documents_and_pairs
from fournil.stages.report.sections.training import group_name
from fournil.stages.report.story import Story

STORY = Story("x", "", "", ("fr", "en"), (), 0, "")


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0, "0 B"),
        (812, "812 B"),
        (45_100, "45.1 kB"),
        (3_600_000, "3.60 MB"),
        (123_400_000, "123 MB"),
        (2.7e9, "2.70 GB"),
    ],
)
def test_sizes(value: float, written: str) -> None:
    assert numbers.size(value) == written.replace(" ", "\u00a0")


@pytest.mark.parametrize(
    ("value", "written"),
    [(0.04, "0.0 s"), (9.94, "9.9 s"), (10, "10 s"), (59.6, "1 min 00 s"), (125, "2 min 05 s"), (4800, "1 h 20 min")],
)
def test_durations(value: float, written: str) -> None:
    assert numbers.seconds(value) == written.replace(" ", "\u00a0")


@pytest.mark.parametrize(
    ("part", "of", "written"),
    [
        (0, 7, "0 %"),
        (7, 7, "100 %"),
        (1, 5000, "< 0.1 %"),
        (4999, 5000, "> 99.9 %"),
        (1, 3, "33.3 %"),
        (1, 0, "–"),
        (None, 1, "–"),
    ],
)
def test_shares_are_whole_only_when_exact(part: float | None, of: float, written: str) -> None:
    assert numbers.percent(part, of) == written.replace(" ", "\u00a0")


def test_missing_values_and_signs() -> None:
    for write in (
        numbers.whole,
        numbers.decimal,
        numbers.short,
        numbers.size,
        numbers.megabytes,
        numbers.seconds,
        numbers.energy,
    ):
        assert [write(value) for value in (None, "12", True, math.nan, math.inf)] == ["–"] * 5
    assert numbers.whole(-1234567) == "\u22121,234,567"
    assert numbers.energy(0.0123) == "12.3\u00a0Wh"
    assert numbers.energy(0.0000041) == "0.0041\u00a0Wh"
    assert numbers.energy(12.5) == "12.5\u00a0kWh"
    assert documents_and_pairs(1) == "1\u00a0document"
    assert documents_and_pairs(1200, 2) == "1,200\u00a0documents and 2\u00a0pairs"
    assert documents_and_pairs() == ""


def test_languages_by_name() -> None:
    assert numbers.language_name("fr") == "French"
    assert numbers.language_name("code") == "code"
    assert numbers.language_name("tlh") == "tlh"
    assert group_name("en-fr") == "English → French" == "English → French"
    assert group_name("parallel") == "pairs"
    assert group_name("en-fr bare") == "English → French, without the chat template"


def test_a_direction_has_the_colour_of_its_target() -> None:
    assert [shade(label, STORY) for label in ("fr", "en", "code", "parallel")] == ["c1", "c2", "c3", "c4"]
    assert shade("en-fr", STORY) == "c1"
    assert shade("fr-en", STORY) == "c2"
    assert shade("fr-en bare", STORY) == "c2 faint"


@pytest.mark.parametrize(
    ("low", "high"), [(0, 1200), (1.62, 3.9), (-3, 5), (0.001, 0.0013), (2, 2), (0, 0), (0, 3_000_000)]
)
def test_axes_hold_their_values_with_few_round_ticks(low: float, high: float) -> None:
    found = axis(low, high)
    assert found.low <= low <= high <= found.high
    assert 2 <= len(found.ticks) <= 8
    labels = [tick_label(tick, found.step) for tick in found.ticks]
    assert len(set(labels)) == len(labels)
    fitted = axis(low, high, fit=high > low)
    assert all(fitted.low <= tick <= fitted.high + 1e-9 for tick in fitted.ticks)


def test_ticks_are_short() -> None:
    assert [tick_label(value, 500) for value in (0, 500, 1500)] == ["0", "500", "1,500"]
    assert [tick_label(value, 0.25) for value in (1.0, 1.25)] == ["1.00", "1.25"]
    assert tick_label(20_000, 5_000) == "20k"
    assert tick_label(1_500_000, 500_000) == "1.5M"


def test_a_chart_of_nothing_is_nothing() -> None:
    assert line_chart("Loss", "nats", []) == ""
    assert line_chart("Loss", "nats", [Series("French", "c1", [])]) == ""


def test_a_chart_of_one_point() -> None:
    assert "from 2.00 to 2.00" in line_chart("Loss", "nats", [Series("French", "c1", [(0, 2.0)])])


def test_long_curves_are_thinned_to_their_ends() -> None:
    points = [(float(step), 1.0 / (step + 1)) for step in range(5000)]
    found = thin(points)
    assert len(found) == 300
    assert (found[0], found[-1]) == (points[0], points[-1])


def test_bars_stay_in_their_cell() -> None:
    assert 'width="100%"' in bar(1.7)
    assert 'width="0%"' in bar(-0.2)
    assert 'x="25%" width="75%"' in bar(0.5, low=0.25, high=1.5)


def test_text_is_escaped_and_html_is_not() -> None:
    assert tag("p", "<b>", Html("<i></i>"), None, title='"', hidden=False) == '<p title="&quot;">&lt;b&gt;<i></i></p>'
    assert paragraphs("one\ntwo\n\n\n\nthree <") == "<p>one two</p><p>three &lt;</p>"
    assert link("https://[", "x") == "x"
    assert link("https://example.org/?a=1&b=2", "x") == ('<a href="https://example.org/?a=1&amp;b=2">x</a>')
