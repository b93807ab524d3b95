"""Settings of the pretrain stage's phases and of its mixture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from fournil.core.bounds import each_once, within
from fournil.core.speech import tr


@dataclass(frozen=True)
class SourceWeight:
    """A source that counts for more, or less, than its tokens."""

    source: str
    """The source's key."""
    weight: float
    """What its share is multiplied by when rows are divided among the sources of a language; 0: it is left out."""

    def __post_init__(self) -> None:
        """Refuse what makes no sense.

        Raises:
            ValueError: A figure lies outside its bounds.
        """
        within(self, weight=(0.0, None))


@dataclass(frozen=True)
class Source:
    """A source that counts for more, or less, than its tokens, or may be read more or less often than others."""

    source: str
    """The source's key."""
    weight: float = 1.0
    """What its share is multiplied by when rows are divided among the sources of a language; 0: it is left out, but for
    the phases that give it a weight of their own."""
    max_epochs: float | None = None
    """How often it may be read at most over all phases; unset: as often as the others."""

    def __post_init__(self) -> None:
        """Refuse what makes no sense.

        Raises:
            ValueError: A figure lies outside its bounds.
        """
        within(self, weight=(0.0, None), max_epochs=(0.0, None))


@dataclass(frozen=True)
class LanguageWeight:
    """A language that counts for more, or less, than the others."""

    language: str
    """BCP 47 tag, one of the recipe's."""
    weight: float
    """What its share is multiplied by; with `languages = "weights"`, its share itself (they need not sum to 1)."""

    def __post_init__(self) -> None:
        """Refuse what makes no sense.

        Raises:
            ValueError: A figure lies outside its bounds.
        """
        within(self, weight=(0.0, None))


@dataclass(frozen=True)
class Sampling:
    """How rows are divided."""

    sources: Literal["size", "temperature", "unimax", "weights"] = "size"
    """Among the sources of a language, or of code, or of pairs: by their tokens (`size`), by tokens to the power of
    1 / source_temperature (`temperature`), alike until one has been read max_epochs times (`unimax`), or by the weights
    of `[[pretrain.source]]` alone (`weights`)."""
    source_temperature: float = 1.0
    """With `sources = "temperature"`: 1 goes by size, more brings large and small sources nearer to each other."""
    languages: Literal["equal", "size", "temperature", "unimax", "weights"] = "equal"
    """Among the languages: as many rows of each in every batch (`equal`), or over the whole phase by their tokens
    (`size`), by tokens to the power of 1 / language_temperature (`temperature`), alike until one has been read
    max_epochs times (`unimax`), or by the weights of `[[pretrain.language]]` alone (`weights`)."""
    language_temperature: float = 1.0
    """With `languages = "temperature"`: 1 goes by size, more brings large and small languages nearer to each other."""

    def __post_init__(self) -> None:
        """Refuse what makes no sense.

        Raises:
            ValueError: A figure lies outside its bounds, or is set where nothing reads it.
        """
        within(self, source_temperature=(0.01, 1e6), language_temperature=(0.01, 1e6))
        for name, rule in (("source", self.sources), ("language", self.languages)):
            if getattr(self, f"{name}_temperature") != 1.0 and rule != "temperature":
                raise ValueError(tr('{name}_temperature is set, but {name}s is not "temperature"', name=name))


@dataclass(frozen=True)
class Phase:
    """A stretch of training with its own mixture and rates."""

    steps: int = 0
    """How many steps; 0: as `tokens` asks for."""
    tokens: int = 0
    """How many tokens to read, rounded up to whole steps; only where `steps` is 0."""
    batch_tokens: int = 1024
    """Tokens of a step, over all rows and all devices."""
    first_batch_tokens: int = 0
    """Tokens of the phase's first steps, from which batches grow to batch_tokens; 0: they do not grow."""
    ramp_tokens: int = 0
    """Over how many tokens batches grow, each size for as many."""
    ramp_by_tokens: int = 0
    """How much larger each size is than the one before; 0: twice as large."""
    context_length: int = 128
    """Tokens of a row."""
    rope_theta: float | None = None
    """Base of the rotary position frequencies from here on, as for a longer context; unset: as before the phase."""
    code: float = 0.0
    """Part of the rows that is source code. What code and pairs leave is divided among the languages."""
    parallel: float = 0.0
    """Part of the rows that is translation pairs, each side announced by its language's token."""
    parallel_end: float | None = None
    """That part at the end of the phase; it rises or falls in a straight line over its rows. Unset: it stays."""
    source: tuple[SourceWeight, ...] = ()
    """Sources whose weight is another in this phase, as for ending on better text."""
    matrix_rate: float = 0.006
    """Peak learning rate of the matrices inside blocks."""
    embedding_rate: float = 0.012
    """Peak learning rate of the embedding."""
    unembedding_rate: float = 0.003
    """Peak learning rate of the output layer."""
    norm_rate: float = 0.0
    """Peak learning rate of the norms' weights; 0 leaves them at one."""
    warmup: float = 0.0
    """Part of the steps over which rates rise."""
    decay: float = 0.6
    """Part of the steps, the last ones, over which rates fall."""
    decay_shape: Literal["linear", "cosine"] = "linear"
    """How rates fall: `linear` or `cosine`."""
    final_factor: float = 0.02
    """What is left of the rates at the end, as a part."""

    def __post_init__(self) -> None:
        """Refuse what makes no sense.

        Raises:
            ValueError: A figure lies outside its bounds, or a source is named twice.
        """
        within(
            self,
            steps=(0, None),
            tokens=(0, None),
            batch_tokens=(1, None),
            first_batch_tokens=(0, None),
            ramp_tokens=(0, None),
            ramp_by_tokens=(0, None),
            context_length=(2, None),
            rope_theta=(1.0, None),
            code=(0.0, 1.0),
            parallel=(0.0, 1.0),
            parallel_end=(0.0, 1.0),
            matrix_rate=(0.0, 1000.0),
            embedding_rate=(0.0, 1000.0),
            unembedding_rate=(0.0, 1000.0),
            norm_rate=(0.0, 1000.0),
            warmup=(0.0, 1.0),
            decay=(0.0, 1.0),
            final_factor=(0.0, None),
        )
        each_once(tuple(entry.source for entry in self.source), "source")
