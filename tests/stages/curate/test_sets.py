"""The sets of texts, read from the files in which they lie."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from fournil.core.errors import FournilError
from fournil.core.files import write_json
from fournil.stages.curate.together.sets import SetFiles

SIZES = [[3, 0, 2], [], [0], [4, 1, 1, 5]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Texts of several files: none in one, nothing but an empty set in another."""
    paths, first, counts, value = [], [], [0], 0
    for number, sizes in enumerate(SIZES):
        path = tmp_path / f"{number}.npy"
        np.save(path, np.arange(value, value + sum(sizes), dtype=np.uint32))
        value += sum(sizes)
        paths.append(str(path))
        first.append(len(counts) - 1)
        counts += sizes
    np.save(tmp_path / "starts.npy", np.cumsum(counts))
    write_json(tmp_path / "sets.json", {"paths": paths, "first": first})
    return tmp_path


def _expected(folder: Path) -> list[list[int]]:
    starts = np.load(folder / "starts.npy")
    return [list(range(start, stop)) for start, stop in pairwise(starts)]


@pytest.mark.parametrize(
    "texts", [[], [0], [1], [0, 1, 2], list(range(8)), [2, 3, 4], [0, 2, 4, 7], [7, 4, 2, 0], [5, 5, 6, 0]]
)
def test_any_texts_in_any_order(folder: Path, texts: list[int]) -> None:
    expected = _expected(folder)
    made = SetFiles(folder).read(np.array(texts, np.int64))
    assert made.counts.tolist() == [len(expected[text]) for text in texts]
    assert made.values.tolist() == [value for text in texts for value in expected[text]]


def test_blocks_are_all_texts(folder: Path) -> None:
    sets = SetFiles(folder)
    texts, parts = zip(*sets.blocks(np.arange(len(sets))), strict=True)
    assert np.concatenate(texts).tolist() == list(range(8))
    assert np.concatenate([part.values for part in parts]).tolist() == list(range(16))


@pytest.mark.parametrize("left", [100, 130, 150])
def test_a_file_that_is_cut_short_is_named(folder: Path, left: int) -> None:
    path = folder / "3.npy"
    path.write_bytes(path.read_bytes()[:left])
    with pytest.raises(FournilError, match="cut short") as caught:
        SetFiles(folder).read(np.arange(8))
    assert str(path) in str(caught.value)
