"""Settings of the finetune stage."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from fournil.core.bounds import each_once, within


@dataclass(frozen=True)
class Band:
    """Pairs up to some length, and how often they are seen."""

    max_characters: int
    """The longer side of the pair has at most so many characters (and more than the band before allows)."""
    weight: float = 1.0
    """How often each pair of this length is seen in one round over the data: 0.25 is every fourth round, 2 is twice."""

    def __post_init__(self) -> None:
        """Refuse what makes no sense.

        Raises:
            ValueError: A figure lies outside its bounds.
        """
        within(self, max_characters=(1, None), weight=(0.0, 1000.0))


@dataclass(frozen=True)
class Toward:
    """A direction that is harder, or easier, than the other."""

    to: str
    """The language that is translated into."""
    weight: float
    """How often its examples are seen in one round over the data, times the weight of their length."""

    def __post_init__(self) -> None:
        """Refuse what makes no sense.

        Raises:
            ValueError: A figure lies outside its bounds.
        """
        within(self, weight=(0.0, 1000.0))


@dataclass(frozen=True)
class Instruction:
    """One way to ask for a translation in plain words."""

    to: str
    """The language that it asks for."""
    text: str
    """The words; {text} stands for what is to be translated."""


INSTRUCTIONS = (
    Instruction("fr", "Traduis en français : {text}"),
    Instruction("fr", "Translate into French: {text}"),
    Instruction("en", "Translate into English: {text}"),
    Instruction("en", "Traduis en anglais : {text}"),
)
"""What a recipe has that says nothing of its own; those for a language that it does not have lie idle."""


@dataclass(frozen=True)
class Rates:
    """Peak learning rates of the kinds of weights."""

    matrix: float = 0.006
    """Of the matrices inside blocks, trained by Muon."""
    embedding: float = 0.012
    """Of the embedding, trained by AdamW."""
    unembedding: float = 0.003
    """Of the output layer, trained by AdamW."""
    norm: float = 0.0
    """Of the norms' weights, trained by AdamW; 0 keeps them as they are."""

    def __post_init__(self) -> None:
        """Refuse what makes no sense.

        Raises:
            ValueError: A figure lies outside its bounds.
        """
        within(self, matrix=(0.0, 1000.0), embedding=(0.0, 1000.0), unembedding=(0.0, 1000.0), norm=(0.0, 1000.0))


@dataclass(frozen=True)
class Config:
    """How a model becomes a translator that is spoken to in CroissantLLM's chat template."""

    name: str = "translator"
    """What the result is called: its folder, and how evaluate and export name it."""
    model: str = ""
    """The model to start from: `base`, an earlier finetuned one's name, or a folder (if silent: the last one)."""
    steps: int = 2000
    """Optimizer steps."""
    batch_tokens: int = 768
    """Tokens in a step, padding included. For minutes of training, many small steps beat few large ones."""
    bands: tuple[Band, ...] = (Band(45),)
    """Pairs by length, shortest band first; longer pairs than the last band allows are left out."""
    toward: tuple[Toward, ...] = ()
    """Directions that are seen more, or less, often; the others count 1: both alike if silent."""
    bare_share: float = 0.6
    """The first part of the steps, in which a pair stands without the chat template: a third fewer tokens teach the
    same words; the template is learned afterwards, in a few hundred steps."""
    instruction_share: float = 0.1
    """How many examples in the template ask in plain words; the others with the language's token, such as <|fr|>."""
    instructions: tuple[Instruction, ...] = INSTRUCTIONS
    """The plain words, in turn."""
    rates: Rates = field(default_factory=Rates)
    """Peak learning rates."""
    warmup_steps: int = 20
    """Steps over which the rates rise from nothing."""
    decay_share: float = 0.6
    """The last part of the steps, over which the rates fall in a straight line."""
    final_factor: float = 0.02
    """What is left of the rates at the end."""
    momentum: float = 0.95
    """Muon's momentum."""
    newton_schulz_steps: int = 3
    """Muon's steps towards an orthogonal update."""
    max_gradient_norm: float = 0.0
    """Gradients are scaled down to this norm (0: never)."""
    sort_batches: int = 32
    """So many batches' examples are sorted by length together, so that rows are alike and little is padded."""
    validate_every: int = 500
    """Steps between looks at held-out pairs (0: only at the end)."""
    validate_pairs: int = 100
    """Held-out pairs for that, drawn by a hash."""
    log_every: int = 10
    """Steps whose mean loss is one line of losses.jsonl."""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """`float32`, `bfloat16`, or `auto`: what is fast on the machine."""
    checkpoint_seconds: float = 30.0
    """Seconds between checkpoints."""
    keep_every: int | None = None
    """Steps between models that are kept in checkpoints/, for curves by `evaluate` (unset: none are)."""

    def __post_init__(self) -> None:
        """Refuse what makes no sense.

        Raises:
            ValueError: A figure lies outside its bounds, or a direction is named twice.
        """
        each_once(tuple(entry.to for entry in self.toward), "toward")
        within(
            self,
            steps=(1, 10_000_000),
            batch_tokens=(1, 100_000_000),
            bare_share=(0.0, 1.0),
            instruction_share=(0.0, 1.0),
            warmup_steps=(0, None),
            decay_share=(0.0, 1.0),
            final_factor=(0.0, None),
            momentum=(0.0, 0.999999),
            newton_schulz_steps=(0, 30),
            max_gradient_norm=(0.0, 1000.0),
            sort_batches=(1, 10_000),
            validate_every=(0, None),
            validate_pairs=(0, None),
            log_every=(1, None),
            checkpoint_seconds=(0.0, None),
            keep_every=(1, None),
        )
