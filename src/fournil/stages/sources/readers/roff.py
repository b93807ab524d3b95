"""A small reader of man(7) pages: enough of roff to read what man pages hold, in one pass, with nothing to install.

It keeps what troff(1) would print but not how: fonts, sizes, indents and page layout leave no trace. Strings,
registers, conditions and macros that a page defines for itself work; loops, diversions, traps and files do not.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from fournil.stages.sources.readers.marks import BLOCK, LINE, LINK, LINK_END, LINK_TEXT, PRE, PRE_END, TAG
from fournil.stages.sources.readers.roff_numbers import evaluate
from fournil.stages.sources.readers.roff_text import interpolate, unescape

_ARGUMENT = re.compile(r'[ \t]*(?:"((?:[^"]|"")*)(?:"|$)|((?:\\[^"]|[^ \t\\])+))')
_REQUEST = re.compile(r"[.'][ \t]*([^ \t\\]*)")
_COMMENT = re.compile(r'[ \t]*\\["#].*')
_DEEPEST = 20
_MOST_MACRO_LINES = 50_000


class Roff:
    """State of one page; `run` reads lines, `marked` is what they print (see marks.py)."""

    def __init__(self) -> None:
        self._out: list[str] = []
        self._strings = {"R": "®", "Tm": "™", "lq": "“", "rq": "”"}
        self._registers = {".g": 1, ".x": 1, ".y": 22, ".l": 65, ".H": 24, ".V": 40, "nS": 0}
        self._macros: dict[str, list[str]] = {}
        self._translation: dict[int, str] = {}
        self._fill = True
        self._pending = ""
        self._else: list[bool] = []
        self._depth = 0
        self._lines_left = _MOST_MACRO_LINES
        self._continued = False

    @property
    def marked(self) -> str:
        """Everything printed so far, with marks."""
        return "".join(self._out) + ("" if self._fill else PRE_END)

    def run(self, lines: list[str]) -> None:
        """Obey lines of source: requests, macros and text."""
        number = 0
        while number < len(lines):
            line = lines[number]
            number += 1
            if line[:1] not in (".", "'"):
                self._text_line(line)
                continue
            while line.endswith("\\") and not line.endswith("\\\\") and number < len(lines):
                line = line[:-1] + lines[number]
                number += 1
            match = _REQUEST.match(line)
            name = match[1] if match else ""
            if name in _SKIPPING:
                number = self._skipping(name, line[match.end() :] if match else "", lines, number)
            elif name in _CONDITIONS:
                number = self._condition(name, line[match.end() :] if match else "", lines, number)
            elif name:
                self._request(name, line[match.end() :] if match else "")

    # Text

    def _text_line(self, line: str) -> None:
        if "\\" in line:
            line = interpolate(line, self._strings, self._registers)
            if line.lstrip().startswith('\\"') or line.startswith("\\#"):
                return
            joined = line.endswith("\\c")
            line = unescape(line)
        else:
            joined = False
        if self._translation:
            line = line.translate(self._translation)
        if self._fill:
            if not line.strip(" \t"):
                if not joined and "\\" not in line:
                    self._out.append(BLOCK)
                return
            if line[0] == " " and not self._continued:
                self._out.append(LINE)
        self._print(line, joined)

    def _print(self, text: str, joined: bool = False) -> None:
        self._out.append(text)
        self._continued = joined
        if joined:
            return
        if self._pending:
            if self._pending == TAG and not self._fill:
                self._out.append("\n")
            else:
                self._out.append(self._pending)
            self._pending = ""
        else:
            self._out.append("\n")

    def _break(self, mark: str = LINE) -> None:
        self._pending = ""
        if self._fill:
            self._out.append(mark)
        elif mark == BLOCK:
            self._out.append("\n")

    def _set_fill(self, fill: bool) -> None:
        if fill != self._fill:
            self._pending = ""
            self._fill = fill
            self._out.append(PRE_END if fill else PRE)

    # Requests

    def _request(self, name: str, rest: str) -> None:
        if name not in _DEFINING:
            rest = interpolate(rest, self._strings, self._registers)
            if "\\" in name:
                name = interpolate(name, self._strings, self._registers)
        macro = self._macros.get(name)
        if macro is not None:
            self._call(macro, rest)
            return
        handler = _HANDLERS.get(name)
        if handler is not None:
            handler(self, name, rest)

    def _call(self, macro: list[str], rest: str) -> None:
        self._lines_left -= len(macro)
        if self._depth >= _DEEPEST or self._lines_left < 0:
            return
        self._depth += 1
        arguments = split_arguments(rest)
        before = self._registers.get(".$", 0)
        self._registers[".$"] = len(arguments)
        self.run([_with_arguments(line, arguments) if "\\$" in line else line for line in macro])
        self._registers[".$"] = before
        self._depth -= 1

    def _skipping(self, name: str, rest: str, lines: list[str], number: int) -> int:
        """`.de`, `.am`, `.ig`: everything up to the end macro belongs to the request."""
        words = _COMMENT.sub("", rest).split()
        ends = words[1] if name != "ig" and len(words) > 1 else words[0] if name == "ig" and words else "."
        body: list[str] = []
        while number < len(lines):
            line = lines[number]
            number += 1
            if line.startswith(".") and line[1:].strip(" \t") == ends:
                break
            body.append(line.replace("\\\\", "\\"))
        if words and name in ("de", "de1"):
            # A page that redefines a macro of man(7) means another look, never other words.
            if words[0] not in _HANDLERS:
                self._macros[words[0]] = body
        elif words and name in ("am", "am1") and words[0] not in _HANDLERS:
            self._macros[words[0]] = self._macros.get(words[0], []) + body
        return number

    def _condition(self, name: str, rest: str, lines: list[str], number: int) -> int:
        rest = interpolate(rest, self._strings, self._registers)
        if name == "el":
            truth = not self._else.pop() if self._else else False
            body = rest.lstrip(" \t")
        elif name == "while":
            truth, body = False, rest
        else:
            truth, body = self._test(rest.lstrip(" \t"))
            if name == "ie":
                self._else.append(truth)
        if truth:
            body = body.replace("\\{", "").removesuffix("\\").lstrip(" \t")
            if body.strip():
                self.run([body])
            return number
        depth = body.count("\\{") - body.count("\\}")
        while depth > 0 and number < len(lines):
            depth += lines[number].count("\\{") - lines[number].count("\\}")
            number += 1
        return number

    def _test(self, text: str) -> tuple[bool, str]:
        if text.startswith("!"):
            truth, body = self._test(text[1:].lstrip())
            return not truth, body
        kind = text[:1]
        if kind in ("n", "t", "o", "e", "v") and not text[1:2].isalnum():
            return kind in ("n", "o"), text[1:].lstrip(" \t")
        if kind in ("d", "r", "m", "c", "F", "S"):
            name, _, body = text[1:].lstrip().partition(" ")
            known = name in self._strings or name in self._macros or name in _HANDLERS if kind == "d" else kind == "c"
            return (name in self._registers if kind == "r" else known), body.lstrip()
        value, end = evaluate(text)
        if end:
            return value > 0, text[end:].lstrip(" \t")
        if kind and not kind.isalnum() and kind != "\\":
            left, _, more = text[1:].partition(kind)
            right, _, body = more.partition(kind)
            return left == right, body.lstrip(" \t")
        return False, ""

    # Handlers: what requests and macros print

    def _font(self, name: str, rest: str) -> None:
        joined = rest.endswith("\\c")
        arguments = split_arguments(rest)
        if not arguments:
            return
        text = unescape(("" if len(name) == 2 and name != "SM" else " ").join(arguments))
        self._print(text.translate(self._translation) if self._translation else text, joined)

    def _heading(self, name: str, rest: str) -> None:
        self._set_fill(True)
        self._break(BLOCK)
        arguments = split_arguments(rest)
        self._pending = BLOCK
        if arguments:
            self._print(unescape(" ".join(arguments)))

    def _paragraph(self, name: str, rest: str) -> None:
        self._break(BLOCK)

    def _line_break(self, name: str, rest: str) -> None:
        self._break()

    def _tagged(self, name: str, rest: str) -> None:
        self._break(LINE if name == "TQ" else BLOCK)
        self._pending = TAG

    def _item(self, name: str, rest: str) -> None:
        self._break(BLOCK)
        arguments = split_arguments(rest)
        if arguments and arguments[0]:
            self._pending = TAG
            self._print(unescape(arguments[0]))

    def _no_fill(self, name: str, rest: str) -> None:
        self._set_fill(False)

    def _refill(self, name: str, rest: str) -> None:
        self._set_fill(True)

    def _link_start(self, name: str, rest: str) -> None:
        address = split_arguments(rest)[:1]
        self._out.append(LINK + unescape("".join(address)) + LINK_TEXT)

    def _link_end(self, name: str, rest: str) -> None:
        self._print(LINK_END + unescape("".join(split_arguments(rest)[:1])))

    def _option(self, name: str, rest: str) -> None:
        self._print("[" + unescape(" ".join(split_arguments(rest))) + "]")

    def _synopsis(self, name: str, rest: str) -> None:
        self._break()
        self._font("B", rest)

    def _define_string(self, name: str, rest: str) -> None:
        rest = rest.lstrip(" \t")
        word, _, value = rest.partition(" ")
        value = value.lstrip(" ").removeprefix('"')
        value = _COMMENT.sub("", value) if '\\"' in value else value
        value = value.replace("\\\\", "\\")
        self._strings[word] = self._strings.get(word, "") + value if name == "as" else value

    def _define_number(self, name: str, rest: str) -> None:
        words = rest.split(None, 1)
        if len(words) < 2:
            return
        text = words[1]
        value, end = evaluate(text.lstrip("+-"))
        if end:
            old = self._registers.get(words[0], 0)
            self._registers[words[0]] = old + value if text[0] == "+" else old - value if text[0] == "-" else value

    def _translate(self, name: str, rest: str) -> None:
        text = unescape(rest.strip(" \t"))
        for place in range(0, len(text) - 1, 2):
            self._translation[ord(text[place])] = text[place + 1]

    def _alias(self, name: str, rest: str) -> None:
        words = rest.split()
        if len(words) == 2:
            new, old = words if name == "als" else words[::-1]
            if new not in _HANDLERS:
                if old in self._macros:
                    self._macros[new] = self._macros[old]
                elif old in self._strings:
                    self._strings[new] = self._strings[old]

    def _remove(self, name: str, rest: str) -> None:
        for word in rest.split():
            self._macros.pop(word, None)
            self._strings.pop(word, None)

    def _no_op(self, name: str, rest: str) -> None:
        if rest.strip():
            self.run([rest.lstrip(" \t")])


def split_arguments(text: str) -> list[str]:
    """Arguments of a macro: separated by spaces, quoted with `"`, up to a comment."""
    if '\\"' in text or "\\#" in text:
        text = _COMMENT.sub("", text)
    if '"' not in text and "\\" not in text:
        return text.split()
    return [
        match[1].replace('""', '"') if match[1] is not None else match[2]
        for match in _ARGUMENT.finditer(text.rstrip() if not text.endswith("\\ ") else text)
    ]


def _with_arguments(line: str, arguments: list[str]) -> str:
    def value(match: re.Match[str]) -> str:
        which = match[1] or match[2] or match[3]
        if which == "*":
            return " ".join(arguments)
        if which == "@":
            return " ".join(f'"{argument}"' for argument in arguments)
        return arguments[int(which) - 1] if which.isdigit() and 0 < int(which) <= len(arguments) else ""

    return re.sub(r"\\\$(?:\((..)|\[([^\]]*)\]|(.))", value, line)


_SKIPPING = {"de", "de1", "am", "am1", "ig"}
_CONDITIONS = {"if", "ie", "el", "while"}
_DEFINING = {"ds", "as", "ds1", "as1"}
_Handler = Callable[[Roff, str, str], None]
_HANDLERS: dict[str, _Handler] = {
    **dict.fromkeys(("B", "I", "SB", "SM", "R", "BR", "RB", "IR", "RI", "BI", "IB", "CW"), Roff._font),
    **dict.fromkeys(("SH", "SS"), Roff._heading),
    **dict.fromkeys(("PP", "P", "LP", "HP", "sp", "bp"), Roff._paragraph),
    **dict.fromkeys(("br", "RS", "RE", "in", "ti", "ce", "YS"), Roff._line_break),
    **dict.fromkeys(("TP", "TQ"), Roff._tagged),
    **dict.fromkeys(("nf", "EX"), Roff._no_fill),
    **dict.fromkeys(("fi", "EE"), Roff._refill),
    **dict.fromkeys(("UR", "MT"), Roff._link_start),
    **dict.fromkeys(("UE", "ME"), Roff._link_end),
    **dict.fromkeys(("ds", "as", "ds1", "as1"), Roff._define_string),
    **dict.fromkeys(("als", "rn"), Roff._alias),
    "IP": Roff._item,
    "OP": Roff._option,
    "SY": Roff._synopsis,
    "nr": Roff._define_number,
    "tr": Roff._translate,
    "rm": Roff._remove,
    "nop": Roff._no_op,
}
