"""Sources of the user's own: files, and data sets of the hub or local folders of the same layout."""

from __future__ import annotations

import glob
import itertools
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import fournil
from fournil.core.context import Context
from fournil.core.document import document_row, pair_row
from fournil.core.errors import EXIT_USAGE, FournilError
from fournil.core.licences import is_known, normal_spdx
from fournil.stages.sources.config import FilesSource, HubSource
from fournil.stages.sources.debian import UNKNOWN_LICENCE
from fournil.stages.sources.licence import Evidence, stated
from fournil.stages.sources.readers.raw import RawDocument, RawPair, Refused
from fournil.stages.sources.unit import Kind, Unit

_PACKAGE = "fournil:"
_LANGUAGE = "{language}"


def matching_files(source: FilesSource) -> list[Path]:
    """Return the files that a source's patterns match, sorted, each once.

    Raises:
        FournilError: When a pattern matches nothing.
    """
    found: dict[Path, None] = {}
    for pattern in source.paths:
        matches = sorted(glob.glob(_glob(pattern, "*"), recursive=True))  # noqa: PTH207 - patterns may be absolute
        files = [Path(match) for match in matches if Path(match).is_file()]
        if not files:
            where = f"sources.files, {source.key}"
            raise FournilError(f"no file matches {pattern!r}", where=where, fix="Check the path.", code=EXIT_USAGE)
        found.update(dict.fromkeys(files))
    return list(found)


def read_own(source: FilesSource | HubSource, unit: Unit, min_letters: int, context: Context) -> dict[str, Any]:
    """Read one source of the user's own into its unit; return the facts about it.

    Raises:
        FournilError: For a licence that is no SPDX expression, files that are missing, columns that are not there.
    """
    ground = _evidence(source, source.licence)
    lines: dict[str, dict[str, str]] = defaultdict(dict)
    with context.progress.task(f"Reading {source.key}", unit="documents") as bar:
        for raw in _rows(source, context.languages):
            bar.advance()
            evidence = ground
            if not isinstance(raw, Refused):
                said = raw.extra.get("licence")
                evidence = _own_licence(source, said) if isinstance(said, str) and said.strip() else ground
            _add(source, raw, evidence, unit, min_letters)
            if isinstance(source, FilesSource) and source.parallel_lines and isinstance(raw, RawDocument):
                group = raw.extra.get("group")
                if group and raw.language:
                    lines[str(group)][raw.language] = raw.text
    for group in sorted(lines):
        for pair in line_pairs(group, lines[group]):
            _add(source, pair, ground, unit, min_letters)
    return {
        "key": source.key,
        "title": source.title or source.key,
        "kind": "files" if isinstance(source, FilesSource) else "hub",
        "rightsholder": source.rightsholder,
        "dates": "",
        "url": source.url,
        "language": source.language,
        "category": source.category,
        "reader": "files" if isinstance(source, FilesSource) else "hub",
        "packages": [],
    }


def line_pairs(group: str, texts: Mapping[str, str]) -> Iterator[RawPair]:
    """Pair the lines of translations that have as many lines that hold a letter, each language with each other one."""
    split = {
        language: [line.strip() for line in text.splitlines() if any(map(str.isalpha, line))]
        for language, text in sorted(texts.items())
    }
    for one, two in itertools.combinations(split, 2):
        if len(split[one]) == len(split[two]):
            for number, sides in enumerate(zip(split[one], split[two], strict=True), start=1):
                extra = {"kind": "line", "group": group}
                yield RawPair(f"{group}/{one}-{two}-{number}", {one: sides[0], two: sides[1]}, None, extra)


def _rows(source: FilesSource | HubSource, languages: Sequence[str]) -> Iterable[RawDocument | RawPair | Refused]:
    if isinstance(source, HubSource):
        from fournil.stages.sources.readers.hub import read_hub

        yield from read_hub(source.dataset, revision=source.revision, config=source.config, split=source.split)
        return
    from fournil.stages.sources.readers.files import read_files

    for pattern in source.paths:
        if _LANGUAGE not in pattern:
            yield from read_files([_glob(pattern, "")])
            continue
        for language in languages:
            for raw in read_files([_glob(pattern, language)]):
                if isinstance(raw, RawDocument):
                    group = {"group": f"{source.key}/{raw.native_id}"}
                    raw = replace(
                        raw, native_id=f"{language}/{raw.native_id}", language=language, extra={**raw.extra, **group}
                    )
                yield raw


def _add(
    source: FilesSource | HubSource,
    raw: RawDocument | RawPair | Refused,
    evidence: Evidence | None,
    unit: Unit,
    min_letters: int,
) -> None:
    common: dict[str, Any] = {
        "source": source.key,
        "licence": evidence.licence if evidence else UNKNOWN_LICENCE,
        "evidence": evidence.key if evidence else None,
    }
    name = f"{source.key}/{raw.native_id}"
    if isinstance(raw, Refused):
        row = document_row(name, raw.text, **common)
        unit.refuse("documents", row, raw.rule, raw.value, raw.bound, bytes_in=len(raw.text.encode()))
        return
    extra = json.dumps(dict(raw.extra), ensure_ascii=False, sort_keys=True) if raw.extra else None
    url, category = source.url or None, source.category or None
    kind: Kind = "documents" if isinstance(raw, RawDocument) else "pairs"
    why: tuple[str, object, object] | None = None
    if isinstance(raw, RawPair):
        texts = list(raw.texts.values())
        row = pair_row(name, raw.texts, score=raw.score, url=url, category=category, extra=extra, **common)
        if not all(any(map(str.isalpha, text)) for text in texts):
            why = ("no-letter", None, None)
    else:
        texts = [raw.text]
        row = document_row(
            name,
            raw.text,
            language=raw.language or source.language or None,
            title=raw.title,
            author=raw.author,
            date=raw.date,
            url=raw.url or url,
            category=raw.category or category,
            extra=extra,
            **common,
        )
        letters = sum(map(str.isalpha, raw.text[: 40 * min_letters + 4096]))
        if letters < min_letters:
            why = ("too-short", letters, min_letters)
    size = sum(len(text.encode()) for text in texts)
    if evidence is None:
        unit.refuse(kind, row, "licence-unknown", raw.extra.get("licence"), "an SPDX expression", bytes_in=size)
    elif why is not None:
        unit.refuse(kind, row, *why, bytes_in=size)
    else:
        unit.add(kind, row, evidence, bytes_in=size)


def _evidence(source: FilesSource | HubSource, licence: str) -> Evidence:
    try:
        return stated(source.key, licence, source.statement)
    except FournilError as error:
        raise FournilError(error.what, where=f"{source.key}.licence", fix=error.fix, code=EXIT_USAGE) from error


def _own_licence(source: FilesSource | HubSource, said: str) -> Evidence | None:
    """Return the evidence for a licence that the document itself names; None when it is no SPDX expression."""
    if not is_known(said):
        return None
    licence = normal_spdx(said)
    return Evidence(f"{source.key}/{licence}", "stated", licence, statement="licence named beside the document")


def _glob(pattern: str, language: str) -> str:
    if pattern.startswith(_PACKAGE):
        pattern = str(Path(fournil.__file__).parent / "data" / pattern.removeprefix(_PACKAGE))
    return str(Path(pattern.replace(_LANGUAGE, language)).expanduser())
