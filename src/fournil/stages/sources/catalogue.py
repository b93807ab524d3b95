"""The catalogue: one TOML file per source that Fournil knows how to fetch, each checked strictly when it is read."""

from __future__ import annotations

import fnmatch
import re
import tomllib
from dataclasses import MISSING, dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any

import fournil
from fournil.core.errors import EXIT_USAGE, FournilError, nearest
from fournil.core.licences import normal_spdx
from fournil.core.speech import tr

FOLDER = Path(fournil.__file__).parent / "data" / "catalogue"
READERS = ("man", "html", "messages", "code")
CATEGORIES = ("documentation", "messages", "code")
MNEMONICS = ("", "_", "&", "~", "~_")


@dataclass(frozen=True)
class Size:
    """How much a source was seen to hold; it says nothing about other releases than the one named in the file."""

    bytes: int
    """UTF-8 bytes of the texts read, both sides of pairs."""
    documents: int = 0
    """Documents read."""
    pairs: int = 0
    """Pairs read."""


@dataclass(frozen=True)
class Entry:
    """One source of the catalogue."""

    key: str
    """The file's name without `.toml`."""
    title: str
    """What the page calls it."""
    kind: str
    """How it is fetched: `debian`."""
    packages: tuple[str, ...]
    """One string per role: alternatives apart by `|`, the first one of which all packages exist; packages that are
    needed together apart by `+`, the one whose copyright file counts first. One in parentheses gives its copyright file
    alone, for packages whose folder of documentation is a link to its."""
    reader: str
    """`man`, `html`, `messages` (compiled gettext catalogues) or `code`."""
    members: str
    """Regular expression for the whole path of wanted files in the packages; its named groups fill the templates."""
    licence: str
    """SPDX expression: what to expect, and what holds where the package states it in words only (`statement`)."""
    rightsholder: str
    """Whose text it is, as the copyright file says."""
    dates: str
    """The years that the copyright file names."""
    category: str
    """`documentation`, `messages` or `code`."""
    url: str
    """The project's page."""
    language: str = ""
    """BCP 47 tag of documents; of messages the language that they are translated to, from English."""
    id: str = "{name}"
    """Template of a document's native id."""
    group: str = ""
    """Template of what all translations of a document share; empty: none."""
    licence_path: tuple[str, ...] = ("{name}",)
    """Templates of the paths that the file may have in the source package; the copyright file is asked for them."""
    statement: str = ""
    """The words of the copyright file that state the licence, where it is not machine-readable."""
    copyright_sha256: tuple[str, ...] = ()
    """The copyright files in which the statement was read by a person."""
    exclude: tuple[str, ...] = ()
    """Globs of paths that are not wanted after all."""
    mnemonic: str = ""
    """The characters that mark keyboard mnemonics in messages: `_` (GTK), `&` (Qt, wxWidgets), `~_` (LibreOffice)."""
    size: Size | None = None
    """How much there was, for `fournil plan`."""
    path: Path = Path()
    """The file."""

    def match(self, path: str) -> dict[str, str] | None:
        """Return the named groups of a wanted path, or None when it is not wanted."""
        found = _compiled(self.members).fullmatch(path)
        if found is None or any(fnmatch.fnmatchcase(path, pattern) for pattern in self.exclude):
            return None
        return {name: value or "" for name, value in found.groupdict().items()}

    def alternatives(self) -> list[list[list[str]]]:
        """Return for each role its alternatives, each a list of packages that are needed together."""
        return [[[_bare(name) for name in one.split("+")] for one in role.split("|")] for role in self.packages]

    def is_read(self, package: str) -> bool:
        """Say whether wanted files are read from a package, or its copyright file alone."""
        names = (name.strip() for role in self.packages for one in role.split("|") for name in one.split("+"))
        return f"({package})" not in names


def keys() -> list[str]:
    """List the keys of all sources in the catalogue."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def load(key: str) -> Entry:
    """Read one source of the catalogue.

    Raises:
        FournilError: For an unknown key, an unknown field (with the nearest right name), or a value that cannot be.
    """
    path = FOLDER / f"{key}.toml"
    if key not in keys():
        guess = nearest(key, keys())
        fix = tr("Did you mean {guess!r}?", guess=guess) if guess else tr("docs/01-sources.md lists the catalogue.")
        what = tr("no source {key!r} in the catalogue", key=key)
        raise FournilError(what, where="sources.use", fix=fix, code=EXIT_USAGE)
    return read_entry(path)


def read_entry(path: Path) -> Entry:
    """Read and check one file of the catalogue."""
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise FournilError(tr("not valid TOML: {error}", error=error), where=path) from error
    known = {field.name: field for field in fields(Entry) if field.name not in ("key", "path")}
    for name, value in table.items():
        if name not in known:
            guess = nearest(name, known)
            fix = tr("Did you mean {guess!r}?", guess=guess) if guess else tr("Known: {names}.", names=", ".join(known))
            raise FournilError(tr("unknown field {name!r}", name=name), where=path, fix=fix)
        if name == "size":
            continue
        wanted = list if known[name].type.startswith("tuple") else str
        if not isinstance(value, wanted) or (isinstance(value, list) and not all(isinstance(v, str) for v in value)):
            array, string = (
                tr("{name} must be an array of strings", name=name),
                tr("{name} must be a string", name=name),
            )
            raise FournilError(array if wanted is list else string, where=path)
    missing = [name for name, field in known.items() if field.default is MISSING and not table.get(name)]
    if missing:
        raise FournilError(tr("missing field {name!r}", name=missing[0]), where=path)
    values: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in table.items()}
    if "size" in values:
        values["size"] = _size(values["size"], path)
    entry = Entry(key=path.stem, path=path, **values)
    _check(entry)
    return entry


def _size(table: Any, path: Path) -> Size:  # noqa: ANN401 - whatever TOML holds
    known = [field.name for field in fields(Size)]
    if not isinstance(table, dict) or not all(type(value) is int and value > 0 for value in table.values()):
        raise FournilError(tr("size must be a table of positive whole numbers"), where=path)
    for name in table:
        if name not in known:
            guess = nearest(name, known)
            fix = tr("Did you mean {guess!r}?", guess=guess) if guess else tr("Known: {names}.", names=", ".join(known))
            raise FournilError(tr("unknown field {name!r}", name=f"size.{name}"), where=path, fix=fix)
    if "bytes" not in table:
        raise FournilError(tr("missing field {name!r}", name="size.bytes"), where=path)
    return Size(**table)


def _check(entry: Entry) -> None:
    for name, value, allowed in (
        ("kind", entry.kind, ("debian",)),
        ("reader", entry.reader, READERS),
        ("category", entry.category, CATEGORIES),
        ("mnemonic", entry.mnemonic, MNEMONICS),
    ):
        if value not in allowed:
            shown = ", ".join(repr(option) for option in allowed)
            what = tr("{name} cannot be {value!r}", name=name, value=value)
            raise FournilError(what, where=entry.path, fix=tr("One of {names}.", names=shown))
    try:
        groups = set(_compiled(entry.members).groupindex)
    except re.error as error:
        raise FournilError(tr("members is no regular expression: {error}", error=error), where=entry.path) from error
    for name, template in (
        ("id", entry.id),
        ("group", entry.group),
        *(("licence_path", p) for p in entry.licence_path),
    ):
        wanted = set(re.findall(r"\{(\w+)\}", template))
        if wanted - groups:
            group = sorted(wanted - groups)[0]
            raise FournilError(
                tr("{name} uses {group!r}, which members lacks", name=name, group=group), where=entry.path
            )
    for alternatives in entry.alternatives():
        for name in (name for packages in alternatives for name in packages):
            if not re.fullmatch(r"[a-z0-9][a-z0-9+.-]+", name):
                raise FournilError(tr("not a package name: {name!r}", name=name), where=entry.path)
    if entry.statement and not entry.copyright_sha256:
        raise FournilError(tr("a statement needs copyright_sha256: where was it read?"), where=entry.path)
    if normal_spdx(entry.licence) != entry.licence:
        what = tr("licence {licence!r} is not in its normal spelling", licence=entry.licence)
        fix = tr("Write {licence!r}.", licence=normal_spdx(entry.licence))
        raise FournilError(what, where=entry.path, fix=fix)
    if entry.reader != "code" and not entry.language:
        raise FournilError(tr("missing field {name!r}", name="language"), where=entry.path)


def _bare(name: str) -> str:
    return name.strip().removeprefix("(").removesuffix(")")


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)
