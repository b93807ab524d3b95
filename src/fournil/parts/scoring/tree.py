"""Token sequences as a tree in which every shared beginning stands once, and the passes that read it.

Sequences are sorted, and the tree is the one of their common prefixes (lcp-intervals; Abouelhoda, Kurtz and Ohlebusch
2004). A branch that is small is read in one pass together with its neighbours, each token looking only at its own
ancestors; a large one's trunk is read alone and kept, and its branches follow.

Shapes: N sequences, T tokens of one pass, S tokens to look at.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

PASS_COST = 48
"""Reading the weights once costs about as much as so many tokens more: shorter trunks are read again instead."""


@dataclass
class Node:
    """A stretch of tokens that the sequences `members` share."""

    start: int
    """The place of its first token in their sequences."""
    end: int
    low: int
    """Its members are the sorted sequences from here on."""
    high: int
    children: list[Node] = field(default_factory=list)
    num_tokens: int = 0
    """Of it and all below."""


@dataclass(frozen=True)
class Sorted:
    """Different sequences in order, and which of the given ones each stands for."""

    sequences: list[np.ndarray]
    members: list[list[int]]
    """Numbers of the given sequences equal to each."""
    shared: np.ndarray
    """Tokens that each shares with the one before it, [N]."""


def sort(sequences: Sequence[np.ndarray]) -> Sorted:
    """Put sequences in order, equal ones together."""
    keys = [ids.astype(">u4").tobytes() for ids in sequences]
    order = sorted(range(len(keys)), key=lambda i: keys[i])
    members: list[list[int]] = []
    for place, i in enumerate(order):
        if place and keys[i] == keys[order[place - 1]]:
            members[-1].append(i)
        else:
            members.append([i])
    different = [sequences[group[0]] for group in members]
    shared = np.zeros(len(different), dtype=np.int64)
    for n in range(1, len(different)):
        shared[n] = num_shared(different[n - 1], different[n])
    return Sorted(different, members, shared)


def num_shared(one: np.ndarray, other: np.ndarray) -> int:
    """How many tokens two sequences begin with alike."""
    length = min(len(one), len(other))
    differ = one[:length] != other[:length]
    return int(differ.argmax()) if differ.any() else length


def grow(found: Sorted) -> Node:
    """The tree of sorted sequences; its root is the beginning that all share, which may be empty."""
    num = len(found.sequences)
    open_nodes: list[Node] = []  # from the root down; a node's start is set when its parent is known
    for n, ids in enumerate(found.sequences):
        low, leaf = n, Node(0, len(ids), n, n + 1)
        if n:
            common = int(found.shared[n])
            below: Node | None = None
            while open_nodes and open_nodes[-1].end > common:
                top = open_nodes.pop()
                top.high = n
                if below is not None:
                    top.children.append(below)
                below, low = top, top.low
            if below is not None and (not open_nodes or open_nodes[-1].end < common):
                open_nodes.append(Node(0, common, low, n + 1, [below]))
            elif below is not None:
                open_nodes[-1].children.append(below)
        open_nodes.append(leaf)
    while len(open_nodes) > 1:
        top = open_nodes.pop()
        top.high = num
        open_nodes[-1].children.append(top)
    root = open_nodes[0]
    root.high = num
    _measure(root)
    return root


def _measure(root: Node) -> None:
    """Set where nodes begin, and how many tokens lie in and below each."""
    order = [root]
    for node in order:  # grows while it is read
        for child in node.children:
            child.start = node.end
            order.append(child)
    for node in reversed(order):
        node.num_tokens = node.end - node.start + sum(child.num_tokens for child in node.children)


@dataclass(frozen=True)
class Pass:
    """One reading: nodes one behind the other, on top of what is kept."""

    past: int
    """How much of what was read before is looked at; the rest is forgotten."""
    nodes: list[Node]
    parents: list[int]
    """The place in `nodes` of each one's parent, or -1 where that is kept or there is none."""
    keep: bool
    """Whether what is read here stays for the passes that follow; then `nodes` is one trunk."""

    @property
    def num_tokens(self) -> int:
        """Read in this pass."""
        return sum(node.end - node.start for node in self.nodes)


def passes(root: Node, max_tokens: int) -> Iterator[Pass]:
    """Read a tree whole, in passes of about `max_tokens` tokens where branches allow it.

    What is kept always belongs to the ancestors of what is read next: a depth-first walk.
    """
    stack: list[Node | _Pack] = [root]
    while stack:
        item = stack.pop()
        if isinstance(item, _Pack):
            yield _packed(item)
            continue
        if item.num_tokens <= max_tokens or not item.children:
            yield _packed(_Pack(item.start, [item]))
            continue
        length = item.end - item.start
        if length and length * (len(item.children) - 1) >= PASS_COST:
            yield Pass(item.start, [item], [-1], keep=True)
            children = item.children
        else:  # a short trunk is read again by each of its branches; sequences that end in it by the first of them
            lows = [item.low, *(child.low for child in item.children[1:])]
            children = [
                Node(item.start, child.end, low, child.high, child.children, child.num_tokens + length)
                for low, child in zip(lows, item.children, strict=True)
            ]
        stack += reversed(_packs(children, max_tokens))


@dataclass
class _Pack:
    past: int
    nodes: list[Node]


def _packs(children: Sequence[Node], max_tokens: int) -> list[Node | _Pack]:
    """Small neighbours together, large ones alone."""
    found: list[Node | _Pack] = []
    room = 0
    for child in children:
        if child.num_tokens > max_tokens and child.children:
            found.append(child)
            room = 0
        elif child.num_tokens <= room and found and isinstance(found[-1], _Pack):
            found[-1].nodes.append(child)
            room -= child.num_tokens
        else:
            found.append(_Pack(child.start, [child]))
            room = max_tokens - child.num_tokens
    return found


def _packed(pack: _Pack) -> Pass:
    nodes: list[Node] = []
    parents: list[int] = []
    stack = [(node, -1) for node in reversed(pack.nodes)]
    while stack:
        node, parent = stack.pop()
        nodes.append(node)
        parents.append(parent)
        stack += [(child, len(nodes) - 1) for child in reversed(node.children)]
    return Pass(pack.past, nodes, parents, keep=False)


def mask_of(reading: Pass) -> np.ndarray | None:
    """Which tokens each token of a pass looks at, bool [T, S]; None where each looks at all before it."""
    if all(parent == n - 1 for n, parent in enumerate(reading.parents)):
        return None
    ends = np.cumsum([node.end - node.start for node in reading.nodes])
    starts = ends - [node.end - node.start for node in reading.nodes]
    past = reading.past
    mask = np.zeros((int(ends[-1]), past + int(ends[-1])), dtype=bool)
    mask[:, :past] = True
    for n, parent in enumerate(reading.parents):
        rows = slice(starts[n], ends[n])
        if parent >= 0:  # the parent's last token looks at what all of this node's tokens may look at before it
            if ends[parent] > starts[parent]:
                mask[rows] = mask[ends[parent] - 1]
            else:
                mask[rows] = _empty_parent(mask, reading.parents, parent, starts, ends, past)
        own = slice(past + starts[n], past + ends[n])
        length = ends[n] - starts[n]
        mask[rows, own] = np.tril(np.ones((length, length), dtype=bool))
    return mask


def _empty_parent(
    mask: np.ndarray, parents: Sequence[int], parent: int, starts: np.ndarray, ends: np.ndarray, past: int
) -> np.ndarray:
    """What a token below a node without tokens looks at: what its nearest ancestor with tokens does."""
    while parent >= 0 and ends[parent] == starts[parent]:
        parent = parents[parent]
    if parent >= 0:
        return mask[ends[parent] - 1]
    row = np.zeros(mask.shape[1], dtype=bool)
    row[:past] = True
    return row
