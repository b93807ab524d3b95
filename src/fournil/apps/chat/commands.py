"""The verbs chat and translate, on a terminal and in a pipe."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, TextIO

from fournil.core.errors import EXIT_DONE, EXIT_USAGE, FournilError
from fournil.core.speech import tr
from fournil.parts.model.resolve import model_folder
from fournil.parts.text.utf8 import is_text

if TYPE_CHECKING:
    from fournil.parts.model.engine import Engine

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

    A model without a chat template, such as a base model, goes on with each text.

    Args:
        model: A run, a model folder, or a name on the hub.
        temperature: 0 always takes the likeliest token (None: 0 for translators, 0.8 for models that
            go on with a text, 0.3 for others).
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
    from fournil.apps.chat.conversation import Continuation, Conversation
    from fournil.parts.model.engine import open_model
    from fournil.parts.model.generate import Sampling

    source, sink = _streams(stdin, stdout)
    engine = open_model(folder)
    usual = 0.8 if engine.chat is None else 0.0 if engine.chat.single_turn else 0.3
    warmth = temperature if temperature is not None else usual
    number = seed if seed is not None else int.from_bytes(os.urandom(4), "big")
    sampling = Sampling(warmth, top_p=0.9 if warmth else 1.0, seed=number)
    talk = Conversation if engine.chat is not None else Continuation
    conversation = talk(engine, sampling, max_new_tokens)
    terminal = source.isatty() and sink.isatty()
    if terminal and not quiet:
        print(_greeting(str(folder), engine), file=sink)
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
    engine = open_model(folder)
    if engine.chat is None:
        raise FournilError(
            tr("this model was not taught to translate: it has no chat template"),
            where=folder,
            fix=tr(
                "A [[finetune]] in the recipe makes a translator of it; to let it go on with a text: {command}",
                command=f"fournil chat {model}",
            ),
        )
    translator = Translator(engine, to)
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


def _greeting(folder: str, engine: Engine) -> str:
    lines = [tr("{folder}  (end: Ctrl-D, begin anew: /new)", folder=folder)]
    if engine.chat is None:
        lines.append(tr("It was not taught to answer: it goes on with what is typed."))
    elif engine.chat.single_turn:
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
