"""Language identification by a few pieces of each text, with the model of language_model.py."""

import itertools
import unicodedata
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from fournil.parts.text.codepoints import flag_table, lower_codes, utf8_bytes
from fournil.parts.text.kernels.samples import HAS_CAPITAL, HAS_LETTER, HAS_SMALL, take_letters
from fournil.parts.text.language_scores import labels, likeliest

PIECE = 80
"""Bytes of a piece of a longer text; three are judged, which is right nearly always and quick."""

CLOSE_PIECES = 50
"""How many are judged before a text is refused for its language."""


class _Samples(NamedTuple):
    """What of each text is judged, end to end."""

    bytes_B: np.ndarray
    bounds_P: np.ndarray
    has_letter_P: np.ndarray


def samples(texts: pa.Array, places: Sequence[int] | None = None, *, num_pieces: int = 3) -> list[str]:
    """What of each text is judged: letters, the rest made single spaces, long texts by a few pieces.

    Args:
        texts: Strings without nulls.
        places: Which of them; all, if silent.
        num_pieces: Of how many bytes each, see PIECE; the first at the text's start, the last at its end.

    Returns:
        One line by text, empty where there is no letter.
    """
    found = _samples(texts, places, num_pieces)
    return [line.decode() for line in _parts(found)]


def _samples(texts: pa.Array, places: Sequence[int] | None, num_pieces: int) -> _Samples:
    bytes_B, bounds_D = utf8_bytes(texts)
    asked = np.arange(len(texts)) if places is None else np.asarray(places, np.int64)
    sizes = np.minimum(np.diff(bounds_D)[asked], num_pieces * (PIECE + 1))
    out_B, bounds_P = np.empty(int(sizes.sum()), np.uint8), np.zeros(len(asked) + 1, np.int64)
    kinds_P = np.zeros(len(asked), np.uint8)
    take_letters(
        bytes_B, bounds_D, asked, num_pieces, PIECE, flag_table(), lower_codes(), out_B, bounds_P, kinds_P
    )  # fmt: skip
    found = _Samples(out_B[: bounds_P[-1]], bounds_P, (kinds_P & HAS_LETTER) != 0)
    for number in np.flatnonzero(kinds_P == HAS_LETTER).tolist():  # letters of other scripts, or marks alone
        line = out_B[bounds_P[number] : bounds_P[number + 1]].tobytes().decode()
        found.has_letter_P[number] = any(map(str.isalpha, line))
    # The model has seen little text in capitals.
    loud = np.flatnonzero((kinds_P & (HAS_CAPITAL | HAS_SMALL)) == HAS_CAPITAL).tolist()
    if not loud:
        return found
    lines = _parts(found)
    for number in loud:
        line = lines[number].decode()
        lines[number] = line.lower().encode() if line.isupper() else lines[number]
    return _joined(lines, found.has_letter_P)


def _parts(found: _Samples) -> list[bytes]:
    data = found.bytes_B.tobytes()
    return [data[start:end] for start, end in itertools.pairwise(found.bounds_P.tolist())]


def _joined(lines: list[bytes], has_letter_P: np.ndarray) -> _Samples:
    bounds_P = np.zeros(len(lines) + 1, np.int64)
    np.cumsum([len(line) for line in lines], out=bounds_P[1:])
    return _Samples(np.frombuffer(b"".join(lines), np.uint8), bounds_P, has_letter_P)


def identify(
    texts: pa.Array, places: Sequence[int] | None = None, *, num_pieces: int = 3
) -> tuple[list[str], np.ndarray]:
    """Most likely language of each text.

    Args:
        texts: Strings without nulls.
        places: Which of them; all, if silent.
        num_pieces: See `samples`.

    Returns:
        Language tags ("" where there is no letter), confidences from 0 to 1 (float64).
    """
    return _likeliest(_samples(texts, places, num_pieces))


def identify_lines(lines: list[str]) -> tuple[list[str], np.ndarray]:
    """Most likely language of each line, and the confidence."""
    has_letter_P = np.array([any(map(str.isalpha, line)) for line in lines], bool)
    return _likeliest(_joined([line.encode() for line in lines], has_letter_P))


def _likeliest(found: _Samples) -> tuple[list[str], np.ndarray]:
    tags = [""] * len(found.has_letter_P)
    confidences_P = np.zeros(len(tags))
    asked = np.flatnonzero(found.has_letter_P)
    if len(asked):
        best_P, most_P = likeliest(found.bytes_B, found.bounds_P, asked)
        for place, best, most in zip(asked.tolist(), best_P.tolist(), most_P.tolist(), strict=True):
            if best >= 0:
                tags[place], confidences_P[place] = labels()[best], min(most, 1.0)
    return tags, confidences_P


def num_letters(text: str) -> int:
    """How many characters of a text are letters or belong to one."""
    return sum(unicodedata.category(character)[0] in "LM" for character in text)
