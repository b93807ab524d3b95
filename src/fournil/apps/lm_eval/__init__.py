"""lm-evaluation-harness's own command line, with our engine as one of its models and its default."""

from __future__ import annotations

from fournil.apps.lm_eval.command import harness_command

__all__ = ["harness_command"]
