"""Language identification by a few pieces of each text, with the model of language_model.py."""

import unicodedata
from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from fournil.parts.text.codepoints import utf8_bytes
from fournil.parts.text.language_model import language_model

PIECE = 80
"""Bytes of a piece of a longer text; three are judged, which is right nearly always and quick."""

CLOSE_PIECES = 50
"""How many are judged before a text is refused for its language."""

_JOINERS = "'\u2019\u02bc-\u2010\u2011"


class _Letters(dict[int, int]):
    """For str.translate: letters, marks, apostrophes and hyphens stay, all else becomes a space."""

    def __missing__(self, code: int) -> int:
        character = chr(code)
        stays = character in _JOINERS or unicodedata.category(character)[0] in "LM"
        self[code] = code if stays else 32
        return self[code]


_LETTERS = _Letters()


def samples(texts: pa.Array, places: Sequence[int] | None = None, *, num_pieces: int = 3) -> list[str]:
    """What of each text is judged: letters, the rest made single spaces, long texts by a few pieces.

    Args:
        texts: Strings without nulls.
        places: Which of them; all, if silent.
        num_pieces: Of how many bytes each, see PIECE; the first at the text's start, the last at its end.

    Returns:
        One line by text, empty where there is no letter.
    """
    bytes_B, bounds_D = utf8_bytes(texts)
    lines: list[str] = []
    for place in range(len(texts)) if places is None else places:
        start, end = int(bounds_D[place]), int(bounds_D[place + 1])
        if end - start <= num_pieces * PIECE:
            firsts, size = [start], end - start
        else:
            step = (end - start - PIECE) / (num_pieces - 1)
            firsts, size = [start + round(step * number) for number in range(num_pieces)], PIECE
        # A piece may begin or end within a character, which is then left out.
        parts = [bytes_B[first : first + size].tobytes().decode("utf-8", "ignore") for first in firsts]
        line = " ".join(" ".join(parts).translate(_LETTERS).split())
        # The model has seen little text in capitals.
        lines.append(line.lower() if line.isupper() else line)
    return lines


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
    return identify_lines(samples(texts, places, num_pieces=num_pieces))


def identify_lines(lines: list[str]) -> tuple[list[str], np.ndarray]:
    """Most likely language of each line, and the confidence."""
    tags = [""] * len(lines)
    confidences = np.zeros(len(lines))
    model = language_model().f
    for place, line in enumerate(lines):
        if any(map(str.isalpha, line)):
            predictions = model.predict(line + "\n", 1, 0.0, "strict")
            if predictions:
                confidence, label = predictions[0]
                tags[place] = label.removeprefix("__label__")
                confidences[place] = min(float(confidence), 1.0)
    return tags, confidences


def num_letters(text: str) -> int:
    """How many characters of a text are letters or belong to one."""
    return sum(unicodedata.category(character)[0] in "LM" for character in text)
