"""Models that a training kept on its way, each a Hugging Face folder: what curves over the training are drawn from."""

from __future__ import annotations

import json
from pathlib import Path

from fournil.core.errors import FournilError
from fournil.core.speech import tr

FOLDER = "checkpoints"
_PREFIX = "step-"


def kept_folder(out: Path, step: int) -> Path:
    """Where a training keeps its model of a step."""
    return out / FOLDER / f"{_PREFIX}{step:08d}"


def kept(model: Path) -> list[tuple[int, Path]]:
    """List what a training kept beside its last model, by step; not that last model itself."""
    found = []
    for path in (model / FOLDER).glob(f"{_PREFIX}*"):
        number = path.name.removeprefix(_PREFIX)
        if number.isascii() and number.isdigit() and (path / "config.json").is_file():
            found.append((int(number), path))
    return sorted(found)


def last_step(model: Path) -> int:
    """Return after how many steps a training's last model stands, as its losses tell.

    Raises:
        FournilError: The folder holds no losses: it is not what a training of ours left.
    """
    path = model / "losses.jsonl"
    try:
        return int(json.loads(path.read_text("utf-8").splitlines()[-1])["step"])
    except (OSError, ValueError, KeyError, IndexError, TypeError):
        raise FournilError(
            tr("nothing tells after how many steps this model stands"),
            where=path,
            fix=tr("Give a run, or the folder of a training of one; or leave --checkpoints out."),
        ) from None
