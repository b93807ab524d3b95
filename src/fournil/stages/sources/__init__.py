"""The stage `sources`: fetches and reads raw documents and pairs, each with its licence and what that rests on."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fournil.core.errors import EXIT_USAGE, FournilError
from fournil.core.speech import tr
from fournil.stages.sources.config import Config, FilesSource, HubSource

if TYPE_CHECKING:
    from fournil.core.context import Artifact, Context

__all__ = ["FORMAT", "Config", "FilesSource", "HubSource", "reads", "run"]

FORMAT = 3


def reads(config: Config) -> list[Path]:
    """Return the files outside the run on which the output depends: catalogue entries and the user's own files."""
    from fournil.stages.sources.catalogue import load
    from fournil.stages.sources.own import matching_files

    found = [load(key).path for key in config.use]
    found += [path for source in config.files for path in matching_files(source)]
    found += [Path(source.dataset) for source in config.hub if Path(source.dataset).is_dir()]
    return found + ([Path(config.apt_sources)] if config.apt_sources else [])


def run(config: Config, inputs: Mapping[str, Path], out: Path, context: Context) -> Artifact:
    """Fetch and read every source.

    Args:
        config: Which sources.
        inputs: None are needed.
        out: Gets documents/, pairs/, refused/ and evidence.parquet.
        context: Languages, threads, progress.

    Raises:
        FournilError: When there is nothing to read, a source cannot be had, or a package is damaged.
    """
    from fournil.stages.sources.own import read_own
    from fournil.stages.sources.report import artifact, write_evidence
    from fournil.stages.sources.unit import Unit

    if not (config.use or config.files or config.hub):
        fix = tr('Name some: `use = ["debian-manpages-fr"]`, or [[sources.files]].')
        raise FournilError(tr("no source is named"), where="sources", fix=fix, code=EXIT_USAGE)
    began = time.monotonic()
    states: list[dict[str, Any]] = []
    measured: dict[str, Any] = {}
    if config.use:
        states += _catalogue(config, out, context, measured)
    for source in (*config.files, *config.hub):
        unit = Unit(out, source.key, "")
        state = unit.finished()
        if state is None:
            unit.clear()
            state = unit.finish(read_own(source, unit, config.min_letters, context))
        states.append(state)
    write_evidence(out / "evidence.parquet", states)
    measured["seconds"] = round(time.monotonic() - began, 2)
    return artifact(states, measured)


def _catalogue(config: Config, out: Path, context: Context, measured: dict[str, Any]) -> list[dict[str, Any]]:
    from fournil.stages.sources.catalogue import load
    from fournil.stages.sources.deb import Bounds
    from fournil.stages.sources.debian import Choice, Reading, choose, man_reader
    from fournil.stages.sources.tasks import Task, read_all
    from fournil.stages.sources.ways import packages_from

    entries = [load(key) for key in config.use]
    bounds = Bounds(round(config.max_document_mb * 2**20), round(config.max_unpacked_mb * 2**20))
    reading = Reading(man_reader(config.man_reader), config.min_letters, bounds)
    began = time.monotonic()
    with packages_from(config, context.progress) as archive:
        measured["index_seconds"] = round(time.monotonic() - began, 2)
        choices = choose(entries, archive)
        packages = list(dict.fromkeys(package for choice in choices for package in choice.packages))
        began = time.monotonic()
        debs, measured["fetched_bytes"] = archive.fetch(packages)
        measured["fetch_seconds"] = round(time.monotonic() - began, 2)
        measured["fetched"] = archive.how()
    tasks = [Task(Choice(choice.entry, choice.roles, debs), reading, out) for choice in choices]
    states: dict[str, dict[str, Any]] = {}
    measured["seconds_by_source"] = {}
    with context.progress.task(tr("Reading packages"), total=len(tasks), unit=tr("sources")) as bar:

        def done(told: tuple[str, dict[str, Any], float]) -> None:
            key, state, seconds = told
            states[key] = state
            measured["seconds_by_source"][key] = round(seconds, 2)
            if not any(count["num_in"] for count in state["counts"]):
                context.progress.note(tr("{key}: none of its files are in these packages", key=key))
            bar.advance(note=state["facts"]["title"])

        read_all(tasks, context.threads, done)
    return [states[key] for key in config.use]
