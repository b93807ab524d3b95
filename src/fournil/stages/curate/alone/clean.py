"""The steps that make Unicode regular and cut the lines of cookie banners."""

import re

import numpy as np

from fournil.core.languages import Language
from fournil.parts.text.arrow import matches
from fournil.parts.text.normalise import normalise
from fournil.stages.curate.alone.texts import Texts
from fournil.stages.curate.names import BOILERPLATE, NORMALISE


def normalise_texts(texts: Texts, code: np.ndarray) -> None:
    """Make Unicode regular; one edit a text and rule, from the first change to the last.

    Args:
        texts: Of a batch.
        code: True for program code.
    """
    values, changed = normalise(texts.values, code=code)
    for place, edits in changed.items():
        for edit in edits:
            texts.edit(place, NORMALISE, edit.rule, edit.start, edit.end, edit.was, edit.now, num=edit.num)
    if changed:
        texts.put(values)


def cut_boilerplate(texts: Texts, wanted: np.ndarray, languages: list[Language]) -> None:
    """Cut the lines of cookie banners and policies from the texts wanted."""
    phrases = [re.escape(phrase) for each in languages for phrase in each.boilerplate]
    if not phrases or not wanted.any():
        return
    union = "|".join(sorted(set(phrases)))
    maybe = matches(texts.values, f"(?i){union}")
    line = re.compile(rf"^.*(?:{union}).*\n?", re.IGNORECASE | re.MULTILINE)
    new: dict[int, str] = {}
    for place in np.flatnonzero(maybe & wanted).tolist():
        text = texts.values[place].as_py()
        for match in line.finditer(text):
            texts.edit(place, BOILERPLATE, "policy-line", match.start(), match.end(), match.group(), "")
        new[place] = line.sub("", text).rstrip("\n")
    texts.set(new)
