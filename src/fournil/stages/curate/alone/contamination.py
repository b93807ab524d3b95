"""The step that looks for evaluation items in the text that is trained on."""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from fournil.core.context import Context
from fournil.core.files import write_json
from fournil.core.speech import tr
from fournil.parts.contamination.index import Index, build_index, load_index, save_index
from fournil.parts.contamination.match import Finding, find_texts
from fournil.parts.contamination.sets import read_benchmarks
from fournil.stages.curate.alone.batch import Batch
from fournil.stages.curate.alone.marking import mark_rows
from fournil.stages.curate.alone.texts import Texts
from fournil.stages.curate.alone.verdicts import Verdict
from fournil.stages.curate.config import Config
from fournil.stages.curate.names import CONTAMINATION
from fournil.stages.curate.sections.contamination import CUT, MARK, REMOVE, ContaminationSettings

TOLD = "benchmarks.json"
CONTEXT = " (context)"
"""Stands behind an item of which only the context was found."""
REFUSED, PASSAGE = "evaluation-item", "passage"
"""Rules: of a document that is refused, and of a passage that is cut. Findings are called after their set and item."""

_MAX_SPANS = 64
_MAX_MARKS = 20
_MAX_LINE = 1000
"""Longer lines are cut from one end of a sentence to the next."""
_SENTENCE_END = re.compile(r"[.!?…]+[»”\"’')\]]*\s+")


def prepare_contamination(config: Config, context: Context, work: Path) -> Path | None:
    """Read the evaluation sets and index their items.

    Args:
        config: Settings.
        context: What all stages share.
        work: Where the index goes.

    Returns:
        The folder, with benchmarks.json that says what each set is; None where the settings name no set.

    Raises:
        FournilError: A set is not there or cannot be read.
    """
    settings = config.contamination
    if not settings.sets:
        return None
    folder = work / CONTAMINATION
    if (folder / TOLD).exists():
        return folder
    context.progress.note(tr("Reading the evaluation sets that are looked for"))
    data = Path(settings.data).expanduser() if settings.data else None
    benchmarks = read_benchmarks(settings.sets, data, context.progress)
    index = build_index(benchmarks)
    # Another index has another name: what a process has read stays right.
    digest = hashlib.sha256(json.dumps([index.names_N, index.ids_I]).encode())
    for array in (index.words_L, index.words_T, index.item_K, index.context_K):
        digest.update(array.tobytes())
    name = f"index-{digest.hexdigest()[:16]}.npz"
    save_index(index, folder / name)
    searched = _by_benchmark(index, index.searched_I.tolist())
    told = [
        {"name": each.name, "source": each.source, "num_items": len(each.items), "num_searched": searched.get(n, 0)}
        for n, each in enumerate(benchmarks)
    ]
    write_json(folder / TOLD, {"index": name, "benchmarks": told})
    return folder


def _by_benchmark(index: Index, wanted: Iterable[bool]) -> dict[int, int]:
    nums: dict[int, int] = {}
    for benchmark, counts in zip(index.benchmark_I.tolist(), wanted, strict=True):
        nums[benchmark] = nums.get(benchmark, 0) + counts
    return nums


def told_of(folder: Path) -> dict[str, Any]:
    """What prepare_contamination says of the sets."""
    return _told(folder / TOLD, (folder / TOLD).stat().st_mtime_ns)


@cache
def _told(path: Path, changed: int) -> dict[str, Any]:
    """Read once in a process, unless the file is another one since."""
    return json.loads(path.read_text("utf-8"))


class Held(NamedTuple):
    """What of the evaluation sets stands in a text."""

    items: tuple[str, ...]
    """SET/ITEM, CONTEXT behind it where only the context was found."""

    rule: str
    longest: int
    share: float
    """Of the finding with the longest run of words."""

    spans: tuple[tuple[int, int], ...]
    """Code points, in order; they may overlap."""

    action: str
    """The gravest that the settings ask."""


def find_held(texts: Texts, folder: Path, settings: ContaminationSettings) -> dict[int, Held]:
    """Look for evaluation items in texts, and note each one found beside the edits.

    Args:
        texts: Of a batch.
        folder: As prepare_contamination made it.
        settings: What is found, and what is done.

    Returns:
        What was found, by place.
    """
    index = load_index(folder / told_of(folder)["index"])
    words = texts.folded
    found: dict[int, list[Finding]] = {}
    for finding in find_texts(index, words, ngram=settings.ngram, overlap=settings.overlap):
        found.setdefault(finding.document, []).append(finding)
    held: dict[int, Held] = {}
    for place, findings in found.items():
        start = int(words.bytes_D[place])
        edges = {edge - start for finding in findings for span in finding.spans for edge in span}
        points = _code_points(texts.values[place].as_py(), edges)
        held[place] = _hold(index, findings, {edge + start: point for edge, point in points.items()}, settings)
        _note(texts, place, index, findings, points, start)
    return held


def _code_points(text: str, edges: Iterable[int]) -> dict[int, int]:
    """How many code points lie before each of some bytes of a text."""
    data = text.encode("utf-8")
    points, before, count = {}, 0, 0
    for edge in sorted(edges):
        count += len(data[before:edge].decode("utf-8"))
        points[edge] = count
        before = edge
    return points


def _links(index: Index, finding: Finding) -> list[tuple[str, bool]]:
    """The items that a text belongs to, and whether it is only their context."""
    links = range(int(index.links_T[finding.text]), int(index.links_T[finding.text + 1]))
    items = [(int(index.item_K[link]), bool(index.context_K[link])) for link in links]
    return [(f"{index.names_N[index.benchmark_I[item]]}/{index.ids_I[item]}", context) for item, context in items]


def _hold(
    index: Index, findings: Sequence[Finding], points: Mapping[int, int], settings: ContaminationSettings
) -> Held:
    only_context: dict[str, bool] = {}
    for finding in findings:
        for name, context in _links(index, finding):
            only_context[name] = context and only_context.get(name, True)
    asked = not all(only_context.values())
    actions = {settings.action} if asked else {settings.context_action}
    if asked and any(only_context.values()):
        actions.add(settings.context_action)
    action = next(each for each in (REMOVE, CUT, MARK) if each in actions)
    grave = [
        finding for finding in findings
        if _action_of(index, finding, settings) == action
    ]  # fmt: skip
    longest = max(grave or findings, key=lambda finding: (finding.num_words, finding.share))
    spans = {(points[start], points[end]) for finding in grave or findings for start, end in finding.spans}
    items = sorted(name + (CONTEXT if context else "") for name, context in only_context.items())
    return Held(tuple(items), longest.rule, longest.num_words, longest.share, tuple(sorted(spans)), action)


def _action_of(index: Index, finding: Finding, settings: ContaminationSettings) -> str:
    asked = not all(context for _, context in _links(index, finding))
    return settings.action if asked else settings.context_action


def _note(
    texts: Texts, place: int, index: Index, findings: Sequence[Finding], points: Mapping[int, int], start: int
) -> None:
    """Put a row for each item found among the edits, which changes nothing: what stood there stands there."""
    text = texts.values[place].as_py()
    noted: dict[str, tuple[int, int]] = {}
    for finding in findings:
        first, last = (points[edge - start] for edge in finding.spans[0])
        for name, context in _links(index, finding):
            noted.setdefault(name + (CONTEXT if context else ""), (first, last))
    key = f"{CONTAMINATION}/found"
    texts.num_changes[key] = texts.num_changes.get(key, 0) + len(noted)
    for name, (first, last) in noted.items():
        was = text[first:last]
        row = {"step": CONTAMINATION, "rule": name, "start": first, "end": last, "was": was, "now": was}
        texts.edits.append((place, row))


def remove_contaminated(batch: Batch) -> None:
    """Refuse, cut or mark the documents that hold an evaluation item."""
    folder = batch.prepared.get(CONTAMINATION)
    if folder is None:
        return
    settings = batch.config.contamination
    new: dict[int, str] = {}
    marks: dict[int, dict[str, object]] = {}
    for place, held in find_held(batch.texts, folder, settings).items():
        if held.action == MARK:
            marks[place] = {CONTAMINATION: list(held.items[:_MAX_MARKS])}
            continue
        value, bound = said_of(held, settings)
        if held.action == CUT:
            text = batch.texts.values[place].as_py()
            cuts = passages(text, held.spans)
            share = sum(end - start for start, end in cuts) / len(text)
            if share <= settings.max_cut:
                for start, end in cuts:
                    batch.texts.edit(place, CONTAMINATION, PASSAGE, start, end, text[start:end], "")
                new[place] = without(text, cuts)
                continue
            value, bound = f"{value}, {share:.3g}", f"{bound}, {settings.max_cut:g}"
        batch.refuse(place, CONTAMINATION, REFUSED, value, bound, held.spans[:_MAX_SPANS])
    batch.texts.set(new)
    mark_rows(batch, marks)


def said_of(held: Held, settings: ContaminationSettings) -> tuple[str, str]:
    """Value and bound of a refusal: the item, how much of it was found, and how much is too much."""
    first, *others = held.items
    more = f" +{len(others)}" if others else ""
    return (
        f"{first}{more}: {held.longest} words, {held.share:.3g}",
        f"{settings.ngram} words, {settings.overlap:g}",
    )


def passages(text: str, spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """What is cut for some spans: their whole lines, or of long lines the sentences that hold them.

    Returns:
        Code points, in order, apart from each other.
    """
    cuts: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        first = text.rfind("\n", 0, start) + 1
        last = text.find("\n", end)
        last = len(text) if last < 0 else last + 1
        if last - first > max(_MAX_LINE, 2 * (end - start)):
            low = max(first, start - _MAX_LINE)
            before = [match.end() for match in _SENTENCE_END.finditer(text, low, start)]
            first = before[-1] if before else (low if low == first else start)
            behind = _SENTENCE_END.search(text, max(end - 1, 0), min(last, end + _MAX_LINE))
            last = behind.end() if behind else (last if last <= end + _MAX_LINE else end)
        if cuts and first <= cuts[-1][1]:
            cuts[-1] = (cuts[-1][0], max(cuts[-1][1], last))
        else:
            cuts.append((first, last))
    return cuts


def without(text: str, cuts: Sequence[tuple[int, int]]) -> str:
    """The text without what is cut."""
    pieces, before = [], 0
    for start, end in cuts:
        pieces.append(text[before:start])
        before = end
    return "".join([*pieces, text[before:]]).rstrip("\n")


def judge_sides(
    texts: Texts,
    pair_of: np.ndarray,
    folder: Path | None,
    settings: ContaminationSettings,
    verdicts: dict[int, Verdict],
) -> dict[int, dict[str, object]]:
    """Refuse or mark the pairs of which a side holds an evaluation item.

    Args:
        texts: The sides.
        pair_of: The pair that each side belongs to.
        folder: As prepare_contamination made it; None: nothing is looked for.
        settings: What is found, and what is done.
        verdicts: Gets those of pairs that no other step refused.

    Returns:
        What is to be written into the `extra` of pairs that are kept.
    """
    marks: dict[int, dict[str, object]] = {}
    if folder is None:
        return marks
    for side, held in sorted(find_held(texts, folder, settings).items()):
        pair = int(pair_of[side])
        if held.action == MARK:
            marks.setdefault(pair, {CONTAMINATION: list(held.items[:_MAX_MARKS])})
        else:
            value, bound = said_of(held, settings)
            verdicts.setdefault(pair, Verdict(CONTAMINATION, REFUSED, value, bound, held.spans[:_MAX_SPANS]))
    return marks


def contamination_facts(
    folder: Path | None, kinds: Mapping[str, tuple[Iterable[pa.Table], Iterable[pa.Table]]]
) -> list[dict[str, Any]]:
    """A table of the sets that were looked for.

    Args:
        folder: As prepare_contamination made it; None: nothing was looked for.
        kinds: For `documents` and `pairs` their edits, and their rows (`id`, `source`), chunk by chunk.

    Returns:
        For each set: its `name`, where it came `source` from, `num_items`, `num_searched` (those long enough to be
        looked for), `num_found` (of which a question, an answer or the whole was found), `num_context` (of which the
        context alone was), `num_documents` and `num_pairs` that hold one of them, and these `by_source`.
    """
    if folder is None:
        return []
    items: dict[str, dict[str, bool]] = {}
    holders: dict[str, dict[str, dict[str, int]]] = {}
    for kind, (edits, rows) in kinds.items():
        for changed, there in zip(edits, rows, strict=True):
            _collect(kind, changed, there, items, holders)
    table = []
    for each in told_of(folder)["benchmarks"]:
        found, where = items.get(each["name"], {}), holders.get(each["name"], {})
        contexts = sum(found.values())
        table.append(
            {
                **each,
                "num_found": len(found) - contexts,
                "num_context": contexts,
                **{f"num_{kind}": sum(where.get(kind, {}).values()) for kind in ("documents", "pairs")},
                "by_source": [
                    {"kind": kind, "source": source, "num": num}
                    for kind, sources in sorted(where.items())
                    for source, num in sorted(sources.items())
                ],
            }
        )
    return table


def _collect(
    kind: str,
    edits: pa.Table,
    rows: pa.Table,
    items: dict[str, dict[str, bool]],
    holders: dict[str, dict[str, dict[str, int]]],
) -> None:
    """Add what was found in one chunk."""
    import pyarrow.compute as pc

    ours = edits.filter(pc.field("step") == CONTAMINATION)
    if not ours.num_rows:
        return
    sources: dict[str, str] = {}
    seen: set[tuple[str, str]] = set()
    for name, rule in zip(ours.column("id").to_pylist(), ours.column("rule").to_pylist(), strict=True):
        told = rule.split(":", 1)[1] if kind == "pairs" else rule
        benchmark, slash, item = told.partition("/")
        if not slash:
            continue  # a passage that was cut
        context = item.endswith(CONTEXT)
        found = items.setdefault(benchmark, {})
        item = item.removesuffix(CONTEXT)
        found[item] = context and found.get(item, True)
        if (benchmark, name) not in seen:
            seen.add((benchmark, name))
            sources = sources or dict(
                zip(rows.column("id").to_pylist(), rows.column("source").to_pylist(), strict=True)
            )
            by_source = holders.setdefault(benchmark, {}).setdefault(kind, {})
            by_source[sources[name]] = by_source.get(sources[name], 0) + 1
