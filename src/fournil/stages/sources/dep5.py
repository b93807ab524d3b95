"""Licences as Debian's machine-readable copyright files (DEP-5) state them, as SPDX expressions.

The format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/. Of the `Files` paragraphs that match a
path the last one counts.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from fournil.core.errors import FournilError
from fournil.core.licences import normal_spdx

_SPELLED_OTHERWISE = {
    "apache-2": "Apache-2.0",
    "artistic": "Artistic-1.0-Perl",
    "artistic-1": "Artistic-1.0-Perl",
    "bsd-2-clauses": "BSD-2-Clause",
    "bsd-3-clauses": "BSD-3-Clause",
    "bsd-4-clause-uc": "BSD-4-Clause-UC",
    "cc0": "CC0-1.0",
    "edl-1.0": "BSD-3-Clause",
    "expat": "MIT",
    "gfdl-niv-1.1": "GFDL-1.1-no-invariants-only",
    "gfdl-niv-1.1+": "GFDL-1.1-no-invariants-or-later",
    "gfdl-niv-1.2": "GFDL-1.2-no-invariants-only",
    "gfdl-niv-1.2+": "GFDL-1.2-no-invariants-or-later",
    "gfdl-niv-1.3": "GFDL-1.3-no-invariants-only",
    "gfdl-niv-1.3+": "GFDL-1.3-no-invariants-or-later",
    "linux-man-pages-copyleft": "Linux-man-pages-copyleft",
    "psf": "PSF-2.0",
    "psf-2": "PSF-2.0",
    "python-2": "Python-2.0",
    "unicode": "Unicode-DFS-2016",
    "zlib/libpng": "Zlib",
}
"""Short names of Debian (lower-case) that no rule below turns into SPDX."""

_EXCEPTIONS = {
    "bison": "Bison-exception-2.2",
    "autoconf": "Autoconf-exception-3.0",
    "openssl": "LicenseRef-OpenSSL-exception",
    "font": "Font-exception-2.0",
    "classpath": "Classpath-exception-2.0",
    "libtool": "Libtool-exception",
    "gcc": "GCC-exception-3.1",
}
_GNU = re.compile(r"(?P<name>a?gpl|lgpl|gfdl)-(?P<version>\d+(?:\.\d+)?)(?P<later>\+|-or-later|-only)?", re.IGNORECASE)
_DOTTED = {"1": "1.0", "2": "2.0", "3": "3.0"}


@dataclass(frozen=True)
class Ground:
    """The paragraph that gives a file its licence."""

    licence: str
    """SPDX expression in its normal spelling."""
    paragraph: str
    """Its first line, patterns (shortened) and licence, as the copyright file has them."""
    line: int
    """Where the paragraph begins, counted from 1."""


class CopyrightFile:
    """A parsed DEP-5 copyright file."""

    def __init__(self, text: str) -> None:
        from debian_inspector.copyright import CopyrightFilesParagraph, DebianCopyright

        paragraphs = DebianCopyright.from_text(text).paragraphs
        self._paragraphs = [item for item in paragraphs if isinstance(item, CopyrightFilesParagraph)]
        self._grounds: dict[int, Ground | None] = {}
        self._exact: dict[str, int] = {}
        self._globs: list[tuple[re.Pattern[str], int]] = []
        for number, paragraph in enumerate(self._paragraphs):
            for pattern in paragraph.files.values:
                if "*" in pattern or "?" in pattern or "\\" in pattern:
                    self._globs.append((_glob(pattern), number))
                else:
                    self._exact[pattern.removeprefix("./")] = number

    def ground_for(self, paths: Sequence[str]) -> Ground | None:
        """Return what a file of the source package is licensed under; None when unknown or not expressible in SPDX.

        Args:
            paths: The paths that it may have there, in different versions; the last paragraph that matches one counts.
        """
        last = max((self._last(path) for path in paths), default=-1)
        return self._ground(last) if last >= 0 else None

    def _last(self, path: str) -> int:
        matching = (number for pattern, number in reversed(self._globs) if pattern.fullmatch(path))
        return max(self._exact.get(path, -1), next(matching, -1))

    def _ground(self, number: int) -> Ground | None:
        if number not in self._grounds:
            self._grounds[number] = _ground(self._paragraphs[number])
        return self._grounds[number]


def is_machine_readable(text: str) -> bool:
    """Say whether a copyright file declares the format (1.0, or one of its drafts)."""
    head = text.lstrip("\ufeff\n ").split("\n\n", 1)[0]
    return re.search(r"^Format(-Specification)?:\s*\S*(copyright-format|dep5|dep-5)", head, re.I | re.M) is not None


@cache
def spdx_of(short: str) -> str | None:
    """Turn Debian's short name, such as `GPL-2+ and Expat, or Artistic`, into SPDX; None when that cannot be done.

    A comma before `and` or `or` binds less than those words without one, as the format says.
    """
    text = " ".join(short.split())
    for comma, plain in ((r",\s+or\s+", "OR"), (r",\s+and\s+", "AND"), (r"\s+or\s+", "OR"), (r"\s+and\s+", "AND")):
        parts = re.split(comma, text, flags=re.IGNORECASE)
        if len(parts) > 1:
            inner = [spdx_of(part) for part in parts]
            known = [f"({part})" if " " in part and " WITH " not in part else part for part in inner if part]
            return _normal(f" {plain} ".join(known)) if len(known) == len(parts) else None
    parts = re.split(r"\s+with\s+", text, maxsplit=1, flags=re.IGNORECASE)
    base = _single(parts[0])
    if base is None or len(parts) == 1:
        return base
    word = parts[1].lower().removeprefix("the ").split(" ")[0].split("-")[0]
    if word not in _EXCEPTIONS:
        return None
    return _normal(f"{base} WITH {_EXCEPTIONS[word]}")


def _single(name: str) -> str | None:
    lower = name.lower()
    if lower in _SPELLED_OTHERWISE:
        return _SPELLED_OTHERWISE[lower]
    gnu = _GNU.fullmatch(name)
    if gnu:
        version = _DOTTED.get(gnu["version"], gnu["version"])
        return _normal(f"{gnu['name'].upper()}-{version}-{'only' if gnu['later'] in (None, '-only') else 'or-later'}")
    if lower == "public-domain":
        return "LicenseRef-public-domain"
    return _normal(name) if re.fullmatch(r"[A-Za-z0-9.+-]+", name) else None


def _normal(expression: str) -> str | None:
    try:
        return normal_spdx(expression)
    except FournilError:
        return None


def _ground(paragraph: Any) -> Ground | None:  # noqa: ANN401 - the library has no types
    short = (paragraph.license.name or "").strip()
    licence = spdx_of(short) if short else None
    if licence is None:
        return None
    patterns = " ".join(paragraph.files.values)
    shown = patterns if len(patterns) <= 200 else patterns[:200].rsplit(" ", 1)[0] + " …"
    line = min((first for first, _ in paragraph.line_numbers_by_field.values()), default=0)
    return Ground(licence, f"line {line}: Files: {shown}; License: {short}", line)


def _glob(pattern: str) -> re.Pattern[str]:
    """Translate the format's wildcards: `*` any characters, slashes too, `?` one character, a backslash escapes."""
    out, rest = "", pattern.removeprefix("./")
    while rest:
        if rest[0] == "\\" and len(rest) > 1:
            out, rest = out + re.escape(rest[1]), rest[2:]
            continue
        out += {"*": ".*", "?": "."}.get(rest[0], re.escape(rest[0]))
        rest = rest[1:]
    return re.compile(out, re.DOTALL)
