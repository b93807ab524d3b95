"""Settings of the tokenizer stage."""

from __future__ import annotations

from dataclasses import dataclass

from fournil.core.bounds import within


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


@dataclass(frozen=True)
class Config:
    """How the vocabulary is learned."""

    vocab_size: int = 8192
    """Ids in all, at least 1,024; the special tokens and the 256 byte tokens are among them."""
    share: tuple[Share, ...] = ()
    """Shares by language. Empty: 0.10 for code, the rest equally among the languages of the run."""
    pair_share: float = 0.3
    """Of each language's bytes, how much comes from its side of the pairs; 0 where there are no pairs."""
    max_train_mb: float = 24.0
    """Megabytes (10^6 bytes) of text to learn from; documents are drawn by a hash of their ids."""
    max_repeats: float = 4.0
    """How often a text may count at most where a language has less text than its share asks for."""
    max_alphabet: int = 400
    """Characters that may have an id of their own, at most a quarter of the learned ids; others become bytes."""
    max_token_length: int = 24
    """The longest token, in characters."""
    shard_tokens: int = 16_777_216
    """Tokens in one shard file."""
    compare: bool = True
    """Whether the fertility table has a column for Mistral's tokenizer of 32,000 tokens."""
    max_table_mb: float = 1.0
    """Megabytes of held-out text per language and source that the fertility table is made from."""

    def __post_init__(self) -> None:
        """Refuse what makes no sense.

        Raises:
            ValueError: A figure lies outside its bounds.
        """
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
