"""Language fidelity: does a model stick to the language of its prompt? The protocol is docs/fidelity.md."""

from __future__ import annotations

from fournil.stages.evaluate.fidelity.fidelity import EDITION, Fidelity, run_fidelity

__all__ = ["EDITION", "Fidelity", "run_fidelity"]
