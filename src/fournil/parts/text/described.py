"""A small model in a folder: a description in JSON, and its figures as safetensors."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save

from fournil.core.files import atomic_path


def save_described(
    weights: Path, arrays: Mapping[str, np.ndarray], description: Path, described: Mapping[str, Any]
) -> None:
    """Write both files, each whole or not at all; the description comes last, so a folder that has it is finished.

    Args:
        weights: The file of the figures.
        arrays: By name.
        description: The file of the description.
        described: What it says.
    """
    with atomic_path(weights) as path:
        path.write_bytes(save(dict(arrays)))
    with atomic_path(description) as path:
        path.write_text(json.dumps(described, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
