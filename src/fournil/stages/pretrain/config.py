"""Settings of the pretrain stage."""

from __future__ import annotations

from dataclasses import dataclass, field

from fournil.core.bounds import within
from fournil.core.speech import tr


@dataclass(frozen=True)
class Model:
    """The shape of the model, under Hugging Face's names; the vocabulary is the tokenizer's."""

    hidden_size: int = 192
    """Width of the residual stream."""
    intermediate_size: int = 512
    """Width of the feed-forward layers."""
    num_hidden_layers: int = 4
    """Transformer blocks."""
    num_attention_heads: int = 3
    """Query heads in each block."""
    num_key_value_heads: int | None = None
    """Key and value heads in each block; unset: as many as query heads."""
    head_dim: int | None = None
    """Width of a head; unset: hidden_size / num_attention_heads."""
    max_position_embeddings: int = 256
    """The longest context that the model is meant for, in tokens."""
    rope_theta: float = 10_000.0
    """Base of the rotary position frequencies."""
    rms_norm_eps: float = 1e-5
    """What the norms add to the mean square."""
    tie_word_embeddings: bool = False
    """Whether the output layer is the embedding."""

    def __post_init__(self) -> None:
        """Refuse what makes no sense.

        Raises:
            ValueError: A figure lies outside its bounds.
        """
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
        )


@dataclass(frozen=True)
class Optimizer:
    """What turns gradients into changes."""

    matrices: str = "muon"
    """What trains the matrices inside blocks: `muon` or `adamw`. AdamW trains all other weights."""
    momentum: float = 0.95
    """Muon's momentum."""
    newton_schulz_steps: int = 3
    """Muon's steps towards an orthogonal matrix: 5 is usual, 3 costs less."""
    beta1: float = 0.9
    """AdamW's decay of the gradient's mean."""
    beta2: float = 0.95
    """AdamW's decay of the gradient's mean square."""
    weight_decay: float = 0.0
    """Decoupled weight decay of the matrices inside blocks."""
    max_gradient_norm: float = 1.0
    """Gradients are scaled down to this norm; 0: never."""

    def __post_init__(self) -> None:
        """Refuse what makes no sense.

        Raises:
            ValueError: A figure lies outside its bounds.
        """
        within(
            self,
            momentum=(0.0, 1.0),
            newton_schulz_steps=(0, 30),
            beta1=(0.0, 0.999999),
            beta2=(0.0, 0.999999),
            weight_decay=(0.0, None),
            max_gradient_norm=(0.0, None),
        )


@dataclass(frozen=True)
class Phase:
    """A stretch of training with its own mixture and rates."""

    steps: int = 0
    """How many steps; 0: as `tokens` asks for."""
    tokens: int = 0
    """How many tokens to read, rounded up to whole steps; only where `steps` is 0."""
    batch_tokens: int = 1024
    """Tokens of a step, over all rows."""
    context_length: int = 128
    """Tokens of a row."""
    code: float = 0.0
    """Part of the rows that is source code. What code and pairs leave is the same for each language."""
    parallel: float = 0.0
    """Part of the rows that is translation pairs, each side announced by its language's token."""
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
    decay_shape: str = "linear"
    """How rates fall: `linear` or `cosine`."""
    final_factor: float = 0.02
    """What is left of the rates at the end, as a part."""

    def __post_init__(self) -> None:
        """Refuse what makes no sense.

        Raises:
            ValueError: A figure lies outside its bounds.
        """
        within(
            self,
            steps=(0, None),
            tokens=(0, None),
            batch_tokens=(1, None),
            context_length=(2, None),
            code=(0.0, 1.0),
            parallel=(0.0, 1.0),
            matrix_rate=(0.0, 1000.0),
            embedding_rate=(0.0, 1000.0),
            unembedding_rate=(0.0, 1000.0),
            norm_rate=(0.0, 1000.0),
            warmup=(0.0, 1.0),
            decay=(0.0, 1.0),
            final_factor=(0.0, None),
        )


@dataclass(frozen=True)
class SourceWeight:
    """A source that counts for more, or less, than its tokens."""

    source: str
    """The source's key."""
    weight: float
    """What its tokens are multiplied by when rows are divided among the sources of a language."""

    def __post_init__(self) -> None:
        """Refuse what makes no sense.

        Raises:
            ValueError: A figure lies outside its bounds.
        """
        within(self, weight=(0.0, None))


@dataclass(frozen=True)
class Config:
    """How the model is trained from nothing on documents and pairs."""

    model: Model = field(default_factory=Model)
    """The shape of the model."""
    optimizer: Optimizer = field(default_factory=Optimizer)
    """What turns gradients into changes."""
    phase: tuple[Phase, ...] = (Phase(steps=500),)
    """Stretches of training, in order."""
    source: tuple[SourceWeight, ...] = ()
    """Sources to draw from more or less than their size."""
    max_pair_tokens: int | None = None
    """Pairs of which a side is longer are not trained on; unset: all are."""
    apart: bool = True
    """Whether texts that share a row are kept from looking at each other."""
    max_epochs: float = 4.0
    """How often any text may be read at most; beyond, training is refused."""
    validate_every: int = 0
    """Steps between validations; 0: eight times over the training."""
    validation_tokens: int = 8192
    """Held-out tokens of each language that a validation reads."""
    log_every: int = 10
    """Steps that one line of losses.jsonl is the mean of."""
    checkpoint_seconds: float = 30.0
    """Seconds between checkpoints, from which a killed training goes on."""
    keep_every: int | None = None
    """Steps between models that are kept in checkpoints/, for curves by `evaluate` (unset: none are)."""
    micro_batch_rows: int = 0
    """Rows that go through the model at a time; 0: all. Fewer take less memory and give the same gradients."""
    precision: str = "auto"
    """`float32`, `bfloat16`, or `auto`: measured at the start on a CPU, bfloat16 on a GPU."""
    compile: str = "off"
    """`on`, `off`, or `auto` (on a GPU only): torch.compile, which takes tens of seconds to start on a CPU."""
    save_dtype: str = "float32"
    """The type of the weights in model.safetensors: `float32` or `bfloat16`."""

    def __post_init__(self) -> None:
        """Refuse what makes no sense.

        Raises:
            ValueError: A figure lies outside its bounds.
        """
        if not self.phase:
            raise ValueError(tr("there is no phase of training"))
        within(
            self,
            max_pair_tokens=(1, None),
            max_epochs=(0.0, None),
            validate_every=(0, None),
            validation_tokens=(0, None),
            log_every=(1, None),
            checkpoint_seconds=(0.0, None),
            keep_every=(1, None),
            micro_batch_rows=(0, None),
        )
