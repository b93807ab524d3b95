"""Settings of the evaluate stage."""

from __future__ import annotations

from dataclasses import dataclass

from fournil.core.bounds import within


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
        )
