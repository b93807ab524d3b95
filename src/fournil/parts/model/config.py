"""The shape of a model, under the names that Hugging Face's Llama gives them (standard library only)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fournil.core.errors import FournilError
from fournil.core.speech import tr

ROPE_TYPES = ("default", "linear", "llama3")

ARCHITECTURES = {"llama": "LlamaForCausalLM", "mistral": "MistralForCausalLM", "qwen3": "Qwen3ForCausalLM"}
"""By model_type, the architectures whose arithmetic is ours: Mistral's is Llama's, Qwen3's adds norms of queries and
keys."""

LARGEST = {
    "vocab_size": 1 << 24,
    "hidden_size": 1 << 20,
    "intermediate_size": 1 << 22,
    "num_hidden_layers": 1 << 12,
    "num_attention_heads": 1 << 14,
    "num_key_value_heads": 1 << 14,
    "head_dim": 1 << 16,
    "max_position_embeddings": 1 << 25,
}
"""The largest sizes that are believed, tens of times those of any model there is: beyond, a file lies."""


@dataclass(frozen=True)
class RopeScaling:
    """How rotary frequencies are stretched beyond the length a model was first trained on."""

    rope_type: str = "default"
    """"default" (none), "linear" (all frequencies divided by factor) or "llama3" (low frequencies only)."""
    factor: float = 1.0
    """How many times longer the context becomes."""
    low_freq_factor: float = 1.0
    """llama3: wavelengths above original length / this are divided by factor."""
    high_freq_factor: float = 4.0
    """llama3: wavelengths below original length / this are left alone."""
    original_max_position_embeddings: int = 8192
    """llama3: the length before stretching, in tokens."""

    def __post_init__(self) -> None:
        """Refuse what would divide by nothing.

        Raises:
            FournilError: A factor is not above 0, or llama3's two factors are the same.
        """
        if not self.factor > 0 or not self.low_freq_factor > 0 or not self.high_freq_factor > self.low_freq_factor:
            raise FournilError(
                tr(
                    "rotary scaling by {factor} between {low} and {high} makes no sense",
                    factor=self.factor,
                    low=self.low_freq_factor,
                    high=self.high_freq_factor,
                ),
                fix=tr("Factors are above 0, and high_freq_factor is greater than low_freq_factor."),
            )


@dataclass(frozen=True)
class ModelConfig:
    """The shape of a Llama, or of a Qwen3: what stands in config.json, no more than what changes the arithmetic."""

    vocab_size: int
    """Rows of the embedding: ids are 0 to vocab_size - 1."""
    hidden_size: int = 192
    """Width of the residual stream."""
    intermediate_size: int = 512
    """Width of the feed-forward layer."""
    num_hidden_layers: int = 4
    """Transformer blocks."""
    num_attention_heads: int = 3
    """Query heads in each block."""
    num_key_value_heads: int | None = None
    """Key and value heads in each block, shared by groups of query heads (None: one for each query head)."""
    head_dim: int | None = None
    """Width of a head (None: hidden_size / num_attention_heads)."""
    max_position_embeddings: int = 256
    """The longest context that the model is meant for, in tokens."""
    rope_theta: float = 10_000.0
    """Base of the rotary position frequencies."""
    rope_scaling: RopeScaling | None = None
    """How rotary frequencies are stretched (None: not at all)."""
    rms_norm_eps: float = 1e-5
    """What RMSNorm adds to the mean square."""
    tie_word_embeddings: bool = False
    """Whether the output layer is the embedding."""
    qk_norm: bool = False
    """Whether each head's query and key are normalised before they turn, as in Qwen3 (Henry and others, 2020)."""
    bos_token_id: int | None = 1
    """Id of the token that begins a text, where one is used."""
    eos_token_id: int | tuple[int, ...] | None = 2
    """Id (or ids) of the token that ends a text."""
    pad_token_id: int | None = None
    """Id of the token that fills batches."""

    def __post_init__(self) -> None:
        """Refuse shapes that no Llama can have.

        Raises:
            FournilError: A width, a number of heads or a rotary type makes no sense.
        """
        for name in ("vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads"):
            if getattr(self, name) < 1:
                raise FournilError(
                    tr("{name} is {value}", name=name, value=getattr(self, name)),
                    fix=tr("Give {name} a value of at least 1.", name=name),
                )
        if self.head_dim is None and self.hidden_size % self.num_attention_heads:
            raise FournilError(
                tr(
                    "hidden_size {hidden_size} is no multiple of num_attention_heads {num_attention_heads}",
                    hidden_size=self.hidden_size,
                    num_attention_heads=self.num_attention_heads,
                ),
                fix=tr("Change one of them, or set head_dim."),
            )
        if self.head_width % 2:
            raise FournilError(
                tr("head_dim is {width}", width=self.head_width),
                fix=tr("Rotary positions need an even head_dim."),
            )
        if self.key_value_heads < 1 or self.num_attention_heads % self.key_value_heads:
            raise FournilError(
                tr(
                    "{num_attention_heads} attention heads cannot share {key_value_heads} key and value heads",
                    num_attention_heads=self.num_attention_heads,
                    key_value_heads=self.key_value_heads,
                ),
                fix=tr("Make num_attention_heads a multiple of num_key_value_heads."),
            )
        if self.rope_scaling is not None and self.rope_scaling.rope_type not in ROPE_TYPES:
            raise FournilError(
                tr("unknown rotary scaling {rope_type!r}", rope_type=self.rope_scaling.rope_type),
                fix=tr("Known are {names}.", names=", ".join(ROPE_TYPES)),
            )

    @property
    def head_width(self) -> int:
        """Width of a head, resolved."""
        return self.head_dim if self.head_dim is not None else self.hidden_size // self.num_attention_heads

    @property
    def key_value_heads(self) -> int:
        """Number of key and value heads, resolved."""
        return self.num_key_value_heads if self.num_key_value_heads is not None else self.num_attention_heads

    def num_embedding_parameters(self) -> int:
        """Parameters of the embedding and, unless tied, the output layer."""
        return self.vocab_size * self.hidden_size * (1 if self.tie_word_embeddings else 2)

    def num_block_parameters(self) -> int:
        """Parameters of all blocks and norms (what scaling laws call non-embedding)."""
        heads = self.num_attention_heads + 2 * self.key_value_heads
        attention = self.hidden_size * self.head_width * (heads + self.num_attention_heads)
        feed_forward = 3 * self.hidden_size * self.intermediate_size
        return self.num_hidden_layers * (attention + feed_forward) + self.num_norm_parameters()

    def num_norm_parameters(self) -> int:
        """Weights of all norms."""
        of_heads = 2 * self.head_width if self.qk_norm else 0
        return self.num_hidden_layers * (2 * self.hidden_size + of_heads) + self.hidden_size

    def num_parameters(self) -> int:
        """All parameters."""
        return self.num_embedding_parameters() + self.num_block_parameters()

    def training_flops_per_token(self, context_length: int) -> float:
        """Floating-point operations to train on one token, counted product by product.

        Two for each multiply-add, three times the forward pass; causal attention over half the context on average;
        the embedding's lookup costs nothing, the output layer does.
        """
        matrices = self.num_block_parameters() - self.num_norm_parameters()
        matrices += self.vocab_size * self.hidden_size
        attention = self.num_hidden_layers * 2 * self.num_attention_heads * self.head_width * (context_length + 1) / 2
        return 6.0 * (matrices + attention)

    def to_hugging_face(self, dtype: str) -> dict[str, Any]:
        """The content of config.json.

        Args:
            dtype: The weights' type, "float32" or "bfloat16".
        """
        scaling: dict[str, Any] | None = None
        if self.rope_scaling is not None and self.rope_scaling.rope_type != "default":
            scaling = {"rope_type": self.rope_scaling.rope_type, "factor": self.rope_scaling.factor}
            if self.rope_scaling.rope_type == "llama3":
                scaling |= {
                    "low_freq_factor": self.rope_scaling.low_freq_factor,
                    "high_freq_factor": self.rope_scaling.high_freq_factor,
                    "original_max_position_embeddings": self.rope_scaling.original_max_position_embeddings,
                }
        model_type = "qwen3" if self.qk_norm else "llama"
        own = {"use_sliding_window": False, "sliding_window": None} if self.qk_norm else {"mlp_bias": False}
        return {
            "architectures": [ARCHITECTURES[model_type]],
            "model_type": model_type,
            "attention_bias": False,
            "attention_dropout": 0.0,
            **own,
            "hidden_act": "silu",
            "initializer_range": 0.02,
            "use_cache": True,
            "torch_dtype": dtype,
            "vocab_size": self.vocab_size,
            "hidden_size": self.hidden_size,
            "intermediate_size": self.intermediate_size,
            "num_hidden_layers": self.num_hidden_layers,
            "num_attention_heads": self.num_attention_heads,
            "num_key_value_heads": self.key_value_heads,
            "head_dim": self.head_width,
            "max_position_embeddings": self.max_position_embeddings,
            "rope_theta": self.rope_theta,
            "rope_scaling": scaling,
            "rms_norm_eps": self.rms_norm_eps,
            "tie_word_embeddings": self.tie_word_embeddings,
            "bos_token_id": self.bos_token_id,
            "eos_token_id": list(self.eos_token_id) if isinstance(self.eos_token_id, tuple) else self.eos_token_id,
            "pad_token_id": self.pad_token_id,
        }

    @staticmethod
    def from_hugging_face(config: Mapping[str, Any], where: str = "config.json") -> ModelConfig:
        """Read the content of the config.json of a Llama, Mistral or Qwen3, as transformers 4 or 5 writes it.

        Args:
            config: The parsed JSON object.
            where: The file's name, for errors.

        Raises:
            FournilError: It is none of them, or has a part (biases, another activation, a sliding window) that this
                model has not.
        """
        other = other_kind(config, where)
        if other is not None:
            raise other
        check_sizes(config, where)
        rope, rope_type = _rope(config)
        scaling = None
        eos = config.get("eos_token_id")
        model_type = config.get("model_type", "llama")
        try:
            if rope_type != "default":
                known = ("factor", "low_freq_factor", "high_freq_factor", "original_max_position_embeddings")
                scaling = RopeScaling(rope_type=rope_type, **{name: rope[name] for name in known if name in rope})
            return ModelConfig(
                vocab_size=config["vocab_size"],
                hidden_size=config["hidden_size"],
                intermediate_size=config["intermediate_size"],
                num_hidden_layers=config["num_hidden_layers"],
                num_attention_heads=config["num_attention_heads"],
                num_key_value_heads=config.get("num_key_value_heads"),
                head_dim=config.get("head_dim"),
                max_position_embeddings=config.get("max_position_embeddings", 2048),
                rope_theta=float(config.get("rope_theta", rope.get("rope_theta", 10_000.0))),
                rope_scaling=scaling,
                rms_norm_eps=config.get("rms_norm_eps", 1e-6),
                tie_word_embeddings=config.get("tie_word_embeddings", False),
                qk_norm=model_type == "qwen3",
                bos_token_id=config.get("bos_token_id"),
                eos_token_id=tuple(eos) if isinstance(eos, list) else eos,
                pad_token_id=config.get("pad_token_id"),
            )
        except KeyError as error:
            raise FournilError(
                tr("{name} is missing", name=error.args[0]), where=where, fix=tr("Give the model's full folder.")
            ) from None
        except FournilError as error:
            raise FournilError(error.what, where=where, fix=error.fix) from None
        except (TypeError, ValueError) as error:
            fix = tr("Fetch the file again.")
            raise FournilError(tr("its values make no sense ({error})", error=error), where=where, fix=fix) from None


_WRITTEN_OUT = {
    "llama": (),
    "mistral": ("num_key_value_heads", "rms_norm_eps", "sliding_window"),
    "qwen3": ("num_key_value_heads", "head_dim", "rms_norm_eps"),
}
"""What a config.json must say itself, because Llama's default is not the architecture's."""


def other_kind(config: Mapping[str, Any], where: str = "config.json") -> FournilError | None:
    """Why a config.json describes no model of the kind that ModelConfig is, or None where it does."""
    model_type = config.get("model_type", "llama")
    known = ARCHITECTURES.get(model_type) if isinstance(model_type, str) else None
    architectures = _architectures(config, known)
    if known is None or known not in architectures:
        return FournilError(
            tr(
                "Fournil's own model is no {architecture} (model_type {model_type!r})",
                architecture=architectures[0],
                model_type=model_type,
            ),
            where=where,
            fix=tr("It reads folders of {names}.", names=", ".join(ARCHITECTURES.values())),
        )
    missing = [name for name in _WRITTEN_OUT[model_type] if name not in config]
    if missing:
        return FournilError(
            tr("{name} is missing", name=missing[0]), where=where, fix=tr("Give the model's full folder.")
        )
    window = _narrow_window(config)
    if window is not None:
        return FournilError(
            tr("tokens look at the last {window} only", window=window),
            where=where,
            fix=tr("Shorter texts need no window: set max_position_embeddings to it, and sliding_window to null."),
        )
    for name in ("attention_bias", "mlp_bias"):
        if config.get(name):
            fix = tr("Only models without biases can be read.")
            return FournilError(tr("{name} is true", name=name), where=where, fix=fix)
    if config.get("hidden_act", "silu") != "silu":
        what = tr("hidden_act is {activation!r}", activation=config["hidden_act"])
        return FournilError(what, where=where, fix=tr("Only silu can be read."))
    rope, rope_type = _rope(config)
    if rope.get("partial_rotary_factor", 1.0) != 1.0 or config.get("partial_rotary_factor", 1.0) != 1.0:
        fix = tr("Only models whose heads turn whole can be read.")
        return FournilError(tr("partial_rotary_factor is not 1"), where=where, fix=fix)
    if rope_type not in ROPE_TYPES:
        what = tr("unknown rotary scaling {rope_type!r}", rope_type=rope_type)
        return FournilError(what, where=where, fix=tr("Known are {names}.", names=", ".join(ROPE_TYPES)))
    return None


def check_sizes(config: Mapping[str, Any], where: str = "config.json") -> None:
    """Look at the sizes of a config.json, of whatever architecture, before anything is allocated for them.

    Raises:
        FournilError: A size is no whole number, or one that no model has; or the weights are quantised.
    """
    for name, largest in LARGEST.items():
        value = config.get(name)
        if value is None:
            continue
        if not isinstance(value, int) or isinstance(value, bool):
            fix = tr("It must be a whole number: fetch the file again.")
            raise FournilError(tr("{name} is {value!r}", name=name, value=_short(value)), where=where, fix=fix)
        if not 0 < value <= largest:
            fix = tr("It must be from 1 to {largest:,}: fetch the file again.", largest=largest)
            raise FournilError(tr("{name} is {value:,}", name=name, value=value), where=where, fix=fix)
    for name in ("rope_theta", "rms_norm_eps"):
        value = config.get(name)
        if value is not None and (not isinstance(value, int | float) or isinstance(value, bool) or not value > 0):
            fix = tr("It must be a number above 0: fetch the file again.")
            raise FournilError(tr("{name} is {value!r}", name=name, value=_short(value)), where=where, fix=fix)
    quantised = config.get("quantization_config")
    if quantised:
        method = quantised.get("quant_method") if isinstance(quantised, Mapping) else quantised
        fix = tr("Take the model's full weights, in float16, bfloat16 or float32.")
        raise FournilError(tr("its weights are quantised ({method})", method=_short(method)), where=where, fix=fix)


def _short(value: Any) -> str:  # noqa: ANN401 - whatever JSON holds
    return str(value)[:60]


def _architectures(config: Mapping[str, Any], otherwise: str | None) -> list[str]:
    found = config.get("architectures")
    return [str(name) for name in found] if isinstance(found, list) and found else [otherwise or "?"]


def _narrow_window(config: Mapping[str, Any]) -> object:
    """The sliding window that some layer's tokens look through, where it is narrower than the context; None: none."""
    if config.get("model_type") == "llama":
        return None
    layers = config.get("layer_types")
    if isinstance(layers, list) and all(kind == "full_attention" for kind in layers):
        return None
    if config.get("model_type") == "qwen3" and not config.get("use_sliding_window") and not layers:
        return None
    window, context = config.get("sliding_window"), config.get("max_position_embeddings")
    if window is None or (isinstance(window, int) and isinstance(context, int) and window >= context):
        return None
    return window


def _rope(config: Mapping[str, Any]) -> tuple[Mapping[str, Any], str]:
    """What is said of rotary positions, and the type of their scaling."""
    found = config.get("rope_parameters") or config.get("rope_scaling") or {}
    if not isinstance(found, Mapping):
        return {}, str(found)
    return found, str(found.get("rope_type", found.get("type", "default")))
