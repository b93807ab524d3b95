"""The prompts: what a model goes on from, or is asked, to see whether it sticks to the language."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from fournil.core.files import canonical_hash

FOLDER = Path(__file__).resolve().parents[3] / "data" / "fidelity"
LANGUAGES = ("fr", "en")
"""Those that there are prompts in."""

PROSE, DIALOGUE, QUESTION, TRANSLATION = "prose", "dialogue", "question", "translation"
KINDS = (PROSE, DIALOGUE, QUESTION, TRANSLATION)
ASKED = (QUESTION, TRANSLATION)
"""What a model is asked; the others are texts to go on with."""

FRAMES: Mapping[str, Mapping[str, str]] = {
    "fr": {QUESTION: "Question\xa0: {text}\nRéponse\xa0:", TRANSLATION: "Demande\xa0: {text}\nRéponse\xa0:"},
    "en": {QUESTION: "Question: {text}\nAnswer:", TRANSLATION: "Request: {text}\nAnswer:"},
}
"""How a model that only goes on with texts is asked."""


@dataclass(frozen=True)
class Prompt:
    """One prompt; what follows it should be in its language, a translation's answer too."""

    id: str
    language: str
    kind: str
    text: str

    @property
    def framed(self) -> str:
        """The text that a model goes on with."""
        return FRAMES[self.language][self.kind].format(text=self.text) if self.kind in ASKED else self.text

    @property
    def sha256(self) -> str:
        """Of what is asked; two models' answers to it compare."""
        return canonical_hash([self.language, self.kind, self.text])


@cache
def prompts(language: str) -> tuple[Prompt, ...]:
    """Those of a language, in the file's order.

    Raises:
        KeyError: There are none in this language.
    """
    if language not in LANGUAGES:
        raise KeyError(language)
    lines = (FOLDER / f"{language}.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    return tuple(Prompt(row["id"], language, row["kind"], row["text"]) for row in rows)
