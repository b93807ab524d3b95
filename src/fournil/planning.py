"""A recipe made ready to be planned: how much text its sources hold, which steps there are, which of them are done."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TextIO

from fournil.apps import plan as planner
from fournil.apps.plan import counting
from fournil.apps.plan.order import CODE, PARALLEL, Order, StepOrder, Text
from fournil.core.errors import FournilError
from fournil.core.ledger import newest_records
from fournil.core.record import Record
from fournil.flow import Step, state_of, steps_of
from fournil.recipe import Recipe

PAIR_CATEGORIES = ("messages", "parallel")
"""Categories of hub sources that hold pairs."""


def plan_command(
    recipe: Recipe, run: Path, file: TextIO, *, threads: int, device: str = "cpu", as_json: bool = False
) -> int:
    """Print what a recipe takes, before anything runs.

    Args:
        recipe: With what it assumes in `[plan]`.
        run: A run of it; what it read and kept counts where it is there.
        file: Where to print.
        threads: How many cores would work.
        device: `cpu` or `cuda`: where this machine would train.
        as_json: Print JSON instead of tables.

    Raises:
        FournilError: Files that are missing, hardware that is not known, settings that training would refuse.
    """
    plan = planner.make_plan(order_of(recipe, run), threads=threads, device=device)
    if as_json:
        print(planner.as_json(plan), file=file)
    else:
        planner.print_plan(plan, file)
    return 0


def foretold(
    recipe: Recipe,
    run: Path,
    *,
    threads: int,
    device: str = "cpu",
    until: str | None = None,
    measuring: bool = True,
) -> dict[str, dict[str, float]]:
    """Foretell the steps of a bake that are missing or stale, as records keep it; nothing where that cannot be done.

    Args:
        recipe: What is about to be baked.
        run: The run's folder.
        threads: How many threads its stages may use.
        device: `cpu` or `cuda`.
        until: The last stage that will run.
        measuring: Whether this machine may be measured for it.
    """
    try:
        stale = _stale(recipe, run, until)
        if not stale:
            return {}
        here = replace(recipe, plan=replace(recipe.plan or planner.Config(), hardware=planner.HERE))
        order = order_of(here, run)
        steps = tuple(replace(step, finished=step.folder not in stale) for step in order.steps)
        return planner.make_plan(
            replace(order, steps=steps), threads=threads, device=device, measuring=measuring
        ).planned()
    except FournilError:
        return {}  # the bake itself says what is wrong, in the stage that it concerns


def order_of(recipe: Recipe, run: Path | None) -> Order:
    """Make of a recipe what a plan is made from.

    Args:
        recipe: The recipe.
        run: A run of it, if there is one: what was read and kept there is taken from its ledger.

    Raises:
        FournilError: A source that is not in the catalogue, files that are not there, a ledger that was altered.
    """
    records = (
        {record.stage: record for record in newest_records(run)} if run and (run / "ledger.jsonl").exists() else {}
    )
    steps = tuple(StepOrder(step.stage, step.folder, step.config) for step in steps_of(recipe))
    texts = [text for config in recipe.stages.get("sources", ()) for text in _texts(config, recipe.head.languages)]
    return Order(
        recipe.head.name,
        recipe.head.languages,
        recipe.plan or planner.Config(),
        tuple(_as_read(texts, records)),
        steps,
        _bytes_per_token(records.get("tokenizer"), recipe),
    )


def _texts(config: Any, languages: Sequence[str]) -> Iterator[Text]:  # noqa: ANN401 - the settings of sources
    from fournil.stages.sources.catalogue import load

    for key in config.use:
        entry = load(key)
        group = PARALLEL if entry.reader == "messages" else CODE if entry.reader == "code" else entry.language
        if entry.size is None:
            yield Text(key, group, entry.reader, None, None, origin="unknown")
        else:
            number = entry.size.documents or entry.size.pairs
            yield Text(key, group, entry.reader, number, entry.size.bytes, origin="catalogue")
    for source in config.files:
        yield from _file_texts(source, languages)
    for source in config.hub:
        yield _stated(source, "hub")


def _stated(source: Any, reader: str) -> Text:  # noqa: ANN401 - a source's settings
    pairs = not source.language and source.category in PAIR_CATEGORIES
    group = PARALLEL if pairs else source.language
    number, size, tokens = source.stated_documents, source.stated_bytes, source.stated_tokens
    most = getattr(source, "max_documents", 0)
    if number and most and most < number:  # only a part of it is read
        number, size, tokens = most, size * most / number, tokens * most / number
    origin = "stated" if size or tokens else "unknown"
    return Text(source.key, group, reader, number or None, size or None, tokens or None, origin)


def _file_texts(source: Any, languages: Sequence[str]) -> Iterator[Text]:  # noqa: ANN401 - a source's settings
    from fournil.stages.sources.own import matching_files

    everything = matching_files(source)  # tells which pattern matches nothing
    if source.stated_bytes or source.stated_tokens:
        yield _stated(source, "files")
        return
    found: dict[str, list[Path]] = {}
    for path in everything:
        found.setdefault(source.language, []).append(path)
    if any("{language}" in pattern for pattern in source.paths):
        found = {}
        for language in languages:
            patterns = tuple(pattern.replace("{language}", language) for pattern in source.paths)
            try:
                found[language] = matching_files(replace(source, paths=patterns))
            except FournilError:
                continue  # this language has none
    sides = [
        counting.count(paths, source.key, language, source.text_column, source.pair_columns)
        for language, paths in found.items()
    ]
    yield from (text for side in sides for text in side)
    if source.parallel_lines:
        yield from counting.line_pairs(source.key, list(found.values()))


def _as_read(texts: Sequence[Text], records: dict[str, Record]) -> Iterator[Text]:
    """Replace sizes by what a run read and kept, source by source."""
    read: dict[tuple[str, str], tuple[float, float]] = {}
    for row in records["sources"].facts.get("sources", []) if "sources" in records else []:
        for language, part in row["documents"]["languages"].items():
            read[row["key"], language] = (part["number"], part["bytes"])
        if row["pairs"]["number"]:
            read[row["key"], PARALLEL] = (row["pairs"]["number"], row["pairs"]["bytes"])
    kept: dict[tuple[str, str], float] = {}
    facts = records["curate"].facts if "curate" in records else {}
    for kind in ("documents", "pairs"):
        for row in facts.get(kind, {}).get("by_source", []):
            kept[row["source"], PARALLEL if kind == "pairs" else row["language"]] = row["bytes_train"]
    for text in texts:
        place = (text.key, text.group)
        if place not in read:
            yield text
            continue
        number, size = read[place]
        yield replace(
            text,
            number=number,
            num_bytes=size,
            num_tokens=None,
            origin="run",
            kept_bytes=kept.get(place),
            at_least=False,
        )


def _bytes_per_token(record: Record | None, recipe: Recipe) -> dict[str, float]:
    """Read off a run what its tokenizer came to; nothing when the recipe's vocabulary has another size by now."""
    tokenizer = next(iter(recipe.stages.get("tokenizer", ())), None)
    if record is None or tokenizer is None or record.config.get("vocab_size") != tokenizer.vocab_size:
        return {}
    shards = record.facts.get("shards", {})
    found = {
        group: part["num_bytes"] / part["num_tokens"]
        for group, part in shards.get("train-documents", {}).get("by_language", {}).items()
        if part["num_tokens"]
    }
    pairs = shards.get("train-pairs", {})
    return found | ({PARALLEL: pairs["num_bytes"] / pairs["num_tokens"]} if pairs.get("num_tokens") else {})


def _stale(recipe: Recipe, run: Path, until: str | None) -> set[str]:
    """Return the folders of the steps that a bake would run: stale ones, and those that read what they make."""
    stale: set[str] = set()
    stages = list(recipe.stages)
    for step in steps_of(recipe):
        if until is not None and stages.index(step.stage) > stages.index(until):
            break
        if _reads(step) & stale or (step.stage == "report" and stale) or not state_of(step, recipe, run).fresh:
            stale.add(step.folder)
    return stale


def _reads(step: Step) -> set[str]:
    return {place for place in step.inputs.values() if isinstance(place, str)}
