"""Escapes of a roff text line, turned into plain characters."""

from __future__ import annotations

import re
from collections.abc import Mapping

from fournil.stages.sources.readers.roff_glyphs import glyph

_NAME = r"(?:\((?:..)|\[[^\]]*\]|.)"
_ESCAPE = re.compile(
    r"""\\(?:
        (?P<comment>["\#].*)
      | \((?P<two>..) | \[(?P<long>[^\]]*)\] | C'(?P<quoted>[^']*)'
      | [fFmMgkYV](?:\((?:..)|\[[^\]]*\]|.)
      | n[+-]?(?:\((?:..)|\[[^\]]*\]|.)
      | s(?:[+-]?(?:\(\d\d|\[[^\]]*\]|'[^']*'|[1-3]\d|\d))
      | (?P<overstrike>o)(?P<q1>['"])(?P<over>.*?)(?P=q1)
      | N'(?P<number>\d+)'
      | (?P<motion>[hvwlLDXZABRbSHx])(?P<q2>['"|\x07])(?P<argument>.*?)(?P=q2)
      | z(?:\\[(](?:..)|\\\[[^\]]*\]|\\.|.)
      | (?P<one>.)
    )""",
    re.VERBOSE,
)
_STRING = re.compile(r"\\\*(?:\((?P<two>..)|\[(?P<long>[^\]]*)\]|(?P<one>.))")
_REGISTER = re.compile(r"\\n(?P<step>[+-]?)(?:\((?P<two>..)|\[(?P<long>[^\]]*)\]|(?P<one>.))")
_SINGLE = {
    " ": "\u00a0", "~": "\u00a0", "0": " ", "-": "-", "e": "\\", "E": "\\", "\\": "\\", "'": "´", "`": "`", ".": ".",
    "_": "_", "t": "\t", "a": "\t",
}  # fmt: skip
_MOST_STRING_CHARACTERS = 20_000
_MOST_STRING_STEPS = 50


def interpolate(line: str, strings: Mapping[str, str], registers: Mapping[str, int]) -> str:
    r"""Put in the values of `\*(xx` and `\n(xx`; unknown strings are empty, unknown registers 0, as in troff."""
    steps = 0
    while "\\*" in line and steps < _MOST_STRING_STEPS and len(line) < _MOST_STRING_CHARACTERS:
        replaced = _STRING.sub(lambda match: strings.get(_name(match), ""), line)
        if replaced == line:
            break
        line = replaced
        steps += 1
    if "\\n" in line:
        line = _REGISTER.sub(lambda match: str(registers.get(_name(match), 0)), line)
    return line


def unescape(line: str) -> str:
    """Plain characters of a text line whose strings are already in. Fonts, sizes and motions leave nothing behind."""
    if "\\" not in line:
        return line
    return _ESCAPE.sub(_replace, line)


def _name(match: re.Match[str]) -> str:
    return (match["two"] or match["long"] or match["one"] or "").strip()


def _replace(match: re.Match[str]) -> str:
    one = match["one"]
    if one is not None:
        return _SINGLE.get(one) or ("" if one in _SILENT else one)
    name = match["two"] or match["long"] or match["quoted"]
    if name:
        return glyph(name) or ""
    if match["over"] is not None:
        return unescape(match["over"])[:1]
    if match["number"] is not None:
        return chr(int(match["number"]) % 0x110000)
    if match["motion"] == "Z":
        return unescape(match["argument"])
    return " " if match["motion"] == "h" and _FORWARD.match(match["argument"]) else ""


_FORWARD = re.compile(r"\+?[0.]*[1-9]")
_SILENT = "&%:|^/,)!?{}cdurp"
