"""The standard streams, whatever the program was started with: none of them, or ones that cannot write every letter."""

from __future__ import annotations

import io
import os
import sys

_NAMES = ("stdin", "stdout", "stderr")


def open_streams() -> None:
    """Open what was closed on /dev/null, and show as a question mark what a stream cannot write.

    Python has None for a stream that was closed, and the next file that is opened would take its number: what a
    library or another program then prints would go into that file.
    """
    for number, name in enumerate(_NAMES):
        stream = getattr(sys, name)
        if stream is None:
            descriptor = os.open(os.devnull, os.O_RDWR)
            if descriptor != number:
                os.dup2(descriptor, number)
                os.close(descriptor)
            os.set_inheritable(number, True)
            setattr(sys, name, os.fdopen(number, "r" if number == 0 else "w", encoding="utf-8", closefd=False))
        elif number and isinstance(stream, io.TextIOWrapper) and stream.errors == "strict":
            stream.reconfigure(errors="replace")  # file names may hold bytes that are no UTF-8
