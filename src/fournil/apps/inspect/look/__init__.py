"""Samples of what curation refused, kept and changed, with the evidence highlighted: `fournil look`."""

from fournil.apps.inspect.look.command import look

__all__ = ["look"]
