"""Reads a supervised fastText model (Joulin et al. 2016), plain or quantised, into arrays for a kernel.

The layout is that of fastText's own files, version 12: arguments, dictionary, pruned buckets, input and output matrix.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np

_MAGIC, _VERSION = 793712314, 12
_HIERARCHICAL, _SUPERVISED = 1, 3
_WORD = 0


@dataclass(frozen=True)
class FastText:
    """What predicting needs. H dimensions, L labels, N inner nodes of the tree of labels."""

    labels: tuple[str, ...]
    words: dict[bytes, int]
    """Rows of the words."""

    buckets: np.ndarray
    """int32: the row of each bucket of n-grams, -1 for those that were pruned."""

    rows_RH: np.ndarray
    """float32: words, then buckets."""

    nodes_NH: np.ndarray
    """float32: what decides at each inner node."""

    paths: np.ndarray
    """int32: the inner nodes from the root to each label, end to end."""

    turns: np.ndarray
    """int32: 1 where the path goes right."""

    bounds_L: np.ndarray
    """int64: where each label's path begins."""

    min_length: int
    max_length: int
    """Of n-grams, in code points."""


class _Reader:
    def __init__(self, data: bytes) -> None:
        self.data, self.place = data, 0

    def numbers(self, form: str) -> tuple[int, ...]:
        values = struct.unpack_from("<" + form, self.data, self.place)
        self.place += struct.calcsize("<" + form)
        return values

    def array(self, dtype: str, num: int) -> np.ndarray:
        values = np.frombuffer(self.data, np.dtype(dtype), num, self.place)
        self.place += values.nbytes
        return values

    def name(self) -> bytes:
        end = self.data.index(0, self.place)
        found = self.data[self.place : end]
        self.place = end + 1
        return found


def read_fasttext(path: Path) -> FastText:
    """Read a model.

    Args:
        path: a .bin or .ftz file of a classifier with a tree of labels and no n-grams of words.

    Raises:
        ValueError: It is no such file.
    """
    reader = _Reader(path.read_bytes())
    if len(reader.data) < 64 or reader.numbers("ii") != (_MAGIC, _VERSION):
        raise ValueError("not a fastText model of version 12")
    dim, _, _, _, _, word_ngrams, loss, model, bucket, minn, maxn, _ = reader.numbers("12i")
    reader.numbers("d")
    if (model, loss, word_ngrams) != (_SUPERVISED, _HIERARCHICAL, 1) or maxn < 1:
        raise ValueError("not a classifier with a tree of labels and no n-grams of words")
    size, num_words, num_labels, _, num_pruned = reader.numbers("iiiqq")
    words: dict[bytes, int] = {}
    labels: list[str] = []
    counts: list[int] = []
    for _ in range(size):
        name = reader.name()
        count, kind = reader.numbers("qb")
        if kind == _WORD:
            words[name] = len(words)
        else:
            labels.append(name.decode().removeprefix("__label__"))
            counts.append(count)
    assert (len(words), len(labels)) == (num_words, num_labels)
    buckets = np.full(bucket, -1, np.int32)
    if num_pruned < 0:
        buckets[:] = num_words + np.arange(bucket)
    else:
        pairs = reader.array("<i4", 2 * num_pruned).reshape(-1, 2)
        buckets[pairs[:, 0]] = num_words + pairs[:, 1]
    (quantised,) = reader.numbers("?")
    rows_RH = _quantised(reader) if quantised else _plain(reader)
    (quantised_output,) = reader.numbers("?")
    nodes_NH = _quantised(reader) if quantised and quantised_output else _plain(reader)
    assert rows_RH.shape[1] == nodes_NH.shape[1] == dim
    paths, turns, bounds_L = _tree(counts)
    return FastText(tuple(labels), words, buckets, rows_RH, nodes_NH, paths, turns, bounds_L, minn, maxn)


def _plain(reader: _Reader) -> np.ndarray:
    rows, columns = reader.numbers("qq")
    return reader.array("<f4", rows * columns).reshape(rows, columns).copy()


def _quantised(reader: _Reader) -> np.ndarray:
    """Rows made of the nearest centroid in each stretch of dimensions, times the nearest of 256 lengths."""
    (with_norms,) = reader.numbers("?")
    rows, columns, num_codes = reader.numbers("qqi")
    codes = reader.array("u1", num_codes).reshape(rows, -1)
    decoded = _centroids(reader, codes)[:, :columns]
    if with_norms:
        norm_codes = reader.array("u1", rows).reshape(rows, 1)
        decoded = decoded * _centroids(reader, norm_codes)
    return np.ascontiguousarray(decoded, np.float32)


def _centroids(reader: _Reader, codes: np.ndarray) -> np.ndarray:
    dim, num_parts, width, last_width = reader.numbers("iiii")
    centroids = reader.array("<f4", dim * 256)
    pieces = []
    for part in range(num_parts):
        first = part * 256 * width
        each = last_width if part == num_parts - 1 else width
        pieces.append(centroids[first : first + 256 * each].reshape(256, each)[codes[:, part]])
    return np.concatenate(pieces, axis=1)


def _tree(counts: list[int]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The Huffman tree of labels that come with falling counts: each one's way down from the root."""
    num = len(counts)
    weights = [*counts, *[10**15] * (num - 1)]
    parents, is_right = [-1] * (2 * num - 1), [0] * (2 * num - 1)
    leaf, node = num - 1, num
    for made in range(num, 2 * num - 1):
        chosen: list[int] = []
        for _ in range(2):
            if leaf >= 0 and weights[leaf] < weights[node]:
                chosen.append(leaf)
                leaf -= 1
            else:
                chosen.append(node)
                node += 1
        weights[made] = weights[chosen[0]] + weights[chosen[1]]
        for side, child in enumerate(chosen):
            parents[child], is_right[child] = made, side
    paths: list[int] = []
    turns: list[int] = []
    bounds_L = np.zeros(num + 1, np.int64)
    for label in range(num):
        way: list[tuple[int, int]] = []
        place = label
        while parents[place] >= 0:
            way.append((parents[place] - num, is_right[place]))
            place = parents[place]
        paths += [inner for inner, _ in reversed(way)]
        turns += [side for _, side in reversed(way)]
        bounds_L[label + 1] = len(paths)
    return np.array(paths, np.int32), np.array(turns, np.int32), bounds_L
