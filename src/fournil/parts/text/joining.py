"""Joins of sketches: buckets of equal keys, true similarities, connected components."""

from dataclasses import dataclass

import numpy as np

ENTRY = np.dtype([("key", "<u8"), ("text", "<u4")])
"""A key and the text that has it."""

MOST_TEXTS = 1 << 32
_HALF = np.uint64(32)
_LOW = np.uint64(0xFFFFFFFF)


@dataclass(frozen=True)
class Entries:
    """Keys and texts, sorted by key."""

    keys: np.ndarray
    """uint64."""

    texts: np.ndarray
    """uint32."""

    def __len__(self) -> int:
        return len(self.keys)

    def where(self, kept: np.ndarray) -> "Entries":
        """Those marked."""
        return Entries(self.keys[kept], self.texts[kept])


def sorted_entries(keys: np.ndarray, texts: np.ndarray) -> Entries:
    """Sort by key; equal keys keep their order."""
    from fournil.parts.text.kernels.join import sort_entries

    keys, texts = np.array(keys, np.uint64), np.array(texts, np.uint32)
    sort_entries(keys, texts, np.empty_like(keys), np.empty_like(texts))
    return Entries(keys, texts)


def shared(entries: Entries) -> Entries:
    """Those whose key another one has too."""
    from fournil.parts.text.kernels.join import shared_entries

    kept = np.empty(len(entries), bool)
    shared_entries(entries.keys, kept)
    return entries.where(kept)


def candidates(entries: Entries, labels: np.ndarray, order: np.ndarray, round_: int) -> tuple[np.ndarray, Entries]:
    """Pairs that are to be compared: in each bucket of equal keys a leader and all that are not tied to it yet.

    Args:
        entries: Sorted.
        labels: Each text's component so far (uint32).
        order: uint64 by text; the greatest leads.
        round_: How many leaders each bucket has had.

    Returns:
        Pairs (uint64, see `packed`), sorted, each once; the entries of buckets that are not done.
    """
    from fournil.parts.text.kernels.join import leader_pairs

    pairs = np.empty(len(entries), np.uint64)
    still_open = np.empty(len(entries), bool)
    num = leader_pairs(entries.keys, entries.texts, labels, order, round_, pairs, still_open)
    return np.unique(pairs[:num]), entries.where(still_open)


def packed(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Pairs of texts as one uint64 each, the smaller in the upper half."""
    low, high = np.minimum(one, other).astype(np.uint64), np.maximum(one, other).astype(np.uint64)
    return (low << _HALF) | high


def unpacked(pairs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The smaller and the greater text of each pair (int64)."""
    return (pairs >> _HALF).astype(np.int64), (pairs & _LOW).astype(np.int64)


class Sets:
    """Sets of shingles in one array.

    Args:
        values: uint32; each set sorted, without repeats.
        counts: How many members each has.
        starts: Where each begins; one behind the other, if they are not given.
    """

    def __init__(self, values: np.ndarray, counts: np.ndarray, starts: np.ndarray | None = None) -> None:
        self.values = values
        self.counts = _long(counts)
        self.starts = _long(np.cumsum(self.counts) - self.counts if starts is None else starts)

    def __len__(self) -> int:
        """How many sets there are."""
        return len(self.counts)

    def take(self, places: np.ndarray) -> "Sets":
        """Some of the sets, in the order asked for."""
        return Sets(self.values, self.counts[places], self.starts[places])


def similarity(ones: Sets, others: Sets, one: np.ndarray, other: np.ndarray, *, threshold: float = 0.0) -> np.ndarray:
    """True Jaccard similarities (float64) of pairs of sets.

    Args:
        ones: Some sets.
        others: Those with which they are compared, perhaps the same.
        one: Of each pair the number among the first.
        other: Of each pair the number among the others.
        threshold: Pairs whose sizes alone keep them below it get 0.
    """
    from fournil.parts.text.kernels.join import similarities

    out = np.empty(len(one), np.float64)
    similarities(
        ones.values, ones.starts, ones.counts, others.values, others.starts, others.counts,
        _long(one), _long(other), float(threshold), out,
    )  # fmt: skip
    return out


def components(num: int, edges: np.ndarray) -> np.ndarray:
    """Connected components.

    Args:
        num: Number of nodes.
        edges: int64 array of N x 2.

    Returns:
        For each node the smallest node of its component (int64).
    """
    labels = np.arange(num, dtype=np.uint32)
    tie(labels, edges[:, 0], edges[:, 1])
    return labels.astype(np.int64)


def tie(labels: np.ndarray, one: np.ndarray, other: np.ndarray) -> None:
    """Join components, in place.

    Args:
        labels: uint32; each node's component, named by its smallest node.
        one: An end of each edge.
        other: The other end.
    """
    from fournil.parts.text.kernels.join import join_nodes

    assert len(labels) < MOST_TEXTS
    join_nodes(labels, np.ascontiguousarray(one, np.uint32), np.ascontiguousarray(other, np.uint32))


@dataclass(frozen=True)
class Settled:
    """Who stays, by member."""

    kept: np.ndarray
    """int64: the member that stays in each one's place; itself if it stays."""

    similarity: np.ndarray
    """float64: with the one that stays."""


def settled(
    members: Sets,
    bounds: np.ndarray,
    *,
    threshold: float,
    fixed: np.ndarray | None = None,
    most_kept: int = 64,
    passed_on: bool = False,
) -> Settled:
    """Decide who stays in each component: in order, whoever is no near duplicate of one that stays.

    Args:
        members: Their sets; the members of a component stand together, the best first.
        bounds: Component c has members bounds[c]:bounds[c + 1].
        threshold: Jaccard similarity.
        fixed: How many members at the head of each component stay anyhow.
        most_kept: A member is compared with so many that stay, the first ones.
        passed_on: Whether all but the first go, however unlike it they are.
    """
    from fournil.parts.text.kernels.join import settle

    kept, similarity_M = np.empty(len(members), np.int64), np.empty(len(members), np.float64)
    if fixed is None:
        fixed = np.zeros(len(bounds) - 1, np.int64)
    settle(
        members.values, members.starts, members.counts, _long(bounds), _long(fixed), float(threshold),
        most_kept, passed_on, kept, similarity_M,
    )  # fmt: skip
    return Settled(kept, similarity_M)


def _long(values: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(values, np.int64)
