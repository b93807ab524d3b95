"""The exported files: sizes, hashes, and what was checked to be equal."""

from __future__ import annotations

from typing import Any

from fournil.stages.report.layout import Column, Section, code, grid
from fournil.stages.report.markup import Html, join, measured, tag
from fournil.stages.report.numbers import number, plural, scientific, size, whole
from fournil.stages.report.story import Story, table


def files(story: Story) -> Section | None:
    """Draw the exported files and the checks."""
    entry = story.one("export")
    if entry is None:
        return None
    outputs = table(entry.record.outputs.get("files"))
    lines = [
        [code(name), size(one.get("bytes")), code(str(one.get("sha256")))] for name, one in sorted(outputs.items())
    ]
    columns = (Column("File"), Column("Size", numeric=True), Column("SHA-256", wide=True))
    licence = entry.fact("licence")
    lead = "A folder that transformers loads, and GGUF files for llama.cpp and what builds on it."
    if licence:
        lead += f" Licence of the weights: {licence}."
    checks = [
        _check(name, found, table(entry.record.measured.get(name)))
        for name, found in sorted(
            table(entry.fact("checks")).items(), key=lambda item: (item[0] != "transformers", item[0])
        )
    ]
    listed = (
        tag("ul", *checks, class_="checks")
        if checks
        else tag("p", "Nothing was checked: the recipe asked for no check.")
    )
    body = join(
        [
            tag("h3", "The same model everywhere"),
            listed,
            tag("h3", "Files"),
            grid("Exported files", columns, lines, kind="fine files"),
        ]
    )
    return Section("files", "The model to take away", lead, body, [entry])


def _check(name: str, found: Any, figures: dict[str, Any]) -> Html:  # noqa: ANN401 - JSON
    who = "transformers" if name == "transformers" else name
    if not isinstance(found, dict):
        return tag("li", tag("b", who), f": {found}", class_="unchecked")
    parts = (
        [f"the same token ids on {plural(found['lines_with_equal_ids'], 'lines')} of awkward text"]
        if "lines_with_equal_ids" in found
        else []
    )
    said: list[Html | str] = []
    if "prompts_with_equal_logits" in found:
        parts.append(f"the same logits on {plural(found['prompts_with_equal_logits'], 'prompts')}")
        difference = number(figures.get("max_abs_logit_difference"))
        said = [" (largest difference ", measured(scientific(difference)), ")"] if difference is not None else []
    if "prompts" in found:
        parts.append("greedy text equal on ")
        said = [measured(whole(figures.get("prompts_with_equal_text"))), f" of {plural(found['prompts'], 'prompts')}"]
        gap, allowed = number(figures.get("largest_gap")), number(found.get("gap_allowed"))
        if gap is not None and figures.get("prompts_with_equal_text") != found["prompts"]:
            bound = f" ({allowed:g} allowed)" if allowed is not None else ""
            said.append(f"; the others part where two tokens are at most {max(gap, 0.0):.2g} standard deviations ")
            said.append(f"of the logits apart{bound}")
        said = [measured(*said)]
    return tag("li", tag("b", "✓ ", who), ": ", ", ".join(parts), *said)
