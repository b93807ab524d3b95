"""What fastText's model lid.176.ftz says of texts: each different word of a batch is looked up once.

The sums run in another order than fastText's own, so that confidences differ from its in the fifth place; they are the
same on every machine.
"""

# pyright: reportArgumentType=false, reportReturnType=false, reportCallIssue=false, reportIndexIssue=false
# Kernels have numba's types, in which an element of an array is a number.

from functools import cache
from typing import NamedTuple

import numpy as np

from fournil.parts.text.arrow import read_only
from fournil.parts.text.fasttext_file import FastText, read_fasttext
from fournil.parts.text.kernels.compile import kernel
from fournil.parts.text.kernels.stretches import hash_of, room_for, same
from fournil.parts.text.language_model import model_path

_LEAST = float(np.log(1e-5))
"""fastText goes no further down its tree than this."""

_MAX_KEPT = 1 << 14
"""Words of a batch whose sums are kept."""


class _Model(NamedTuple):
    labels: tuple[str, ...]
    arrays: tuple[np.ndarray, ...]
    tree: tuple[np.ndarray, ...]
    lengths: tuple[int, int]


def labels() -> tuple[str, ...]:
    """The model's languages, in its words."""
    return _model().labels


def confidences(bytes_B: np.ndarray, bounds_D: np.ndarray, places: np.ndarray) -> np.ndarray:
    """How sure the model is of each language (float32, by document asked and by the model's labels).

    Args:
        bytes_B: Texts end to end (uint8 UTF-8).
        bounds_D: Where each begins, and where the last ends (int64).
        places: Which of them are asked (int64).
    """
    return _all_scores(_hidden(bytes_B, bounds_D, places), *_model().tree, _LEAST)


def likeliest(bytes_B: np.ndarray, bounds_D: np.ndarray, places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The model's likeliest language for each text, without a look at what cannot be it.

    Args:
        bytes_B: Texts end to end (uint8 UTF-8).
        bounds_D: Where each begins, and where the last ends (int64).
        places: Which of them are asked (int64).

    Returns:
        Numbers in labels() (int64, -1 where the text has nothing that the model knows), and confidences (float32), the
        same that `confidences` gives.
    """
    return _best_scores(_hidden(bytes_B, bounds_D, places), *_model().tree, _LEAST)


def _hidden(bytes_B: np.ndarray, bounds_D: np.ndarray, places: np.ndarray) -> np.ndarray:
    model = _model()
    return _means(read_only(bytes_B), read_only(bounds_D), places, *model.arrays, *model.lengths)


@cache
def _model() -> _Model:
    read = read_fasttext(model_path())
    words_B, words_bounds, slots = _table(read)
    lengths = read.min_length, read.max_length
    left = np.packbits(read.buckets >= 0, bitorder="little")
    sums_WH, nums_W = _known_words(words_B, words_bounds, left, read.buckets, read.rows_RH, *lengths)
    arrays = (
        words_B,
        words_bounds,
        slots,
        sums_WH,
        nums_W,
        left,
        read.buckets,
        read.rows_RH,
    )
    return _Model(read.labels, arrays, (read.nodes_NH, read.paths, read.turns, read.bounds_L), lengths)


def _table(read: FastText) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The model's words end to end in the order of their rows, where each begins, and a table of them by hash."""
    words = sorted(read.words, key=lambda word: read.words[word])
    bytes_B = np.frombuffer(b"".join(words), np.uint8).copy()
    bounds = np.zeros(len(words) + 1, np.int64)
    np.cumsum([len(word) for word in words], out=bounds[1:])
    slots = np.full(room_for(len(words)), -1, np.int64)
    _fill(bytes_B, bounds, slots)
    return bytes_B, bounds, slots


@kernel
def _fill(bytes_B: np.ndarray, bounds: np.ndarray, slots: np.ndarray) -> None:
    mask = len(slots) - 1
    for number in range(len(bounds) - 1):
        slot = np.int64(hash_of(bytes_B, bounds[number], bounds[number + 1]) & np.uint64(mask))
        while slots[slot] >= 0:
            slot = (slot + 1) & mask
        slots[slot] = number


@kernel
def _known_words(
    words_B: np.ndarray,
    words_bounds: np.ndarray,
    left: np.ndarray,
    buckets: np.ndarray,
    rows_RH: np.ndarray,
    min_length: int,
    max_length: int,
) -> tuple[np.ndarray, np.ndarray]:
    """For each of the model's words the sum of its rows, its own and its n-grams', and how many these are."""
    num = len(words_bounds) - 1
    sums_WH, nums_W = rows_RH[:num].copy(), np.ones(num, np.int64)
    longest = 0
    for number in range(num):
        longest = max(longest, words_bounds[number + 1] - words_bounds[number])
    word_B = np.empty(longest + 2, np.uint8)
    end_row = _row_of_end(words_B, words_bounds)
    for number in range(num):
        if number != end_row:
            length = _enclose(words_B, words_bounds[number], words_bounds[number + 1], word_B)
            nums_W[number] += _add_ngrams(
                word_B, length, left, buckets, rows_RH, min_length, max_length, sums_WH[number]
            )
    return sums_WH, nums_W


@kernel
def _enclose(bytes_B: np.ndarray, start: int, end: int, word_B: np.ndarray) -> int:
    """Write a word between « < » and « > »; how many bytes that is."""
    word_B[0] = 0x3C
    for place in range(start, end):
        word_B[place - start + 1] = bytes_B[place]
    word_B[end - start + 1] = 0x3E
    return end - start + 2


@kernel
def _add_ngrams(
    word_B: np.ndarray,
    length: int,
    left: np.ndarray,
    buckets: np.ndarray,
    rows_RH: np.ndarray,
    min_length: int,
    max_length: int,
    sum_H: np.ndarray,
) -> int:
    """Add the rows of the n-grams of a word, which stands between « < » and « > »; how many there were."""
    num, num_buckets = 0, np.uint32(len(buckets))
    for start in range(length):
        if word_B[start] & 0xC0 == 0x80:
            continue
        value, place, points = np.uint32(2166136261), start, 0
        while place < length and points < max_length:
            while True:
                # fastText takes bytes for signed ones.
                byte = np.uint32(word_B[place])
                value = np.uint32(value ^ (byte | np.uint32(0xFFFFFF00) if byte >= 128 else byte))
                value = np.uint32(value * np.uint32(16777619))
                place += 1
                if place == length or word_B[place] & 0xC0 != 0x80:
                    break
            points += 1
            if points < min_length or (points == 1 and (start == 0 or place == length)):
                continue
            bucket = value % num_buckets
            # Few buckets are left in a pruned model, and their bits fit into the processor's cache.
            if left[bucket >> 3] >> (bucket & 7) & 1:
                row = buckets[bucket]
                num += 1
                for column in range(len(sum_H)):
                    sum_H[column] += rows_RH[row, column]
    return num


@kernel
def _means(
    bytes_B: np.ndarray,
    bounds_D: np.ndarray,
    places: np.ndarray,
    words_B: np.ndarray,
    words_bounds: np.ndarray,
    word_slots: np.ndarray,
    row_sums_WH: np.ndarray,
    row_nums_W: np.ndarray,
    left: np.ndarray,
    buckets: np.ndarray,
    rows_RH: np.ndarray,
    min_length: int,
    max_length: int,
) -> np.ndarray:
    """The mean of the rows of each text's words and n-grams (float64), NaN where there is none."""
    width = rows_RH.shape[1]
    means_DH = np.empty((len(places), width), np.float64)
    total, largest = 0, 0
    for place in places:
        total += bounds_D[place + 1] - bounds_D[place]
        largest = max(largest, bounds_D[place + 1] - bounds_D[place])
    # What was seen of words: where one stands, the sum of its rows, and how many these are.
    max_kept = min(total // 4 + 1, _MAX_KEPT)
    slots = np.full(room_for(max_kept), -1, np.int64)
    starts_W, ends_W = np.empty(max_kept, np.int64), np.empty(max_kept, np.int64)
    hashes_W, nums_W = np.empty(max_kept, np.uint64), np.empty(max_kept, np.int64)
    sums_WH = np.empty((max_kept, width), np.float32)
    kept = 0
    word_B = np.empty(largest + 8, np.uint8)
    word_H, sum_H = np.empty(width, np.float32), np.empty(width, np.float64)
    end_row = _row_of_end(words_B, words_bounds)
    for number in range(len(places)):
        place, end = bounds_D[places[number]], bounds_D[places[number] + 1]
        sum_H[:] = 0.0
        num_rows, over = 0, False
        while not over:
            while place < end and _parts(bytes_B[place]):
                place += 1
            if place == end:
                break
            start = place
            while place < end and not _parts(bytes_B[place]):
                place += 1
            value = hash_of(bytes_B, start, place)
            slot = np.int64(value & np.uint64(len(slots) - 1))
            known = -1
            while slots[slot] >= 0:
                other = slots[slot]
                if (
                    hashes_W[other] == value
                    and ends_W[other] - starts_W[other] == place - start
                    and same(bytes_B, starts_W[other], start, place - start)
                ):
                    known = other
                    break
                slot = (slot + 1) & (len(slots) - 1)
            if known >= 0:
                num_rows += nums_W[known]
                for column in range(width):
                    sum_H[column] += sums_WH[known, column]
                continue
            if _is_label(bytes_B, start, place):
                continue
            row = _row(bytes_B, start, place, words_B, words_bounds, word_slots, value)
            over = row >= 0 and row == end_row
            if row >= 0:
                word_H[:], num = row_sums_WH[row], row_nums_W[row]
            else:
                word_H[:] = 0.0
                length = _enclose(bytes_B, start, place, word_B)
                num = _add_ngrams(word_B, length, left, buckets, rows_RH, min_length, max_length, word_H)
            if kept < max_kept and not over:
                slots[slot] = kept
                starts_W[kept], ends_W[kept], hashes_W[kept], nums_W[kept] = start, place, value, num
                sums_WH[kept] = word_H
                kept += 1
            num_rows += num
            for column in range(width):
                sum_H[column] += word_H[column]
        if not over and end_row >= 0:
            num_rows += 1
            for column in range(width):
                sum_H[column] += rows_RH[end_row, column]
        for column in range(width):
            means_DH[number, column] = sum_H[column] / num_rows if num_rows else np.nan
    return means_DH


@kernel
def _chance_right(nodes_NH: np.ndarray, node: int, mean_H: np.ndarray) -> float:
    """The chance that the way to a text's label goes right at a node."""
    dot = 0.0
    for column in range(len(mean_H)):
        dot += nodes_NH[node, column] * mean_H[column]
    return 1.0 / (1.0 + np.exp(-dot))


@kernel
def _all_scores(
    means_DH: np.ndarray,
    nodes_NH: np.ndarray,
    paths: np.ndarray,
    turns: np.ndarray,
    bounds_L: np.ndarray,
    least: float,
) -> np.ndarray:
    """Confidence (float32) of each label for each text."""
    out_DL = np.zeros((len(means_DH), len(bounds_L) - 1), np.float32)
    # The logarithms of the chances that the way goes left and right.
    chances_N2 = np.empty((len(nodes_NH), 2), np.float64)
    for number in range(len(means_DH)):
        if np.isnan(means_DH[number, 0]):
            continue
        for node in range(len(nodes_NH)):
            chance = _chance_right(nodes_NH, node, means_DH[number])
            chances_N2[node, 0], chances_N2[node, 1] = np.log(1.0 - chance + 1e-5), np.log(chance + 1e-5)
        for label in range(len(bounds_L) - 1):
            score = 0.0
            for step in range(bounds_L[label], bounds_L[label + 1]):
                score += chances_N2[paths[step], turns[step]]
                if score < least:
                    break
            out_DL[number, label] = np.exp(score) if score >= least else 0.0
    return out_DL


@kernel
def _best_scores(
    means_DH: np.ndarray,
    nodes_NH: np.ndarray,
    paths: np.ndarray,
    turns: np.ndarray,
    bounds_L: np.ndarray,
    least: float,
) -> tuple[np.ndarray, np.ndarray]:
    """The label that has most of _all_scores for each text (int64, -1: none), and its confidence (float32)."""
    labels_D, most_D = np.full(len(means_DH), -1, np.int64), np.zeros(len(means_DH), np.float32)
    chances_N2 = np.empty((len(nodes_NH), 2), np.float64)
    for number in range(len(means_DH)):
        if np.isnan(means_DH[number, 0]):
            continue
        chances_N2[:, 0] = np.nan
        best = least
        # Labels come with the most frequent first: most of the others are soon known to be less likely.
        for label in range(len(bounds_L) - 1):
            score = 0.0
            for step in range(bounds_L[label], bounds_L[label + 1]):
                node = paths[step]
                if np.isnan(chances_N2[node, 0]):
                    chance = _chance_right(nodes_NH, node, means_DH[number])
                    chances_N2[node, 0], chances_N2[node, 1] = np.log(1.0 - chance + 1e-5), np.log(chance + 1e-5)
                score += chances_N2[node, turns[step]]
                if score < best:
                    break
            if score > best or (labels_D[number] < 0 and score >= best):
                best, labels_D[number] = score, label
        if labels_D[number] >= 0:
            most_D[number] = np.exp(best)
    return labels_D, most_D


@kernel
def _parts(byte: int) -> bool:
    """Whether fastText parts words at a byte."""
    return byte == 0x20 or (byte >= 0x09 and byte <= 0x0D) or byte == 0


@kernel
def _is_label(bytes_B: np.ndarray, start: int, end: int) -> bool:
    """Whether a word begins like a label: « __label__ »."""
    if end - start < 9 or bytes_B[start] != 0x5F or bytes_B[start + 1] != 0x5F:
        return False
    # « label » and two underscores.
    return (
        bytes_B[start + 2] == 0x6C
        and bytes_B[start + 3] == 0x61
        and bytes_B[start + 4] == 0x62
        and bytes_B[start + 5] == 0x65
        and bytes_B[start + 6] == 0x6C
        and bytes_B[start + 7] == 0x5F
        and bytes_B[start + 8] == 0x5F
    )


@kernel
def _row(
    bytes_B: np.ndarray,
    start: int,
    end: int,
    words_B: np.ndarray,
    words_bounds: np.ndarray,
    word_slots: np.ndarray,
    value: int,
) -> int:
    """The row of a word, -1 where the model does not know it."""
    slot = np.int64(value & np.uint64(len(word_slots) - 1))
    while word_slots[slot] >= 0:
        number = word_slots[slot]
        first = words_bounds[number]
        if words_bounds[number + 1] - first == end - start:
            length = 0
            while length < end - start and bytes_B[start + length] == words_B[first + length]:
                length += 1
            if length == end - start:
                return number
        slot = (slot + 1) & (len(word_slots) - 1)
    return -1


@kernel
def _row_of_end(words_B: np.ndarray, words_bounds: np.ndarray) -> int:
    """The row of « </s> », which ends each text."""
    for number in range(len(words_bounds) - 1):
        first = words_bounds[number]
        if (
            words_bounds[number + 1] - first == 4
            and words_B[first] == 0x3C
            and words_B[first + 1] == 0x2F
            and words_B[first + 2] == 0x73
            and words_B[first + 3] == 0x3E
        ):
            return number
    return -1
