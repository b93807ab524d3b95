"""The exported files: sizes, hashes, and what was checked to be equal."""

from __future__ import annotations

from typing import Any

from fournil.core.speech import mark, tr, trn
from fournil.stages.report.layout import Column, Section, code, grid
from fournil.stages.report.markup import Html, join, measured, rich, tag
from fournil.stages.report.numbers import count, general, number, scientific, size, whole
from fournil.stages.report.story import Story, table, told


def files(story: Story) -> Section | None:
    """Draw the exported files and the checks."""
    entry = story.one("export")
    if entry is None:
        return None
    outputs = table(entry.record.outputs.get("files"))
    lines = [
        [code(name), size(one.get("bytes")), code(str(one.get("sha256")))] for name, one in sorted(outputs.items())
    ]
    columns = (Column(tr("File")), Column(tr("Size"), numeric=True), Column(tr("SHA-256"), wide=True))
    licence = entry.fact("licence")
    lead = tr("A folder that transformers loads, and GGUF files for llama.cpp and what builds on it.")
    if licence:
        lead += " " + tr("Licence of the weights: {licence}.", licence=str(licence))
    found = sorted(table(entry.fact("checks")).items(), key=lambda item: (item[0] != "transformers", item[0]))
    checks = [_check(name, one, table(entry.record.measured.get(name))) for name, one in found]
    listed = (
        tag("ul", *checks, class_="checks")
        if checks
        else tag("p", tr("Nothing was checked: the recipe asked for no check."))
    )
    body = join(
        [
            tag("h3", tr("The same model everywhere")),
            listed,
            tag("h3", tr("Files")),
            grid(tr("Exported files"), columns, lines, kind="fine files"),
        ]
    )
    return Section("files", tr("The model to take away"), lead, body, [entry])


def _check(name: str, found: Any, figures: dict[str, Any]) -> Html:  # noqa: ANN401 - JSON
    if not isinstance(found, dict) or "message" in found:
        return tag("li", rich(mark("<b>{name}</b>: {said}", name=name, said=told(found))), class_="unchecked")
    said: list[Html | str] = []
    if "lines_with_equal_ids" in found:
        said.append(
            trn(
                "the same token ids on {count:,}\u00a0line of awkward text",
                "the same token ids on {count:,}\u00a0lines of awkward text",
                count(found["lines_with_equal_ids"]),
            )
        )
    if "prompts_with_equal_logits" in found:
        said.append(_logits(count(found["prompts_with_equal_logits"]), number(figures.get("max_abs_logit_difference"))))
    if "prompts" in found:
        said.append(_greedy(found, figures))
    return tag("li", rich(mark("<b>✓ {name}</b>: {said}", name=name, said=join(said, ", "))))


def _logits(prompts: int, difference: float | None) -> Html:
    same = trn("the same logits on {count:,}\u00a0prompt", "the same logits on {count:,}\u00a0prompts", prompts)
    if difference is None:
        return join([same])
    return rich(
        mark("{same} (largest difference {difference})", same=same, difference=measured(scientific(difference)))
    )


def _greedy(found: dict[str, Any], figures: dict[str, Any]) -> Html:
    """How many answers were equal, and how near those were that were not: all of it differs between machines."""
    prompts = count(found["prompts"])
    equal = trn(
        "greedy text equal on {equal} of {count:,}\u00a0prompt",
        "greedy text equal on {equal} of {count:,}\u00a0prompts",
        prompts,
        equal=whole(figures.get("prompts_with_equal_text")),
    )
    gap, allowed = number(figures.get("largest_gap")), number(found.get("gap_allowed"))
    if gap is None or figures.get("prompts_with_equal_text") == prompts:
        return measured(equal)
    near = general(max(gap, 0.0), 2)
    if allowed is None:
        return measured(
            tr(
                "{equal}; the others part where two tokens are at most {gap} standard deviations of the logits apart",
                equal=equal,
                gap=near,
            )
        )
    return measured(
        tr(
            "{equal}; the others part where two tokens are at most {gap} standard deviations of the logits apart "
            "({allowed} allowed)",
            equal=equal,
            gap=near,
            allowed=general(allowed),
        )
    )
