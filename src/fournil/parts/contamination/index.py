"""An index of the texts of evaluation items, by the words that they are made of."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from fournil.core.files import atomic_path
from fournil.parts.arrays import load_all
from fournil.parts.contamination.items import Benchmark
from fournil.parts.text.folded import folded_words
from fournil.parts.text.kernels.folded import NUM_WORDS, STEP, fill_slots, gram_bits

MAX_PLACES = 64
"""A run of words that stands in more places than these is how a benchmark asks, and not what."""

_MIN_DIFFERENT = 4
"""A run with fewer different words is a refrain or a row of figures."""
_BITS_PER_RUN = 8
_BATCH_TEXTS = 4096


@dataclass(frozen=True)
class Index:
    """All texts of some benchmarks.

    Shapes: N names, I items, T texts, L their words end to end, K links from texts to items, G runs of words, P places
    at which they begin, S slots of a table.
    """

    names_N: tuple[str, ...]
    """The benchmarks."""

    ids_I: tuple[str, ...]
    """The items, as their benchmarks call them."""

    benchmark_I: np.ndarray
    """int64, the number of each item's benchmark."""

    searched_I: np.ndarray
    """bool, whether any text of the item is long enough to be looked for."""

    words_L: np.ndarray
    """uint64, hashes."""

    words_T: np.ndarray
    """int64, the bounds of each text's words."""

    links_T: np.ndarray
    """int64, the bounds of each text's links."""

    item_K: np.ndarray
    """int64, the number of the item."""

    context_K: np.ndarray
    """bool: the text is what the item's question is about."""

    usable_L: np.ndarray
    """bool, whether the run that begins at a word is looked up."""

    places_G: np.ndarray
    """int64, the bounds of each run's places."""

    places_P: np.ndarray
    """int64, words."""

    keys_S: np.ndarray
    values_S: np.ndarray
    """The runs' numbers by their value; see kernels/folded.py."""

    bitmap: np.ndarray
    """uint64: which values there may be."""

    @property
    def shift(self) -> int:
        """What leaves of a value as many bits as the bitmap is addressed by."""
        return _shift(self.bitmap)


def build_index(benchmarks: Sequence[Benchmark]) -> Index:
    """Index all texts of all items that have NUM_WORDS words or more."""
    ids: list[str] = []
    benchmark_I: list[int] = []
    strings: dict[str, list[tuple[int, bool]]] = {}
    for number, benchmark in enumerate(benchmarks):
        for item in benchmark.items:
            for text in item.texts:
                strings.setdefault(text.text, []).append((len(ids), text.is_context))
            ids.append(item.id)
            benchmark_I.append(number)
    # Texts that differ in case and punctuation only are one.
    links: dict[bytes, dict[tuple[int, bool], None]] = {}
    for hashes, linked in zip(_words_of(strings), strings.values(), strict=True):
        if len(hashes) >= NUM_WORDS:
            links.setdefault(hashes.tobytes(), {}).update(dict.fromkeys(linked))
    words_L = np.frombuffer(bytearray(b"".join(links)), np.uint64)
    words_T = _bounds(len(text) // 8 for text in links)
    links_T = _bounds(map(len, links.values()))
    flat = [link for linked in links.values() for link in linked]
    item_K = np.array([item for item, _ in flat], np.int64)
    context_K = np.array([is_context for _, is_context in flat], bool)
    searched_I = np.zeros(len(ids), bool)
    searched_I[item_K] = True
    return Index(
        tuple(benchmark.name for benchmark in benchmarks), tuple(ids), np.array(benchmark_I, np.int64), searched_I,
        words_L, words_T, links_T, item_K, context_K, *_runs(words_L, words_T),
    )  # fmt: skip


def _words_of(strings: Iterable[str]) -> Iterable[np.ndarray]:
    """The hashes of each string's words."""
    waiting = list(strings)
    for start in range(0, len(waiting), _BATCH_TEXTS):
        batch = waiting[start : start + _BATCH_TEXTS]
        words = folded_words(pa.array([text.encode("utf-8", "replace").decode() for text in batch], pa.large_string()))
        for text in range(len(batch)):
            yield words.hashes_W[words.bounds_D[text] : words.bounds_D[text + 1]]


def _bounds(lengths: Iterable[int]) -> np.ndarray:
    return np.concatenate([[0], np.cumsum(np.fromiter(lengths, np.int64))]).astype(np.int64)


def _runs(words_L: np.ndarray, words_T: np.ndarray) -> tuple[np.ndarray, ...]:
    """The fields of an index from `usable_L` on."""
    values_L, usable_L = np.zeros(len(words_L), np.uint64), np.zeros(len(words_L), bool)
    num = len(words_L) - NUM_WORDS + 1
    if num > 0:
        windows = np.sort(np.lib.stride_tricks.sliding_window_view(words_L, NUM_WORDS), axis=1)
        usable_L[:num] = 1 + (windows[:, 1:] != windows[:, :-1]).sum(axis=1) >= _MIN_DIFFERENT
        step = np.uint64(STEP)
        for place in range(NUM_WORDS):
            values_L[:num] = values_L[:num] * step + words_L[place : place + num]
        text_L = np.repeat(np.arange(len(words_T) - 1), np.diff(words_T))
        usable_L[:num] &= text_L[:num] == text_L[NUM_WORDS - 1 :]
    places = np.flatnonzero(usable_L)
    places = places[np.argsort(values_L[places], kind="stable")]
    values, counts = np.unique(values_L[places], return_counts=True)
    frequent = counts > MAX_PLACES
    kept = ~np.repeat(frequent, counts)
    usable_L[places[~kept]] = False
    values, places = values[~frequent], places[kept]
    keys_S = np.zeros(_power_of_two(2 * len(values) + 1), np.uint64)
    values_S = np.zeros(len(keys_S), np.int64)
    bitmap = np.zeros(_power_of_two(max(_BITS_PER_RUN * len(values), 1 << 13)) // 64, np.uint64)
    if len(values):
        fill_slots(values, keys_S, values_S)
        gram_bits(values, bitmap, _shift(bitmap))
    return usable_L, _bounds(counts[~frequent].tolist()), places, keys_S, values_S, bitmap


def _shift(bitmap: np.ndarray) -> int:
    return 65 - len(bitmap).bit_length()


def _power_of_two(least: int) -> int:
    return 1 << max(least - 1, 1).bit_length()


def save_index(index: Index, path: Path) -> None:
    """Write an index as one file of arrays."""
    arrays = {field.name: getattr(index, field.name) for field in fields(Index)}
    for name in ("names_N", "ids_I"):
        arrays[name] = np.frombuffer(json.dumps(arrays[name]).encode(), np.uint8)
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)


@cache
def load_index(path: Path) -> Index:
    """Read an index, once in a process."""
    there = load_all(path)
    arrays: dict[str, Any] = {field.name: there[field.name] for field in fields(Index)}
    for name in ("names_N", "ids_I"):
        arrays[name] = tuple(json.loads(arrays[name].tobytes()))
    return Index(**arrays)
