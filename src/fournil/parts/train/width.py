"""Learning rates that transfer across width: chosen on a small model, right for a wider one (standard library only).

The rule is that of maximal updates (Yang and others, 2022; Tensor Programs V) and its spectral form (Yang, Simon and
Bernstein, 2023), for the start that Llama.reset makes: a step changes what each layer gives by as much at any width.

- AdamW moves each weight by about its rate, and what a matrix gives sums over its inputs, whose number grows with the
  width: its rate falls as 1 / width, for the matrices inside blocks and for the output layer.
- Muon moves a matrix by a multiple of an orthogonal one, whose effect does not grow with the width: its rate stays.
- An embedding's row and a norm's weights are no sums: their rates stay.
"""

from __future__ import annotations

from dataclasses import replace

from fournil.parts.train.schedule import Rates


def rates_at_width(rates: Rates, *, width: int, base_width: int, matrices: str) -> Rates:
    """Return the rates for a model of another width.

    Args:
        rates: Peak rates that are right at `base_width`.
        width: The model's hidden_size.
        base_width: That of the model on which the rates were chosen, with heads as wide and as many layers.
        matrices: What trains the matrices inside blocks: "muon" or "adamw".
    """
    factor = base_width / width
    return replace(
        rates,
        unembedding=rates.unembedding * factor,
        matrix=rates.matrix * (factor if matrices == "adamw" else 1.0),
    )


def decay_at_width(weight_decay: float, *, width: int, base_width: int, matrices: str) -> float:
    """Return the decoupled weight decay for another width.

    It is multiplied by the matrices' rate, and how fast weights are forgotten should not depend on the width (Wang and
    Aitchison, 2024): where the rate falls, the decay rises.

    Args:
        weight_decay: That is right at `base_width`.
        width: The model's hidden_size.
        base_width: As for `rates_at_width`.
        matrices: As for `rates_at_width`.
    """
    return weight_decay * (width / base_width if matrices == "adamw" else 1.0)
