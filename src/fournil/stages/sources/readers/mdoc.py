"""Pages written with mdoc(7), the macros of the BSDs, rewritten with those of man(7) for the engines that follow."""

from __future__ import annotations

import re

from fournil.stages.sources.readers.marks import CELL

_MDOC = re.compile(r"^\.D[dt]\b", re.MULTILINE)
_CLOSING = frozenset(".,:;)]?!")
_OPENING = frozenset("([|")
_ENCLOSING = {
    "Op": ("[", "]"), "Oo": ("[", "]"), "Dq": ("“", "”"), "Do": ("“", "”"), "Sq": ("‘", "’"), "So": ("‘", "’"),
    "Ql": ("‘", "’"), "Qq": ('"', '"'), "Qo": ('"', '"'), "Pq": ("(", ")"), "Po": ("(", ")"), "Bq": ("[", "]"),
    "Bo": ("[", "]"), "Brq": ("{", "}"), "Bro": ("{", "}"), "Aq": ("<", ">"), "Ao": ("<", ">"),
    "Eo": ("", ""), "Xo": ("", ""),
}  # fmt: skip
_ENDS = {
    "Oc": "]", "Dc": "”", "Sc": "’", "Qc": '"', "Pc": ")", "Bc": "]", "Brc": "}", "Ac": ">", "Ec": "", "Xc": "",
}  # fmt: skip
_OPEN_UNTIL_CLOSED = frozenset(("Oo", "Do", "So", "Qo", "Po", "Bo", "Bro", "Ao", "Eo", "Xo"))
_PLAIN = frozenset(
    (
        *("Ad", "An", "Ar", "Cd", "Cm", "Dv", "Em", "Er", "Ev", "Fa", "Fd", "Ft", "Ic", "Li", "Lb", "Ms", "Mt", "No"),
        *("Pa", "St", "Sx", "Sy", "Tn", "Va", "Vt", "Ux", "Bx", "Fx", "Nx", "Ox", "Bsx", "Dx", "At"),
    )
)
_SYSTEMS = {
    "Ux": "UNIX",
    "Bx": "BSD",
    "Fx": "FreeBSD",
    "Nx": "NetBSD",
    "Ox": "OpenBSD",
    "Bsx": "BSD/OS",
    "At": "AT&T UNIX",
}
_CALLABLE = _PLAIN | set(_ENCLOSING) | set(_ENDS) | {"Nm", "Fl", "Xr", "Fn", "In", "Ns", "Ap", "Pf", "Lk", "Nd", "Ta"}
_BULLETS = {"-bullet": "\\(bu", "-dash": "\\-", "-hyphen": "\\-"}
_WORD = re.compile(r'"((?:[^"]|"")*)"|((?:\\ |\S)+)')
_GLUE = "\x01"
"""Between two words: no space here."""


def man_source(source: str) -> str:
    """The page in man(7); a page that does not use mdoc comes back as it is."""
    return "\n".join(_Translator().lines(source.split("\n"))) if _MDOC.search(source) else source


class _Translator:
    def __init__(self) -> None:
        self._name = ""
        self._lists: list[tuple[str, int]] = []
        self._function: list[str] | None = None
        self._spaces = True

    def lines(self, source: list[str]) -> list[str]:
        out: list[str] = []
        for line in source:
            match = re.match(r"\.\s*([A-Za-z%][A-Za-z0-9]{0,2})(?:\s+(.*))?$", line)
            if line.startswith('.\\"') or not match:
                out.append(line)
            else:
                out += self._request(match[1], match[2] or "", line)
        return out

    def _request(self, name: str, rest: str, line: str) -> list[str]:
        words = [
            (match[1].replace('""', '"'), True) if match[2] is None else (match[2], False)
            for match in _WORD.finditer(rest)
        ]
        match name:
            case "Dt":
                return [f".TH {rest}"]
            case "Sh" | "Ss":
                return [f".{name.upper()} {self._inline(words)}"]
            case "Pp" | "Lp":
                return [".PP"]
            case "Bl":
                self._lists.append((rest.split()[0] if rest else "-item", 0))
                return []
            case "El":
                self._lists = self._lists[:-1]
                return [".PP"]
            case "It":
                return self._item(words)
            case "Bd":
                return [".PP", ".nf" if re.match(r"-(literal|unfilled)\b", rest) else ".br"]
            case "Ed":
                return [".fi", ".br"]
            case "D1" | "Dl":
                return [".br", "\\&" + self._inline(words), ".br"]
            case "Rs" | "Re":
                return [".br"] if name == "Rs" else []
            case "Sm":
                self._spaces = rest.strip() == "on" if rest.strip() else not self._spaces
                return ["\\&"] if self._spaces else []
            case "Fo":
                self._function = []
                return ["\\&" + self._inline(words) + "(\\c"]
            case "Fa" if self._function is not None:
                self._function += [word for word, _ in words]
                return []
            case "Fc" if self._function is not None:
                arguments, self._function = ", ".join(self._function), None
                return [f"\\&{arguments});", ".br"]
            case "Dd" | "Os" | "Bk" | "Ek" | "Bf" | "Ef" | "Tg" | "Db" | "Ex" | "Rv":
                return []
            case "Nm" if words:
                self._name = self._name or words[0][0]
            case _:
                pass
        if name.startswith("%"):
            return ["\\&" + " ".join(word for word, _ in words) + ("." if name == "%D" else ",")]
        if name in _CALLABLE:
            text = self._inline([(name, False), *words])
            return ["\\&" + text + ("" if self._spaces else "\\c")] if text else []
        return [line]

    def _item(self, words: list[tuple[str, bool]]) -> list[str]:
        kind, number = self._lists[-1] if self._lists else ("-item", 0)
        if self._lists:
            self._lists[-1] = (kind, number + 1)
        if kind in _BULLETS:
            return [f".IP {_BULLETS[kind]}"]
        if kind == "-enum":
            return [f".IP {number + 1}."]
        text = self._inline(words)
        if kind == "-column":
            return [".br", "\\&" + text.replace("\t", CELL)]
        return [".TP", "\\&" + text] if text else [".PP"]

    def _inline(self, words: list[tuple[str, bool]]) -> str:
        """Words of one line, with the macros among them obeyed and spaces where mdoc puts them."""
        pieces = self._pieces(words, 0)
        text = ""
        for piece in filter(None, pieces):
            glued = not text or not self._spaces or text.endswith(_GLUE) or piece[0] == _GLUE or piece in _CLOSING
            text = text.removesuffix(_GLUE) + ("" if glued else " ") + piece.removeprefix(_GLUE)
            if piece in _OPENING and piece != "|":
                text += _GLUE
        return text.replace(_GLUE, "")

    def _pieces(self, words: list[tuple[str, bool]], start: int) -> list[str]:
        pieces: list[str] = []
        place = start
        while place < len(words):
            word, quoted = words[place]
            place += 1
            if quoted or word not in _CALLABLE:
                pieces.append(word)
                continue
            if word in _ENCLOSING:
                opening, closing = _ENCLOSING[word]
                inner = self._pieces(words, place)
                after = [_GLUE + inner.pop() for _ in range(len(inner)) if inner[-1] in _CLOSING][::-1]
                if word in _OPEN_UNTIL_CLOSED:
                    return [*pieces, opening + _GLUE, *inner, *after]
                return [*pieces, opening + _GLUE, *inner, _GLUE + closing, *after]
            arguments: list[str] = []
            while place < len(words) and (words[place][1] or words[place][0] not in _CALLABLE | _CLOSING | _OPENING):
                arguments.append(words[place][0])
                place += 1
            pieces += self._macro(word, arguments)
        return pieces

    def _macro(self, name: str, arguments: list[str]) -> list[str]:
        match name:
            case "Nm":
                return arguments or ([self._name] if self._name else [])
            case "Fl":
                return [f"-{argument}" for argument in arguments] or ["-" + _GLUE]
            case "Ar":
                return arguments or ["file", "..."]
            case "Xr":
                return [f"{arguments[0]}({arguments[1]})", *arguments[2:]] if len(arguments) > 1 else arguments
            case "Fn":
                return [f"{arguments[0]}({', '.join(arguments[1:])})"] if arguments else []
            case "In":
                return [f"#include <{' '.join(arguments)}>"]
            case "Nd":
                return ["\\(em", *arguments]
            case "Ns":
                return [_GLUE + arguments[0], *arguments[1:]] if arguments else [_GLUE + _GLUE]
            case "Ap":
                return [_GLUE + "'" + _GLUE, *arguments]
            case "Pf":
                return [arguments[0] + _GLUE, *arguments[1:]] if arguments else []
            case "Lk":
                return arguments[1:] or arguments
            case "Lb":
                return ["library", f"“{' '.join(arguments)}”"]
            case "Ta":
                return [CELL, *arguments]
            case _ if name in _ENDS:
                return [_GLUE + _ENDS[name], *arguments]
            case _ if name in _SYSTEMS:
                return [_SYSTEMS[name], *arguments]
            case _:
                return arguments
