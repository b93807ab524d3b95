"""What any tokenizer does to French and English text: a verdict in a minute, without a recipe."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Tokenizer

from fournil.core.context import Context
from fournil.core.errors import EXIT_USAGE, FournilError
from fournil.core.speech import tr
from fournil.parts.tokenize import Encoder, decode_batch, encode_batch, load, use_threads
from fournil.stages.tokenizer.config import REFERENCES
from fournil.stages.tokenizer.fertility import Tally, parity, ratio
from fournil.stages.tokenizer.references import Reference, references
from fournil.stages.tokenizer.vocabulary import counts_of_ids, vocabulary_rows

NO_BREAK = "\u00a0\u202f"
MAX_MB = 20.0
MARKS = {
    "no-break space (U+00A0)": ("\u00a0", "10\u00a0000 pains"),
    "narrow no-break space (U+202F)": ("\u202f", "Quoi\u202f?"),
    "typographic apostrophe": ("’", "l’école"),
    "guillemets": ("«", "« Oui », dit-elle."),
    "accented capital": ("É", "École d’Été"),
    "œ": ("œ", "œuvre"),
    "em dash": ("—", "— Non."),
    "euro sign": ("€", "3 €"),
}
"""What French needs: a name, the sign, a phrase that holds it."""


def audit(tokenizer: Path, texts: Sequence[tuple[str, Path]], *, compare: Sequence[str] = REFERENCES) -> dict[str, Any]:
    """Measure a tokenizer on texts.

    Args:
        tokenizer: A Hugging Face folder, a tokenizer.json, a SentencePiece .model file, or a tekken.json.
        texts: Language and file; a file is plain UTF-8 text, one line each. Two languages whose files have the same
            number of lines are taken to be parallel.
        compare: Tokenizers to put beside it.

    Returns:
        vocab_size; languages: rows with fertility, round trip and unknown tokens; typography: what French signs become;
        digits: how numbers are cut; parity: tokens for the same lines, null where the lines are not parallel;
        vocabulary: whom the tokens serve in these texts.

    Raises:
        FournilError: When a file is missing or is no text.
    """
    lines: dict[str, list[str]] = {}
    for language, path in texts:
        lines.setdefault(language, []).extend(_read_lines(path))
    ours = load(tokenizer)
    encoder, others = Encoder(ours), references(compare)
    full = {language: [line for line in found if line.strip()] for language, found in lines.items()}
    ids = {language: encoder.encode(found) for language, found in full.items()}
    return {
        "tokenizer": tokenizer.name,
        "vocab_size": ours.get_vocab_size(),
        "compared_with": [other.row() for other in others],
        "languages": [_row(ours, others, language, found, ids[language]) for language, found in full.items()],
        "typography": [_mark(ours, others, name, sign, phrase) for name, (sign, phrase) in MARKS.items()],
        "digits": _digits(ours),
        "parity": _parity(ours, others, lines),
        "vocabulary": vocabulary_rows(ours, counts_of_ids(ids, max(ours.get_vocab().values()) + 1)),
    }


def audit_command(path: Path, texts: list[tuple[str, Path]], context: Context) -> int:
    """Audit and print; the exit code.

    Raises:
        FournilError: When no text is given, or a file cannot be read.
    """
    if not texts:
        raise FournilError(
            tr("no text to measure on"), fix=tr("Add --text fr=FILE --text en=FILE, plain text."), code=EXIT_USAGE
        )
    use_threads(context.threads)
    from rich.console import Console

    from fournil.stages.tokenizer.audit_table import tables

    console = Console(highlight=False)
    for table in tables(audit(path, texts)):
        console.print(table)
    return 0


def _read_lines(path: Path) -> list[str]:
    """Lines of a text file, at most MAX_MB of them, line ends taken off."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise FournilError(tr("no such text"), where=path, fix=tr("Give a plain text file.")) from None
    except IsADirectoryError:
        raise FournilError(tr("this is a folder"), where=path, fix=tr("Give a plain text file.")) from None
    except UnicodeDecodeError as error:
        raise FournilError(
            tr("this is no UTF-8 text"), where=path, fix=tr("Give a plain text file in UTF-8.")
        ) from error
    if not text.strip():
        raise FournilError(tr("there is no text in this file"), where=path, fix=tr("Give a plain text file."))
    lines, size = [], 0
    # Not splitlines: it also cuts at signs that may stand inside a line, and parallel files would part.
    for line in text.removesuffix("\n").replace("\r\n", "\n").split("\n"):
        size += len(line.encode()) + 1
        if size > MAX_MB * 1e6:
            break
        lines.append(line)
    return lines


def _row(
    ours: Tokenizer, others: Sequence[Reference], language: str, full: Sequence[str], ids: Sequence[np.ndarray]
) -> dict[str, Any]:
    unk_id = _unknown_id(ours)
    theirs = {other.key: other.encoder.encode(full) for other in others}
    tally = Tally()
    for number, (line, row) in enumerate(zip(full, ids, strict=True)):
        tally.add(line, len(row), {key: len(rows[number]) for key, rows in theirs.items()})
    # A tokenizer that puts a space of its own before a text may take it back or not: that is no loss.
    failed = [
        line for line, back in zip(full, decode_batch(ours, ids), strict=True) if back.strip(" ") != line.strip(" ")
    ]
    return {
        "language": language,
        **tally.row(),
        "num_failed": len(failed),
        "first_failed": failed[0][:200] if failed else None,
        "num_unknown": sum(row.tolist().count(unk_id) for row in ids),
        "share_of_words_whole": _whole_words(ours, full),
    }


def _unknown_id(tokenizer: Tokenizer) -> int | None:
    name = getattr(tokenizer.model, "unk_token", None)
    return tokenizer.token_to_id(name if isinstance(name, str) else "<unk>")


def _whole_words(tokenizer: Tokenizer, lines: Sequence[str]) -> float | None:
    """The share of running words that are one token, with the space before them."""
    words = [word for line in lines for word in line.split() if word.isalpha()]
    distinct = sorted(set(words))
    if not distinct:
        return None
    base = len(encode_batch(tokenizer, ["x"], parse_special=False)[0])
    sizes = [len(row) for row in encode_batch(tokenizer, [f"x {word}" for word in distinct], parse_special=False)]
    whole = {word for word, size in zip(distinct, sizes, strict=True) if size == base + 1}
    return ratio(sum(word in whole for word in words), len(words))


def _mark(ours: Tokenizer, others: Sequence[Reference], name: str, sign: str, phrase: str) -> dict[str, Any]:
    (ids,) = encode_batch(ours, [phrase], parse_special=False)
    row: dict[str, Any] = {"name": name, "sign": sign, "phrase": phrase, "num_tokens": len(ids)}
    row["tokens"] = [ours.id_to_token(int(number)) for number in ids]
    row["kept"] = sign in decode_batch(ours, [ids])[0]
    # In the middle of a text, so that what a tokenizer puts at its beginning does not count.
    around, without = encode_batch(ours, [f"x{sign}x", "xx"], parse_special=False)
    row["sign_tokens"] = max(1, len(around) - len(without))
    for other in others:
        row[f"{other.key}_num_tokens"] = len(other.encoder.encode([phrase])[0])
    return row


def _digits(tokenizer: Tokenizer) -> dict[str, Any]:
    """How numbers are cut: into single digits, or into groups that differ from number to number."""
    numbers = [str(number) for number in (7, 42, 365, 1789, 12345, 2026, 1000000)]
    base = len(encode_batch(tokenizer, ["x"], parse_special=False)[0])
    rows = encode_batch(tokenizer, [f"x{number}" for number in numbers], parse_special=False)
    pieces = {number: len(row) - base for number, row in zip(numbers, rows, strict=True)}
    return {"tokens": pieces, "single": all(len(number) == size for number, size in pieces.items())}


def _parity(ours: Tokenizer, others: Sequence[Reference], lines: Mapping[str, list[str]]) -> dict[str, Any] | None:
    if len(lines) != 2:
        return None
    left, right = lines.values()
    if len(left) != len(right):
        return None
    both = [(a, b) for a, b in zip(left, right, strict=True) if a.strip() and b.strip()]
    first, second = lines
    return parity(ours, others, {first: [a for a, _ in both], second: [b for _, b in both]})
