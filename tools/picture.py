"""Draws what commands print on a terminal as an SVG: `python tools/picture.py OUT COLUMNS COMMAND [COMMAND ...]`."""

from __future__ import annotations

import os
import pty
import re
import shlex
import sys
from io import StringIO
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

PAPER = TerminalTheme(
    (253, 251, 246),
    (44, 38, 32),
    [
        *((44, 38, 32), (168, 50, 30), (74, 112, 44), (158, 104, 20)),
        *((40, 86, 142), (126, 58, 118), (20, 112, 116), (90, 82, 72)),
    ],
)


def printed(command: str, columns: int) -> str:
    """Run a command on a terminal of that width and return what it printed."""
    parts: list[bytes] = []

    def keep(file: int) -> bytes:
        data = os.read(file, 65536)
        parts.append(data)
        return data

    os.environ |= {"COLUMNS": str(columns), "LINES": "50", "TERM": "xterm-256color"}
    pty.spawn(shlex.split(command), keep, lambda _: b"")
    return b"".join(parts).decode("utf-8", "replace").replace("\r\n", "\n")


def draw(commands: list[str], columns: int) -> str:
    """Return an SVG of a terminal in which the commands were typed."""
    console = Console(record=True, width=columns, file=StringIO(), force_terminal=True, color_system="truecolor")
    for command in commands:
        console.print(Text.assemble(("$ ", "bold"), (command, "bold")))
        console.print(Text.from_ansi(printed(command, columns)))
    picture = console.export_svg(title="fournil", theme=PAPER, unique_id="terminal")
    return re.sub(r"@font-face \{.*?\}\s*", "", picture, flags=re.DOTALL)  # its fonts would come from elsewhere


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(draw(sys.argv[3:], int(sys.argv[2])), encoding="utf-8")
