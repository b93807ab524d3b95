"""What became of one continuation: its sentences, where it left the language, code and LaTeX, the dialogue's form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fournil.stages.evaluate.fidelity.dialogue import KEPT, Form, form_of
from fournil.stages.evaluate.fidelity.prompts import ASKED, DIALOGUE, LANGUAGES, Prompt
from fournil.stages.evaluate.fidelity.sentences import SHORT, UNCLEAR, Piece, pieces
from fournil.stages.evaluate.fidelity.signs import CODE, LATEX

NOT_LANGUAGES = (SHORT, UNCLEAR, CODE, LATEX)


@dataclass(frozen=True)
class Verdict:
    """One continuation and what was found in it."""

    prompt: Prompt
    text: str
    pieces: list[Piece]
    form: Form | None
    """Of dialogues."""
    truncated: bool = False
    """Whether the prompt's beginning did not fit the model's window."""

    def count(self, *kinds: str) -> int:
        """How many pieces are one of these."""
        return sum(piece.kind in kinds for piece in self.pieces)

    @property
    def num_own(self) -> int:
        """Sentences in the prompt's language."""
        return self.count(self.prompt.language)

    @property
    def num_other(self) -> int:
        """Sentences in the other of the languages that there are prompts in."""
        return self.count(*(language for language in LANGUAGES if language != self.prompt.language))

    @property
    def num_third(self) -> int:
        """Sentences in yet another language."""
        return sum(piece.kind not in (*NOT_LANGUAGES, *LANGUAGES) for piece in self.pieces)

    @property
    def num_judged(self) -> int:
        """Sentences whose language is known."""
        return self.num_own + self.num_other + self.num_third

    @property
    def sticks(self) -> bool:
        """Whether there is something in the prompt's language, and nothing in any other, nor code, nor LaTeX."""
        return self.num_own > 0 and not self.leaves

    @property
    def leaves(self) -> bool:
        """Whether anything is in another language, or is code or LaTeX."""
        return self.num_other + self.num_third + self.count(CODE, LATEX) > 0

    @property
    def untold(self) -> bool:
        """Whether it tells nothing: nothing was written, or too little, or no sentence of a clear language."""
        return not self.sticks and not self.leaves

    @property
    def drift(self) -> Piece | None:
        """The first sentence in the other language."""
        others = [language for language in LANGUAGES if language != self.prompt.language]
        return next((piece for piece in self.pieces if piece.kind in others), None)

    @property
    def values(self) -> Mapping[str, float]:
        """What two models are compared by, item by item."""
        found = {"sticks": float(self.sticks), "drifts": float(self.drift is not None)}
        if self.form:
            found["keeps_format"] = float(self.form.state == KEPT)
        return found

    @property
    def details(self) -> dict[str, Any]:
        """JSON: everything that was found."""
        return {
            "id": self.prompt.id,
            "kind": self.prompt.kind,
            "prompt": self.prompt.text,
            "text": self.text,
            "sticks": self.sticks,
            "untold": self.untold,
            "pieces": [[piece.start, piece.end, piece.kind] for piece in self.pieces],
            "format": self.form.state if self.form else None,
            "lost_at": self.form.lost_at if self.form else None,
            "truncated": self.truncated,
        }


def verdict(prompt: Prompt, text: str, *, cut: bool, asked: bool, truncated: bool = False) -> Verdict:
    """Judge what a model wrote.

    Args:
        prompt: What it went on from, or answered.
        text: What it wrote.
        cut: Whether it had to stop before its end.
        asked: Whether it was asked in its chat template: then all that it wrote is its answer. Else the answer to a
            question ends with its line, behind which a text goes on with whatever comes next.
        truncated: Whether the prompt's beginning did not fit the model's window.
    """
    if prompt.kind in ASKED and not asked:
        text = text.lstrip().split("\n", 1)[0]
    form = form_of(prompt.text, text, cut=cut) if prompt.kind == DIALOGUE else None
    return Verdict(prompt, text, pieces(text, form.tags if form else []), form, truncated)
