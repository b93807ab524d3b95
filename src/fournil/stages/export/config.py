"""Settings of the export stage."""

from __future__ import annotations

from dataclasses import dataclass

from fournil.core.bounds import within


@dataclass(frozen=True)
class Config:
    """What is written for others to use."""

    model: str = ""
    """Which model: the name of a finetuned one, `base`, or a folder; empty: the last one of the recipe."""
    name: str = ""
    """The model's name: title of the card, beginning of the GGUF files' names; empty: the recipe's."""
    description: str = ""
    """A paragraph for the model card; empty: the recipe's."""
    licence: str = ""
    """The licence of the weights, an SPDX expression; empty: the card says that none was stated."""
    gguf: tuple[str, ...] = ("f16", "q8_0")
    """Which GGUF files: f32, f16, q8_0; empty: none."""
    check: bool = True
    """Whether transformers and llama.cpp, where they are installed, are made to prove that they read the same model."""
    check_tokens: int = 24
    """How many tokens each prompt is continued by in that check."""

    def __post_init__(self) -> None:
        """Refuse what makes no sense.

        Raises:
            ValueError: A figure lies outside its bounds.
        """
        within(self, check_tokens=(1, 10_000))
