"""Settings of the step contamination: evaluation items that stand in training text."""

from dataclasses import dataclass

from fournil.core.bounds import within
from fournil.core.speech import tr

REMOVE, CUT, MARK = "remove", "cut", "mark"
ACTIONS = (REMOVE, CUT, MARK)
MIN_WORDS = 8
"""Runs of fewer words are never looked for."""


@dataclass(frozen=True)
class ContaminationSettings:
    """Which evaluation items are looked for, and what becomes of text that holds one."""

    sets: tuple[str, ...] = ("fournil-mini", "fidelity")
    """`fournil-mini`, `fidelity`, `frenchbench`, tasks and tags of lm_eval, or paths: a set's TOML, a file of rows
    (Parquet, JSON lines, CSV) or a folder of them. An empty list looks for nothing."""

    data: str = ""
    """A folder with the data of lm_eval's tasks, as evaluate takes it with `--data`; empty: the Hugging Face hub."""

    ngram: int = 13
    """So many words of an item in a row give it away, however they are typeset."""

    overlap: float = 0.8
    """Or this share of an item's words, in runs of eight or more. Shorter items than `ngram` must stand there whole."""

    action: str = CUT
    """`remove` refuses a document that holds an item, `cut` cuts the lines or sentences that hold it, `mark` writes its
    name into `extra`. Pairs are refused or marked."""

    context_action: str = MARK
    """The same where only the text was found that a question is about, such as a paragraph of an encyclopedia."""

    max_cut: float = 0.5
    """A document of which more than this share of characters would be cut is refused."""

    def __post_init__(self) -> None:
        """Refuse what makes no sense.

        Raises:
            ValueError: A figure lies outside its bounds, or there is no such action.
        """
        within(self, ngram=(MIN_WORDS, 100), overlap=(0.3, 1.0), max_cut=(0.0, 1.0))
        for name in ("action", "context_action"):
            if getattr(self, name) not in ACTIONS:
                raise ValueError(tr("{name} is one of {names}", name=name, names=", ".join(ACTIONS)))
