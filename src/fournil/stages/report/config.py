"""Settings of the report: `[report]` in a recipe."""

from __future__ import annotations

from dataclasses import dataclass

from fournil.core.speech import tr


@dataclass(frozen=True)
class Config:
    """What the page shows at most; all figures come from the ledger."""

    max_translations: int = 10
    """Translations shown in each direction, the first of those that evaluate drew by seed; 0: none."""
    max_continuations: int = 3
    """Continuations shown in each language, the first of those that evaluate drew by seed; 0: none."""
    max_rules: int = 60
    """Rules of refusal listed, those that refused most first; what is left out is added up in one row."""
    max_prompts: int = 1
    """Prompts shown of each task that was scored, the first ones, folded away; 0: none."""
    carry_model: bool = True
    """Whether the page carries the exported model, so that whoever opens it can ask it; one whose 8-bit weights take
    more than 32 MB is never carried."""

    def __post_init__(self) -> None:
        """Refuse counts below zero."""
        for name in ("max_translations", "max_continuations", "max_rules", "max_prompts"):
            if getattr(self, name) < 0:
                raise ValueError(tr("{name} is below 0", name=name))
