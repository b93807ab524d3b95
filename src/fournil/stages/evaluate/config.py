"""Settings of the evaluate stage."""

from __future__ import annotations

from dataclasses import dataclass

from fournil.core.bounds import within
from fournil.core.speech import tr

PRECISIONS = ("fp32", "bf16")


@dataclass(frozen=True)
class Band:
    """Held-out pairs up to some length, scored together."""

    max_characters: int
    """The longer side of the pair has at most so many characters (0: any length)."""
    max_pairs: int
    """The most pairs; they are drawn by a hash of their ids, so that every model meets the same."""

    def __post_init__(self) -> None:
        """Refuse what makes no sense.

        Raises:
            ValueError: A figure lies outside its bounds.
        """
        within(self, max_characters=(0, None), max_pairs=(0, None))


@dataclass(frozen=True)
class Config:
    """What is measured on held-out text, and how much of it."""

    model: str = ""
    """The model to measure: `base`, a finetuned one's name, or a folder (if silent: the last one)."""
    max_text_bytes: int = 1_000_000
    """Bytes of held-out documents in each language for bits per byte, shared alike among its sources (0: all)."""
    max_document_bytes: int = 4_000
    """How much of the beginning of a document is read, so that many are."""
    overlap: int = 0
    """Tokens that a window on a long text reads again: more is kinder to models with a short context, and slower."""
    bands: tuple[Band, ...] = (Band(45, 600), Band(120, 120), Band(0, 40))
    """Held-out pairs by length, shortest first."""
    num_beams: int = 6
    """Beams of the search for a translation, among whose ends the way back chooses (1: greedy); engines without beam
    search take one, and the facts say so."""
    max_nearest_pairs: int = 200_000
    """Training pairs among which the nearest is looked for, drawn by a hash where there are more."""
    rounded_text_bytes: int = 20_000
    """Bytes of that text, in each language, on which the model is read again with its weights rounded to 8 bits, as the
    page carries them (0: none; no model whose 8-bit weights take more than 32 MB)."""
    rounded_pairs: int = 100
    """Held-out pairs, the shortest, that both translate greedily for the same comparison (0: none)."""
    num_bootstrap: int = 1000
    """Resamples behind each interval."""
    num_translations: int = 5
    """Translations shown in each direction, drawn by the run's seed."""
    num_prompts: int = 40
    """Beginnings of held-out documents, in each language, that the model goes on from."""
    prompt_characters: int = 160
    """Length of these beginnings, cut at a space."""
    continuation_tokens: int = 48
    """How far it goes on."""
    temperature: float = 0.8
    """Of these continuations."""
    top_p: float = 0.95
    """Of these continuations."""
    num_continuations: int = 3
    """Continuations shown in each language."""
    tasks: tuple[str, ...] = ()
    """Tasks to score: `frenchbench` (with its English counterparts), one of its tags, names of lm_eval's tasks,
    `fournil-mini`, or the paths of local sets (.toml)."""
    shots: int | None = None
    """Examples before each question of lm_eval's tasks and of local sets; unset: as many as the task itself says.
    fournil-mini has none."""
    limit: int = 0
    """The most items of each task, the first ones (0: all); fidelity's prompts are always all asked."""
    seed: int = 1234
    """Draws the examples before questions; lm_eval's own is 1234."""
    data: str = ""
    """A folder with the data sets of tasks, for machines without a network; empty: the Hugging Face hub."""
    precision: str = "fp32"
    """Of the tasks' scoring: `fp32`, which gives lm_eval's scores, or `bf16`, which is a measure of its own."""
    fidelity: bool = False
    """Whether 200 prompts in each language are gone on from, to see if the model sticks to that language."""
    checkpoints: str = ""
    """Checkpoints of the training that the tasks are scored on as well, for curves: `all`, or steps such as `100,200`
    (pretrain and finetune keep them where `keep_every` is set)."""

    def __post_init__(self) -> None:
        """Refuse what makes no sense.

        Raises:
            ValueError: A figure lies outside its bounds.
        """
        within(
            self,
            max_text_bytes=(0, None),
            max_document_bytes=(0, None),
            overlap=(0, None),
            num_beams=(1, 256),
            max_nearest_pairs=(0, None),
            rounded_text_bytes=(0, None),
            rounded_pairs=(0, None),
            num_bootstrap=(0, 1_000_000),
            num_translations=(0, None),
            num_prompts=(0, None),
            prompt_characters=(1, None),
            continuation_tokens=(1, None),
            temperature=(0.0, None),
            top_p=(0.000001, 1.0),
            num_continuations=(0, None),
            shots=(0, 1000),
            limit=(0, None),
            seed=(0, None),
        )
        if self.precision not in PRECISIONS:
            raise ValueError(tr('precision is {precision!r}, it must be "fp32" or "bf16"', precision=self.precision))
        if self.checkpoints and not self.tasks:
            raise ValueError(tr("checkpoints are scored on tasks, and none is named"))
        if self.checkpoints and self.checkpoints != "all":
            self.steps()

    def steps(self) -> tuple[int, ...]:
        """The steps that `checkpoints` names; none where it names all or nothing.

        Raises:
            ValueError: It is neither `all` nor a list of numbers.
        """
        if self.checkpoints in ("", "all"):
            return ()
        words = [word.strip() for word in self.checkpoints.split(",")]
        if not all(word.isascii() and word.isdigit() and len(word) < 16 for word in words):
            raise ValueError(
                tr("checkpoints is {given!r}, it must be `all` or steps such as 100,200", given=self.checkpoints)
            )
        return tuple(sorted({int(word) for word in words}))
