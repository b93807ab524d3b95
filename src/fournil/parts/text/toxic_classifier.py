"""A text classifier in Hugging Face layout, asked how probable one of its labels is; needs the extra `transformers`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from fournil.core.errors import FournilError
from fournil.core.speech import tr

_BATCH = 16
_MAX_TOKENS = 512
_WINDOWS = 8
"""A long text is asked about at so many places at most; what counts is the worst of them."""
_WINDOW_CHARACTERS = 2000

Classify = Callable[[Sequence[str]], np.ndarray]


@cache
def load_toxic_classifier(folder: str, label: str) -> Classify:
    """Load a classifier.

    Args:
        folder: Its folder, with safetensors; nothing is fetched, and no code of its own is run.
        label: The label that is looked at.

    Returns:
        A function from texts to the label's probability in each, from 0 to 1.

    Raises:
        FournilError: The extra or the folder is missing, or there is no such label.
    """
    if find_spec("transformers") is None:
        raise FournilError(
            tr("the classifier needs transformers"), fix=tr("Install it: `pip install 'fournil[transformers]'`.")
        )
    path = Path(folder).expanduser()
    fix = tr("Give a folder with config.json, safetensors and a tokenizer.")
    if not (path / "config.json").is_file():
        raise FournilError(tr("there is no classifier in this folder"), where=path, fix=fix)
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    try:
        settings = {"local_files_only": True, "trust_remote_code": False}
        tokenizer = AutoTokenizer.from_pretrained(path, **settings)
        model = AutoModelForSequenceClassification.from_pretrained(path, use_safetensors=True, **settings).eval()
    except (OSError, ValueError, KeyError) as error:
        first = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
        raise FournilError(tr("the classifier cannot be read: {error}", error=first), where=path, fix=fix) from error
    numbers = {str(name).lower(): number for name, number in model.config.label2id.items()}
    if label.lower() not in numbers:
        raise FournilError(
            tr("the classifier has no label {name!r}", name=label),
            where=path,
            fix=tr("Its labels: {names}.", names=", ".join(map(str, model.config.label2id))),
        )
    number = numbers[label.lower()]
    several = model.config.problem_type == "multi_label_classification" or model.config.num_labels == 1

    def classify(texts: Sequence[str]) -> np.ndarray:
        windows = [window for text in texts for window in _windows(text)]
        owners = np.repeat(np.arange(len(texts)), [len(_windows(text)) for text in texts])
        scores = np.zeros(len(windows), np.float32)
        for start in range(0, len(windows), _BATCH):
            batch = windows[start : start + _BATCH]
            given = tokenizer(batch, return_tensors="pt", padding=True, truncation=True, max_length=_MAX_TOKENS)
            with torch.inference_mode():
                logits = model(**given).logits.float()
            chances = logits.sigmoid() if several else logits.softmax(-1)
            scores[start : start + _BATCH] = chances[:, number].numpy()
        worst = np.zeros(len(texts), np.float32)
        np.maximum.at(worst, owners, scores)
        return worst

    return classify


def _windows(text: str) -> list[str]:
    """Pieces of a text, from its beginning to its end."""
    if len(text) <= _WINDOW_CHARACTERS:
        return [text]
    num = min(_WINDOWS, -(-len(text) // _WINDOW_CHARACTERS))
    step = (len(text) - _WINDOW_CHARACTERS) / (num - 1)
    return [text[int(n * step) : int(n * step) + _WINDOW_CHARACTERS] for n in range(num)]
