"""What README and docs tell people to type is understood; what they link to is there."""

import re
import shlex

import pytest

from fournil import cli

PAGES = ["README.md", "CONTRIBUTING.md", "docs"]


def pages(repository):
    for name in PAGES:
        path = repository / name
        yield from sorted(path.rglob("*.md")) if path.is_dir() else [path]


def commands(text: str) -> list[str]:
    blocks = re.findall(r"```sh\n(.*?)```", text, flags=re.DOTALL)
    inline = re.findall(r"`(fournil [a-z][^`]*)`", text)
    lines = [line.strip() for block in blocks for line in block.splitlines()]
    return [line for line in (*lines, *inline) if line.startswith("fournil ")]


def test_every_command_shown_is_understood(repository):
    seen = 0
    for page in pages(repository):
        for command in commands(page.read_text("utf-8")):
            words = shlex.split(command, comments=True)[1:]
            if len(words) < 2:
                continue  # a verb named in passing
            if any(word.isupper() and "=" not in word and word in ("VERB", "STAGE") for word in words):
                continue
            try:
                cli.parse([word for word in words if word != "…"])
            except SystemExit:
                pytest.fail(f"{page.name}: {command}")
            seen += 1
    assert seen > 10


def test_links_lead_somewhere(repository):
    for page in pages(repository):
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text("utf-8")):
            if not target.startswith(("http://", "https://", "mailto:")):
                assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_the_make_targets_of_the_readme_exist(repository):
    targets = set(re.findall(r"^([a-z]+):", (repository / "Makefile").read_text(), flags=re.MULTILINE))
    shown = set(re.findall(r"^make ([a-z]+)", (repository / "README.md").read_text(), flags=re.MULTILINE))
    assert shown
    assert shown <= targets
