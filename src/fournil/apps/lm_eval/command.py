"""The verb lm-eval: register our model, then hand the words over to lm_eval's own command line."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fournil.core.errors import EXIT_DONE, FournilError
from fournil.core.speech import tr

NAME = "fournil"
MODEL = "fournil.parts.harness.lm:FournilLM"
"""Where lm_eval finds our model when it is asked for, so that its help and lists need no torch."""


def harness_command(words: Sequence[str], *, whole: bool = False) -> int:
    """Run lm_eval's command line with our engine as its model, unless the words name another.

    Args:
        words: What stands behind `fournil lm-eval`.
        whole: Let errors of lm_eval's own through as they are, with their traceback.

    Raises:
        FournilError: lm_eval is not installed, or it stopped with an error.
    """
    try:
        from lm_eval.__main__ import cli_evaluate
        from lm_eval.api.registry import model_registry
    except ImportError as error:
        raise FournilError(
            tr("lm_eval is needed and missing ({error})", error=error),
            fix=tr("Install it: `pip install 'fournil[bench]'`."),
        ) from None
    if NAME not in model_registry:
        model_registry.register(NAME, target=MODEL)
    kept, sys.argv = sys.argv, ["lm-eval", *with_model(words)]
    try:
        cli_evaluate()
    except (FournilError, OSError, MemoryError):
        raise
    except Exception as error:
        if whole:
            raise
        said = " ".join(str(error).split())[:400] or type(error).__name__
        raise FournilError(
            tr("lm_eval stopped: {error}", error=f"{type(error).__name__}: {said}"),
            fix=tr("Its traceback: `fournil --traceback lm-eval …`."),
        ) from error
    finally:
        sys.argv = kept
    return EXIT_DONE


def with_model(words: Sequence[str]) -> list[str]:
    """Put `--model fournil` in front of what is to be run: lm_eval takes the last model named.

    A configuration file that names a model keeps its own.
    """
    verb, rest = ("run", words) if words[:1] and words[0].startswith("-") else (next(iter(words), ""), words[1:])
    if verb != "run" or not rest or "-h" in rest or "--help" in rest:
        return list(words)
    path = _config_path(rest)
    return ["run", *rest] if path and "model" in _config(path) else ["run", "--model", NAME, *rest]


def _config_path(words: Sequence[str]) -> str | None:
    found = None
    for word, following in zip(words, [*words[1:], None], strict=True):
        if word in ("--config", "-C"):
            found = following
        elif word.startswith("--config="):
            found = word.partition("=")[2]
        elif word.startswith("-C"):
            found = word[2:].removeprefix("=")
    return found


def _config(path: str) -> dict[str, Any]:
    """What a configuration file says; nothing where it cannot be read: lm_eval itself says so."""
    import yaml

    try:
        found = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return {}
    return found if isinstance(found, dict) else {}
