"""Settings of the tokenizer stage."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from fournil.core.bounds import within
from fournil.core.speech import tr

SCHEMES = ("fournil", "croissant", "lucie")
REFERENCES = ("mistral", "tekken")
_PLAIN: dict[str, Any] = {"scheme": "fournil", "vocab_size": 8192, "max_alphabet": 400}
_OURS = _PLAIN | {"vocab_size": 32_000}
PRESETS: dict[str, dict[str, Any]] = {
    "fournil": _OURS,
    "fournil-equal": _OURS,
    "croissant": {"scheme": "croissant", "vocab_size": 32_000, "max_alphabet": 1000},
    "lucie": {"scheme": "lucie", "vocab_size": 65_024, "max_alphabet": 1000},
}
"""What a preset says of the settings that a recipe leaves out."""
MIXES: dict[str, dict[str, float]] = {
    "fournil": {"fr": 0.63, "en": 0.27, "code": 0.10},
    "croissant": {"fr": 0.50, "en": 0.25, "code": 0.25},
    "lucie": {"fr": 1.13, "en": 1.10, "es": 0.13, "de": 0.12, "it": 0.11, "code": 0.20},
}
"""Weights of the training text by language, in presets that do not split it equally; those of a run's languages are
divided by their sum. Fournil's: docs/03-tokenizer.md has the sweep. CroissantLLM's is an estimate: the text of its code
and French samples was not counted, and English had half as many documents as French. Lucie's are billions of words."""


@dataclass(frozen=True)
class Share:
    """How much of the training text one language gives."""

    language: str
    """A language tag, or `code`."""
    share: float
    """Its part of the bytes, from 0 to 1; all shares together make 1."""

    def __post_init__(self) -> None:
        """Refuse what makes no sense.

        Raises:
            ValueError: A figure lies outside its bounds.
        """
        within(self, share=(0.0, 1.0))


class Vocabulary(NamedTuple):
    """What a preset or a recipe says of the vocabulary itself."""

    scheme: str
    vocab_size: int
    max_alphabet: int


@dataclass(frozen=True)
class Config:
    """How the vocabulary is learned."""

    preset: str | None = field(default=None, kw_only=True)
    """`fournil` (32,000 ids, so much French that it costs what English costs), `fournil-equal` (the same from as much
    French as English), `croissant` or `lucie`. What is set beside it wins over it."""
    scheme: str | None = field(default=None, kw_only=True)
    """How text is cut while the vocabulary is learned: `fournil`, `croissant` or `lucie`; unset: the preset's, or
    `fournil`."""
    vocab_size: int | None = None
    """Ids in all, at least 1,024; the special tokens and the 256 byte tokens are among them. Unset: the preset's, or
    8,192."""
    share: tuple[Share, ...] = ()
    """Shares by language. Empty: the preset's, or 0.10 for code and the rest equally among the languages of the run."""
    pair_share: float = 0.3
    """Of each language's bytes, how much comes from its side of the pairs; 0 where there are no pairs."""
    max_train_mb: float = 24.0
    """Megabytes (10^6 bytes) of text to learn from; documents are drawn by a hash of their ids."""
    max_repeats: float = 4.0
    """How often a text may count at most where a language has less text than its share asks for."""
    max_alphabet: int | None = None
    """Characters that may have an id of their own, at most a quarter of the learned ids; others become bytes. Unset:
    the preset's, or 400."""
    max_token_length: int = 24
    """The longest token, in characters."""
    shard_tokens: int = 16_777_216
    """Tokens in one shard file."""
    compare: tuple[str, ...] = REFERENCES
    """Which tokenizers stand beside this one in the tables: `mistral` (Mistral 7B's, 32,000 tokens), `tekken` (Mistral
    NeMo's, 131,072)."""
    max_table_mb: float = 1.0
    """Megabytes of held-out text per language and source that the fertility table is made from."""

    def __post_init__(self) -> None:
        """Fill in the preset, and refuse what makes no sense.

        Raises:
            ValueError: A figure lies outside its bounds, or there is no such preset, scheme or tokenizer.
        """
        if self.preset is not None and self.preset not in PRESETS:
            names = ", ".join(PRESETS)
            raise ValueError(tr("there is no preset {preset!r}; there is {names}", preset=self.preset, names=names))
        for name, value in PRESETS.get(self.preset or "", _PLAIN).items():
            if getattr(self, name) is None:
                object.__setattr__(self, name, value)
        if self.scheme not in SCHEMES:
            names = ", ".join(SCHEMES)
            raise ValueError(tr("there is no scheme {scheme!r}; there is {names}", scheme=self.scheme, names=names))
        for name in self.compare:
            if name not in REFERENCES:
                names = ", ".join(REFERENCES)
                raise ValueError(tr("nothing is compared with {name!r}; there is {names}", name=name, names=names))
        within(
            self,
            vocab_size=(1, 1 << 20),
            pair_share=(0.0, 1.0),
            max_train_mb=(0.001, None),
            max_repeats=(1.0, 1000.0),
            max_alphabet=(0, 100_000),
            max_token_length=(1, 1000),
            shard_tokens=(1, 1 << 34),
            max_table_mb=(0.0, None),
        )

    @property
    def vocabulary(self) -> Vocabulary:
        """Scheme and sizes, once the preset is filled in."""
        scheme, vocab_size, max_alphabet = self.scheme, self.vocab_size, self.max_alphabet
        assert scheme is not None
        assert vocab_size is not None
        assert max_alphabet is not None
        return Vocabulary(scheme, vocab_size, max_alphabet)
