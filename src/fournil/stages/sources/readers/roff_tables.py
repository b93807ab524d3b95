"""Tables of man pages (the tbl preprocessor), reduced before any engine sees them: one line a row, cells in order."""

from __future__ import annotations

import re

from fournil.stages.sources.readers.marks import CELL

_TAB_OPTION = re.compile(r"tab\s*\(\s*(.)\s*\)", re.IGNORECASE)
_RULE = re.compile(r"[_=\s]*|\\[_=]")


def reduce_tables(lines: list[str]) -> list[str]:
    """Replace each `.TS` … `.TE` by its rows: a break, then the cells with CELL marks between them.

    Requests inside text blocks (`T{` … `T}`) and between rows stay, so that the engine that follows obeys them.
    """
    if not any(line.startswith(".TS") for line in lines):
        return lines
    out: list[str] = []
    number = 0
    while number < len(lines):
        line = lines[number]
        if not line.startswith(".TS"):
            out.append(line)
            number += 1
            continue
        end = number + 1
        while end < len(lines) and not lines[end].startswith(".TE"):
            end += 1
        out += (".fi", *_rows(lines[number + 1 : end]), ".sp")
        number = end + 1
    return out


def _rows(table: list[str]) -> list[str]:
    separator = "\t"
    start = 0
    if table and table[0].rstrip().endswith(";"):
        if match := _TAB_OPTION.search(table[0]):
            separator = match[1]
        start = 1
    out = [".sp"]
    in_format = True
    in_block = False
    for line in table[start:]:
        if in_format:
            in_format = not _without_comment(line).endswith(".")
            continue
        if in_block:
            if not line.startswith("T}"):
                out.append(line)
                continue
            in_block = False
            rest = line[2:].removeprefix(separator)
            if not rest:
                continue
            out.append(CELL)
            cells = rest.split(separator)
        elif line.startswith(".T&"):
            in_format = True
            continue
        elif line.startswith((".", "'")) and not line.startswith(".\\^"):
            if line.split(None, 1)[0] not in _LAYOUT_ONLY:
                out.append(line)
            continue
        elif _RULE.fullmatch(line):
            continue
        else:
            out.append(".br")
            cells = line.split(separator)
        in_block = _emit(cells, out)
    return out


_LAYOUT_ONLY = {".sp", ".br", ".ne", ".nf", ".fi", ".ft", ".ps", ".vs", ".TH"}


def _emit(cells: list[str], out: list[str]) -> bool:
    """Write the cells; True when the last one opens a text block."""
    for column, cell in enumerate(cells):
        if column:
            out.append(CELL)
        if column == len(cells) - 1 and cell.strip() == "T{":
            return True
        if cell.strip() and cell.strip() not in ("\\^", "_", "=", "\\_", "\\="):
            out.append("\\&" + cell.strip())
    return False


def _without_comment(line: str) -> str:
    return line.split('\\"', 1)[0].rstrip()
