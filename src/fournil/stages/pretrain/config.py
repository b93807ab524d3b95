"""Settings of the pretrain stage."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from fournil.core.bounds import each_once, within
from fournil.core.speech import tr
from fournil.parts.model.published import PUBLISHED
from fournil.stages.pretrain.sections.phases import LanguageWeight, Phase, Sampling, Source, SourceWeight

__all__ = [
    "Config",
    "Guard",
    "LanguageWeight",
    "Model",
    "Optimizer",
    "Parallel",
    "Phase",
    "Sampling",
    "Source",
    "SourceWeight",
]

_SHAPE: dict[str, Any] = {
    "hidden_size": 192,
    "intermediate_size": 512,
    "num_hidden_layers": 4,
    "num_attention_heads": 3,
    "num_key_value_heads": None,
    "head_dim": None,
    "max_position_embeddings": 256,
    "rope_theta": 10_000.0,
    "rms_norm_eps": 1e-5,
    "tie_word_embeddings": False,
    "qk_norm": False,
}
"""What ModelConfig is given beside the vocabulary, and what it is where neither the recipe nor a preset says it."""


@dataclass(frozen=True)
class Model:
    """The shape of the model, under Hugging Face's names; the vocabulary is the tokenizer's."""

    preset: str | None = field(default=None, kw_only=True)
    """A published shape: `croissant-58m`, `croissant-268m`, `croissant-440m`, `croissant-base` or `lucie-7b`. What is
    set beside it wins over it."""
    hidden_size: int | None = None
    """Width of the residual stream; unset: the preset's, or 192."""
    intermediate_size: int | None = None
    """Width of the feed-forward layers; unset: the preset's, or 512."""
    num_hidden_layers: int | None = None
    """Transformer blocks; unset: the preset's, or 4."""
    num_attention_heads: int | None = None
    """Query heads in each block; unset: the preset's, or 3."""
    num_key_value_heads: int | None = None
    """Key and value heads in each block; unset: the preset's, or as many as query heads."""
    head_dim: int | None = None
    """Width of a head; unset: hidden_size / num_attention_heads."""
    max_position_embeddings: int | None = None
    """The longest context that the model is meant for, in tokens; unset: the preset's, or 256."""
    rope_theta: float | None = None
    """Base of the rotary position frequencies; unset: the preset's, or 10,000."""
    rms_norm_eps: float | None = None
    """What the norms add to the mean square; unset: the preset's, or 1e-5."""
    tie_word_embeddings: bool | None = None
    """Whether the output layer is the embedding; unset: the preset's, or no."""
    qk_norm: bool | None = None
    """Whether queries and keys are normalised in each head, which makes the model a Qwen3 (Qwen3ForCausalLM, which
    transformers and llama.cpp know); unset: no."""
    base_width: int | None = None
    """The hidden_size for which the rates of the phases are right: at another, those that depend on the width are
    scaled (unset: rates are as written). Only for models with an output layer of their own."""
    initializer_range: float | None = None
    """Standard deviation of the matrices at the start, as published set-ups state it (CroissantLLM 0.02, Lucie 0.009);
    unset: matrices begin so that what is learnt at one width holds at another."""

    def __post_init__(self) -> None:
        """Fill in the preset, and refuse what makes no sense.

        Raises:
            ValueError: A figure lies outside its bounds, there is no such preset, or two settings contradict.
        """
        if self.preset is not None and self.preset not in PUBLISHED:
            names = ", ".join(PUBLISHED)
            raise ValueError(tr("there is no preset {preset!r}; there is {names}", preset=self.preset, names=names))
        for name, value in (_SHAPE | PUBLISHED.get(self.preset or "", {})).items():
            if getattr(self, name) is None:
                object.__setattr__(self, name, value)
        within(
            self,
            hidden_size=(1, 1 << 20),
            intermediate_size=(1, 1 << 22),
            num_hidden_layers=(1, 1 << 12),
            num_attention_heads=(1, 1 << 14),
            num_key_value_heads=(1, 1 << 14),
            head_dim=(2, 1 << 16),
            max_position_embeddings=(2, 1 << 25),
            rope_theta=(1.0, None),
            rms_norm_eps=(1e-12, 1.0),
            base_width=(1, 1 << 20),
            initializer_range=(0.0, 10.0),
        )
        if self.base_width is not None and self.tie_word_embeddings:
            raise ValueError(tr("base_width needs an output layer of its own: set tie_word_embeddings to false"))
        if self.base_width is not None and self.initializer_range is not None:
            raise ValueError(tr("base_width needs a start that depends on the width: leave initializer_range out"))

    def shape(self) -> dict[str, Any]:
        """Return what ModelConfig is given beside the vocabulary and its special tokens."""
        return {name: getattr(self, name) for name in _SHAPE}


@dataclass(frozen=True)
class Optimizer:
    """What turns gradients into changes."""

    matrices: Literal["muon", "adamw"] = "muon"
    """What trains the matrices inside blocks: `muon` or `adamw`. AdamW trains all other weights."""
    momentum: float = 0.95
    """Muon's momentum."""
    newton_schulz_steps: int = 3
    """Muon's steps towards an orthogonal matrix: 5 is usual, 3 costs less."""
    beta1: float = 0.9
    """AdamW's decay of the gradient's mean."""
    beta2: float = 0.95
    """AdamW's decay of the gradient's mean square."""
    epsilon: float = 1e-10
    """What AdamW adds to the root of the mean square."""
    weight_decay: float = 0.0
    """Decoupled weight decay of the matrices inside blocks."""
    max_gradient_norm: float = 1.0
    """Gradients are scaled down to this norm; 0: never."""

    def __post_init__(self) -> None:
        """Refuse what makes no sense.

        Raises:
            ValueError: A figure lies outside its bounds, or is set where nothing reads it.
        """
        within(
            self,
            momentum=(0.0, 0.999999),
            newton_schulz_steps=(0, 30),
            beta1=(0.0, 0.999999),
            beta2=(0.0, 0.999999),
            epsilon=(0.0, 1.0),
            weight_decay=(0.0, None),
            max_gradient_norm=(0.0, None),
        )
        for name, unset in (("momentum", 0.95), ("newton_schulz_steps", 3)):
            if self.matrices != "muon" and getattr(self, name) != unset:
                raise ValueError(tr('{name} is set, but matrices is not "muon"', name=name))


@dataclass(frozen=True)
class Guard:
    """Which steps are left out because they would spoil the model, and when it goes back to a checkpoint.

    A gradient that is no number is always left out.
    """

    spike: float = 20.0
    """A gradient so many times as long as the median of the last 128 is left out; 0: none is."""
    rise: float = 2.0
    """When three lines of the log in a row lie so many nats above the lowest of their phase, the model goes back; 0: it
    does not."""
    patience: int = 5
    """When so many steps in a row are left out, the model goes back."""
    rollbacks: int = 2
    """How often it may go back; after that, training ends with an error."""

    def __post_init__(self) -> None:
        """Refuse what makes no sense.

        Raises:
            ValueError: A figure lies outside its bounds.
        """
        within(self, spike=(0.0, None), rise=(0.0, None), patience=(1, None), rollbacks=(0, None))


@dataclass(frozen=True)
class Parallel:
    """How several processes (under torchrun) share the model; what is learnt is the same."""

    strategy: Literal["auto", "ddp", "fsdp"] = "auto"
    """`ddp` (the model is whole on each), `fsdp` (it is spread over them), or `auto`: by the memory of a GPU. With one
    process it changes nothing, and that is said."""


@dataclass(frozen=True)
class Config:
    """How the model is trained from nothing on documents and pairs."""

    model: Model = field(default_factory=Model)
    """The shape of the model."""
    optimizer: Optimizer = field(default_factory=Optimizer)
    """What turns gradients into changes."""
    guard: Guard = field(default_factory=Guard)
    """What keeps a training alive."""
    parallel: Parallel = field(default_factory=Parallel)
    """How several processes share the model."""
    phase: tuple[Phase, ...] = (Phase(steps=500),)
    """Stretches of training, in order."""
    sampling: Sampling = field(default_factory=Sampling)
    """How rows are divided among sources and languages."""
    source: tuple[Source, ...] = ()
    """Sources to draw from more or less than their share."""
    language: tuple[LanguageWeight, ...] = ()
    """Languages to draw from more or less than their share; not where all have as many rows."""
    max_pair_tokens: int | None = None
    """Pairs of which a side is longer are not trained on; unset: all are."""
    apart: bool = True
    """Whether texts that share a row are kept from looking at each other."""
    max_epochs: float = 4.0
    """How often any text may be read at most; beyond, training is refused."""
    validate_every: int = 0
    """Steps between validations; 0: eight times over the training."""
    validation_tokens: int = 8192
    """Held-out tokens of each language that a validation reads, in whole rows of the shortest context of all phases, at
    least one; 0: none are."""
    log_every: int = 10
    """Steps that one line of losses.jsonl is the mean of."""
    checkpoint_seconds: float = 30.0
    """Seconds between checkpoints, from which a killed training goes on."""
    checkpoint_every: int = 0
    """Steps between further checkpoints; 0: by time only."""
    keep_every: int | None = None
    """Steps between models that are kept in checkpoints/, for curves by `evaluate` (unset: none are)."""
    micro_batch_rows: int = 0
    """Rows that go through the model at a time; 0: all. Fewer take less memory and give the same gradients."""
    activation_checkpointing: bool = False
    """Whether the backward pass makes what is inside blocks again instead of keeping it: far less memory, a third more
    work, the same gradients."""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """`float32`, `bfloat16`, or `auto`: measured at the start on a CPU, bfloat16 on a GPU."""
    compile: Literal["on", "off", "auto"] = "off"
    """`on`, `off`, or `auto` (on a GPU only): torch.compile, which takes tens of seconds to start on a CPU."""
    save_dtype: Literal["float32", "bfloat16"] = "float32"
    """The type of the weights in model.safetensors: `float32` or `bfloat16`."""

    def __post_init__(self) -> None:
        """Refuse what makes no sense.

        Raises:
            ValueError: A figure lies outside its bounds.
        """
        if not self.phase:
            raise ValueError(tr("there is no phase of training"))
        each_once(tuple(entry.source for entry in self.source), "source")
        each_once(tuple(entry.language for entry in self.language), "language")
        if self.language and self.sampling.languages == "equal":
            raise ValueError(tr('there are weights of languages, but sampling.languages is "equal"'))
        if self.max_pair_tokens is not None and not any(phase.parallel or phase.parallel_end for phase in self.phase):
            raise ValueError(tr("max_pair_tokens is set, but no phase has a share of pairs (parallel)"))
        within(
            self,
            max_pair_tokens=(1, None),
            max_epochs=(0.0, None),
            validate_every=(0, None),
            validation_tokens=(0, None),
            log_every=(1, None),
            checkpoint_seconds=(0.0, None),
            checkpoint_every=(0, None),
            keep_every=(1, None),
            micro_batch_rows=(0, None),
        )
