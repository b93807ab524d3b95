"""Sources of the user's own: files, and data sets of the hub or local folders of the same layout."""

from __future__ import annotations

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
from fournil.core.speech import tr
from fournil.stages.sources.config import FilesSource, HubSource
from fournil.stages.sources.debian import UNKNOWN_LICENCE
from fournil.stages.sources.licence import STATED, Evidence
from fournil.stages.sources.readers.patterns import expand
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
        path = Path(_glob(pattern, "*"))
        matches = [path] if path.exists() else expand(path)
        files = [match for match in matches if match.is_file()]
        if not files:
            where = f"sources.files, {source.key}"
            folder = next((match for match in matches if match.is_dir()), None)
            if folder is not None:
                fix = tr("Name its files, as in {pattern}", pattern=folder / "**" / "*.txt")
                raise FournilError(tr("a folder, not a file"), where=folder, fix=fix, code=EXIT_USAGE)
            if matches:
                fix = tr("Name a file.")
                raise FournilError(tr("a pipe, a socket or a device"), where=matches[0], fix=fix, code=EXIT_USAGE)
            what = tr("no file matches {pattern!r}", pattern=pattern)
            raise FournilError(what, where=where, fix=tr("Check the path."), code=EXIT_USAGE)
        found.update(dict.fromkeys(files))
    return list(found)


def read_own(source: FilesSource | HubSource, unit: Unit, min_letters: int, context: Context) -> dict[str, Any]:
    """Read one source of the user's own into its unit; return the facts about it.

    Raises:
        FournilError: For a licence that is no SPDX expression, files that are missing, columns that are not there.
    """
    facts: dict[str, Any] = {
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
    ground = _evidence(source, source.licence, source.statement) if source.licence else None
    keeps_own = isinstance(source, HubSource) or source.own_licence
    if isinstance(source, FilesSource):
        rows: Iterable[RawDocument | RawPair | Refused] = _file_rows(source, context.languages)
    else:
        from fournil.stages.sources.readers.hub import read_hub

        found = read_hub(
            source.dataset,
            source.revision,
            config=source.config,
            split=source.split,
            text_field=source.text_column,
            pair_fields=_pair(source),
            language=source.language or None,
            whole=not source.max_documents,
        )
        facts |= {"dataset": source.dataset, "commit": found.commit, "files": found.begun}
        if ground is None and found.licence and is_known(found.licence):
            ground = _evidence(source, found.licence, f"licence: {found.licence} (the data set's card)")
        rows = itertools.islice(found, source.max_documents or None)
    pairs_lines = isinstance(source, FilesSource) and source.parallel_lines
    by_group: dict[str, dict[str, str]] = defaultdict(dict)
    with context.progress.task(tr("Reading {key}", key=source.key), unit=tr("texts")) as bar:
        for raw in rows:
            bar.advance()
            said = raw.extra.get("licence") if keeps_own and not isinstance(raw, Refused) else None
            evidence = _said_licence(source, said) if isinstance(said, str) and said.strip() else ground
            _add(source, raw, evidence, unit, min_letters)
            if not pairs_lines or evidence is not ground:
                continue
            if isinstance(raw, RawDocument) and raw.language and "group" in raw.extra:
                by_group[str(raw.extra["group"])][raw.language] = raw.text
    if pairs_lines:
        facts["groups_without_line_pairs"] = 0
        for group in sorted(by_group):
            pairs = list(line_pairs(group, by_group[group]))
            facts["groups_without_line_pairs"] += not pairs
            for pair in pairs:
                _add(source, pair, ground, unit, min_letters)
    _check_some(source, unit, context)
    return facts


def _check_some(source: FilesSource | HubSource, unit: Unit, context: Context) -> None:
    tallies = unit.tallies.values()
    num_in = sum(tally.num_in for tally in tallies)
    if not num_in:
        where = source.dataset if isinstance(source, HubSource) else ", ".join(source.paths)
        fix = tr("Take {key!r} out of the recipe, or name files that hold text.", key=source.key)
        raise FournilError(tr("this source holds no document and no pair"), where=where, fix=fix)
    if not any(tally.num_out for tally in tallies):
        rules = ", ".join(sorted({rule for tally in tallies for rule in tally.refused}))
        context.progress.note(tr("{key}: all that it holds is refused ({rules})", key=source.key, rules=rules))


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


def _file_rows(source: FilesSource, languages: Sequence[str]) -> Iterator[RawDocument | RawPair | Refused]:
    from fournil.stages.sources.readers.files import read_files

    def read(paths: Sequence[str], language: str | None) -> Iterator[RawDocument | RawPair | Refused]:
        return read_files(
            paths,
            language=language,
            format="txt" if source.language == "code" else "auto",
            text_field=source.text_column,
            pair_fields=_pair(source),
        )

    plain = [_glob(pattern, "") for pattern in source.paths if _LANGUAGE not in pattern]
    if plain:
        yield from read(plain, source.language or None)
    for pattern in (pattern for pattern in source.paths if _LANGUAGE in pattern):
        for language in languages:
            for raw in read([_glob(pattern, language)], language):
                if isinstance(raw, RawDocument):
                    group = {"group": f"{source.key}/{raw.native_id}"}
                    raw = replace(
                        raw, native_id=f"{language}/{raw.native_id}", language=language, extra={**raw.extra, **group}
                    )
                elif isinstance(raw, Refused):  # the same name may be refused in another language too
                    raw = replace(raw, native_id=f"{language}/{raw.native_id}")
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


def _evidence(source: FilesSource | HubSource, licence: str, statement: str) -> Evidence:
    try:
        spdx = normal_spdx(licence)
    except FournilError as error:
        raise FournilError(error.what, where=f"{source.key}.licence", fix=error.fix, code=EXIT_USAGE) from error
    return Evidence(f"{source.key}/stated", STATED, spdx, statement=statement or None)


def _said_licence(source: FilesSource | HubSource, said: str) -> Evidence | None:
    """Return the evidence for a licence that the document itself names; None when it is no SPDX expression."""
    if not is_known(said):
        return None
    licence = normal_spdx(said)
    return Evidence(f"{source.key}/{licence}", STATED, licence, statement="the document's own field names this licence")


def _pair(source: FilesSource | HubSource) -> tuple[str, str] | None:
    return (source.pair_columns[0], source.pair_columns[1]) if source.pair_columns else None


def _glob(pattern: str, language: str) -> str:
    if pattern.startswith(_PACKAGE):
        pattern = str(Path(fournil.__file__).parent / "data" / pattern.removeprefix(_PACKAGE))
    return str(Path(pattern.replace(_LANGUAGE, language)).expanduser())
