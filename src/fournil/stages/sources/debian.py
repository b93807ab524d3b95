"""Sources of kind `debian`: packages chosen, fetched, read, each document with the licence that its package states."""

from __future__ import annotations

import hashlib
import io
import json
import re
import tokenize
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from fournil.core.document import document_row, pair_row
from fournil.core.errors import FournilError
from fournil.core.speech import tr
from fournil.stages.sources.catalogue import Entry
from fournil.stages.sources.deb import Bounds, Contents, OverBoundError, follow, gunzip, read_deb
from fournil.stages.sources.licence import Evidence, PackageLicences
from fournil.stages.sources.messages import judge
from fournil.stages.sources.packages import Archive, Package
from fournil.stages.sources.unit import Unit

UNKNOWN_LICENCE = "NOASSERTION"
"""SPDX's word for a licence that nobody stated; only refused rows have it."""
_COPYRIGHT = re.compile(r"usr/share/doc/[^/]+/copyright")
_ENGLISH = "en"


@dataclass(frozen=True)
class Choice:
    """The packages chosen for one source."""

    entry: Entry
    roles: tuple[tuple[Package, ...], ...]
    """For each role the packages that are needed together."""
    debs: Mapping[str, Path] = field(default_factory=dict)
    """Package name → file."""

    @property
    def packages(self) -> list[Package]:
        """All of them, in the catalogue's order."""
        return list(dict.fromkeys(package for role in self.roles for package in role))

    def facts(self) -> list[dict[str, Any]]:
        """Return what the label says of the packages."""
        return [
            {
                "name": package.name,
                "version": package.version,
                "source": package.source,
                "bytes": package.size_bytes,
                "sha256": package.sha256,
            }
            for package in self.packages
        ]


def choose(entries: Sequence[Entry], archive: Archive) -> list[Choice]:
    """Choose the packages of each source: of each role's alternatives the first one that the index holds whole.

    Raises:
        FournilError: When a role has no package; the message names what was looked for.
    """
    names = [name for entry in entries for role in entry.alternatives() for packages in role for name in packages]
    found = archive.find(names)
    choices = []
    for entry in entries:
        roles = []
        for role, text in zip(entry.alternatives(), entry.packages, strict=True):
            whole = next((packages for packages in role if all(name in found for name in packages)), None)
            if whole is None:
                what = tr("no package {name!r} in the index of packages", name=text)
                fix = tr(
                    "Take {key!r} out of sources.use, or name a suite or component of the archive that has it.",
                    key=entry.key,
                )
                raise FournilError(what, where=entry.key, fix=fix)
            roles.append(tuple(found[name] for name in whole))
        choices.append(Choice(entry, tuple(roles)))
    return choices


@dataclass(frozen=True)
class _Found:
    """A wanted file of a package, with what its path says."""

    path: str
    names: Mapping[str, str]
    data: bytes
    licences: PackageLicences


@dataclass(frozen=True)
class Reading:
    """How files are read."""

    man_reader: str
    min_letters: int
    bounds: Bounds


def man_reader(wanted: str) -> str:
    """Return the reader of manual pages to use: the one wanted, or the best one present for `auto`."""
    from fournil.stages.sources.readers.man import find_man_reader

    return find_man_reader() if wanted == "auto" else wanted


def read_choice(choice: Choice, unit: Unit, reading: Reading) -> dict[str, Any]:
    """Read all documents or pairs of one source into its unit; return the facts about it."""
    skipped: Counter[str] = Counter()
    files = list(_files(choice, reading.bounds, skipped))
    entry = choice.entry
    if entry.reader == "messages":
        _read_messages(entry, files, unit)
    else:
        for file, text, title in _texts(entry, files, reading):
            _add_document(entry, file, text, title, unit, reading.min_letters)
    return {
        "key": entry.key,
        "title": entry.title,
        "kind": entry.kind,
        "rightsholder": entry.rightsholder,
        "dates": entry.dates,
        "url": entry.url,
        "language": entry.language or "code",
        "category": entry.category,
        "reader": reading.man_reader if entry.reader == "man" else entry.reader,
        "packages": choice.facts(),
        "members_not_read": dict(sorted(skipped.items())),
    }


def _files(choice: Choice, bounds: Bounds, skipped: Counter[str]) -> Iterator[_Found]:
    """Give the wanted files of all packages in order; a file that two packages hold counts once."""
    entry, seen = choice.entry, set[str]()
    for role in choice.roles:
        contents = [_read_package(entry, choice.debs[package.name], bounds) for package in role]
        licences = _licences(entry, role[0], contents)
        for package, one in zip(role, contents, strict=True):
            if not entry.is_read(package.name):
                continue
            skipped.update(one.refused)
            for path in sorted(path for path in (*one.files, *one.links) if entry.match(path) is not None):
                names = entry.match(path)
                target = follow(path, one) if path in one.links else path
                if path in seen or names is None:
                    continue
                seen.add(path)
                if target != path and (entry.match(target) is not None or target not in one.files):
                    skipped["link"] += 1  # another name of a file that is read itself, or one that leads nowhere
                    continue
                data = one.files[target]
                try:
                    data = gunzip(data, bounds.member_bytes) if path.endswith(".gz") else data
                except OverBoundError:
                    skipped["too-large"] += 1
                    continue
                except (OSError, EOFError):
                    skipped["damaged"] += 1
                    continue
                yield _Found(path, names, data, licences)


def _read_package(entry: Entry, deb: Path, bounds: Bounds) -> Contents:
    def wanted(path: str) -> bool:
        return entry.match(path) is not None or _COPYRIGHT.fullmatch(path) is not None

    contents = read_deb(deb, wanted, bounds)
    targets = {follow(path, contents) for path in contents.links if entry.match(path) is not None}
    missing = targets - contents.files.keys()
    if not missing:
        return contents
    # A link may stand for a file that the pattern does not name: it is read in a second pass.
    return read_deb(deb, lambda path: wanted(path) or path in missing, bounds)


def _licences(entry: Entry, package: Package, contents: Sequence[Contents]) -> PackageLicences:
    """Find the copyright file of a role's first package; its folder may be a link into another package of the role."""
    path = follow(f"usr/share/doc/{package.name}/copyright", contents[0])
    data = next((one.files[path] for one in contents if path in one.files), None)
    return PackageLicences(entry, package.name, package.version, path, data)


def _texts(entry: Entry, files: Sequence[_Found], reading: Reading) -> Iterator[tuple[_Found, str | None, str | None]]:
    """Read documents: the text (None where there is none) and the title."""
    if entry.reader == "man":
        from fournil.stages.sources.readers.man import ManReader, read_many

        reader = cast(ManReader, reading.man_reader)
        pages = read_many([file.data for file in files], reader=reader, jobs=1)
        for file, page in zip(files, pages, strict=True):
            yield file, page.text if page else None, page.title if page else None
    elif entry.reader == "html":
        from fournil.stages.sources.readers.html import read_html

        for file in files:
            page = read_html(file.data)
            yield file, page.text, page.title
    else:
        for file in files:
            yield file, _decode_code(file.data), None


def _decode_code(data: bytes) -> str | None:
    """Decode Python source as its first lines say; None when they lie."""
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        return data.decode(encoding).replace("\r\n", "\n")
    except (SyntaxError, UnicodeDecodeError, LookupError):
        return None


def _add_document(
    entry: Entry, file: _Found, text: str | None, title: str | None, unit: Unit, min_letters: int
) -> None:
    native = entry.id.format_map(file.names)
    evidence = _evidence(entry, file)
    extra: dict[str, str] = {"path": file.path}
    if entry.group:
        extra["group"] = entry.group.format_map(file.names)
    row = document_row(
        f"{entry.key}/{native}",
        text or "",
        source=entry.key,
        licence=evidence.licence if evidence else UNKNOWN_LICENCE,
        language=entry.language or "code",
        evidence=evidence.key if evidence else None,
        url=entry.url,
        title=title or None,
        category=entry.category,
        extra=_json(extra),
    )
    size = len(file.data)
    if text is None:
        unit.refuse("documents", row, *_why_unread(entry, file.data), bytes_in=size)
    elif evidence is None:
        unit.refuse("documents", row, "licence-unknown", "none stated", "an SPDX expression", bytes_in=size)
    elif (letters := sum(map(str.isalpha, text[: 40 * min_letters + 4096]))) < min_letters:
        unit.refuse("documents", row, "too-short", letters, min_letters, bytes_in=size)
    else:
        unit.add("documents", row, evidence, bytes_in=size)


def _why_unread(entry: Entry, data: bytes) -> tuple[str, str, str]:
    if entry.reader == "code":
        return "encoding", "undecodable", "the encoding that it declares"
    alias = re.search(rb"^\.so[ \t]+(\S+)", data, re.MULTILINE)
    if entry.reader == "man" and alias:
        return "alias", alias[1].decode("utf-8", "replace"), "a page of its own"
    return "unreadable", "no text", f"{entry.reader} text"


def _read_messages(entry: Entry, files: Iterable[_Found], unit: Unit) -> None:
    from fournil.stages.sources.readers.gettext import read_mo

    for file in files:
        evidence = _evidence(entry, file)
        domain = entry.id.format_map(file.names)
        for message in read_mo(file.data, where=file.path):
            verdict = judge(message.source, message.target, message.context, entry.mnemonic)
            digest = hashlib.sha256(f"{message.context or ''}\x04{message.source}".encode()).hexdigest()[:16]
            extra: dict[str, Any] = {"kind": "message"}
            if message.context:
                extra["context"] = message.context
            if message.plural:
                extra["plural"] = True
            if verdict.had_mnemonic:
                extra["mnemonic"] = entry.mnemonic
            row = pair_row(
                f"{entry.key}/{domain}/{digest}",
                {_ENGLISH: verdict.source, entry.language: verdict.target},
                source=entry.key,
                licence=evidence.licence if evidence else UNKNOWN_LICENCE,
                evidence=evidence.key if evidence else None,
                url=entry.url,
                category=entry.category,
                extra=_json(extra),
            )
            size = len(message.source.encode()) + len(message.target.encode())
            if evidence is None:
                unit.refuse("pairs", row, "licence-unknown", "none stated", "an SPDX expression", bytes_in=size)
            elif verdict.rule:
                unit.refuse("pairs", row, verdict.rule, verdict.value, None, bytes_in=size)
            else:
                unit.add("pairs", row, evidence, bytes_in=size)


def _evidence(entry: Entry, file: _Found) -> Evidence | None:
    return file.licences.evidence_for([path.format_map(file.names) for path in entry.licence_path])


def _json(value: Mapping[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)
