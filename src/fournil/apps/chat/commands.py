"""The verbs chat and translate, on a terminal and in a pipe."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from itertools import islice
from typing import TextIO

from fournil.apps.chat.resolve import model_folder
from fournil.core.errors import EXIT_DONE, EXIT_USAGE, FournilError
from fournil.core.speech import tr
from fournil.parts.text.utf8 import is_text

PIPED_LINES = 256
"""Lines of a pipe that are translated together."""


def chat_command(
    model: str,
    *,
    temperature: float | None = None,
    max_new_tokens: int = 256,
    seed: int | None = None,
    quiet: bool = False,
    stdin: TextIO | None = None,
    stdout: TextIO | None = None,
) -> int:
    """Chat: on a terminal until end of file, else one answer for each line of standard input.

    Args:
        model: A run, a model folder, or a name on the hub.
        temperature: 0 always takes the likeliest token (None: 0 for translators, 0.3 for others).
        max_new_tokens: The longest answer, in tokens.
        seed: Makes sampled answers repeatable (None: another each time).
        quiet: No greeting.
        stdin: Where messages come from.
        stdout: Where answers go.

    Returns:
        The exit code.
    """
    if max_new_tokens < 1 or (temperature is not None and temperature < 0):
        raise FournilError(
            tr("an answer needs at least one token and a temperature of 0 or more"),
            fix=tr("Change --max-new-tokens or --temperature."),
            code=EXIT_USAGE,
        )
    folder = model_folder(model)
    from fournil.apps.chat.conversation import Conversation
    from fournil.parts.model.engine import open_model
    from fournil.parts.model.generate import Sampling

    source, sink = _streams(stdin, stdout)
    engine = open_model(folder)
    single = engine.chat is not None and engine.chat.single_turn
    warmth = temperature if temperature is not None else (0.0 if single else 0.3)
    number = seed if seed is not None else int.from_bytes(os.urandom(4), "big")
    conversation = Conversation(engine, Sampling(warmth, top_p=0.9 if warmth else 1.0, seed=number), max_new_tokens)
    terminal = source.isatty() and sink.isatty()
    if terminal and not quiet:
        print(_greeting(str(folder), single), file=sink)
    for message in _messages(source, sink, terminal=terminal):
        if message == "/new":
            conversation.forget()
            continue
        try:
            for piece in conversation.answer(message):
                sink.write(piece)
                sink.flush()
            print(file=sink)
        except FournilError as error:
            if not terminal:
                raise
            print(f"({error})", file=sink)
    return EXIT_DONE


def translate_command(
    model: str, to: str, text: str | None = None, *, stdin: TextIO | None = None, stdout: TextIO | None = None
) -> int:
    """Translate a text, or the lines of standard input, line by line.

    Args:
        model: A run, a model folder, or a name on the hub.
        to: The language to translate into.
        text: What to translate (None: standard input).
        stdin: Where lines come from.
        stdout: Where translations go.

    Returns:
        The exit code.
    """
    folder = model_folder(model)
    from fournil.apps.chat.translating import Translator
    from fournil.parts.model.engine import open_model

    source, sink = _streams(stdin, stdout)
    translator = Translator(open_model(folder), to)
    lines = iter(text.split("\n")) if text is not None else (line.rstrip("\n") for line in _readable(source))
    together = 1 if text is None and source.isatty() else PIPED_LINES
    while part := list(islice(lines, together)):
        for line in translator.translate(part):
            print(line, file=sink, flush=together == 1)
    return EXIT_DONE


def _streams(stdin: TextIO | None, stdout: TextIO | None) -> tuple[TextIO, TextIO]:
    source, sink = stdin or sys.stdin, stdout or sys.stdout
    assert source is not None
    assert sink is not None
    return source, sink


def _greeting(folder: str, single_turn: bool) -> str:
    lines = [tr("{folder}  (end: Ctrl-D, begin anew: /new)", folder=folder)]
    if single_turn:
        lines.append(tr("It was taught to translate short messages, each for itself. Try:"))
        lines.append("  Translate into French: The file already exists.")
        lines.append("  Traduis en anglais : Le fichier existe déjà.")
    return "\n".join(lines)


def _messages(stdin: TextIO, stdout: TextIO, *, terminal: bool) -> Iterator[str]:
    """Lines that are not blank; on a terminal each after a prompt."""
    lines = _readable(stdin)
    while True:
        if terminal:
            stdout.write("› ")
            stdout.flush()
        line = next(lines, None)
        if line is None:
            if terminal:
                print(file=stdout)
            return
        if line.strip():
            yield line.strip()


def _readable(stdin: TextIO) -> Iterator[str]:
    """Lines that are text.

    Raises:
        FournilError: One is not: bytes that are no UTF-8 come as halves of characters.
    """
    for number, line in enumerate(iter(stdin.readline, ""), start=1):
        if not is_text(line):
            raise FournilError(
                tr("line {number:,} is no UTF-8 text", number=number),
                where=tr("standard input"),
                fix=tr("Convert it first: {command}", command="iconv -f latin1 -t utf-8"),
            )
        yield line
