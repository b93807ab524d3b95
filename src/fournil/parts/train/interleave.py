"""Several queues made into one, each by its share: which queue an element comes from is a calculation.

Queues are halved again and again, like a tournament. At each node, the elements that go left are those at which
floor((left x number + offset) / all) grows. So every queue has its share of any stretch, to a few elements at most, and
exactly its share of the whole; and no order has to be kept for billions of elements.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fournil.parts.train.permutation import key_of


@dataclass(frozen=True)
class _Node:
    """A queue (`left` and `right` are None), or two parts of them."""

    queue: int
    total: int
    offset: int = 0
    left: _Node | None = None
    right: _Node | None = None


class Interleave:
    """Queues of given lengths, as one."""

    def __init__(self, lengths: Sequence[int], key: int) -> None:
        """Plan the order.

        Args:
            lengths: How many elements each queue gives, not negative and not all 0.
            key: Another key, another start within the same spacing.
        """
        self.lengths = tuple(lengths)
        self.total = sum(lengths)
        if self.total < 1 or min(lengths) < 0:
            raise ValueError(f"no order can be made of {tuple(lengths)}")
        self._root = self._node([queue for queue, length in enumerate(lengths) if length], key)

    def place(self, number: int) -> tuple[int, int]:
        """Return which queue element `number` of the whole comes from, and which of that queue's elements it is."""
        node = self._root
        while node.left is not None and node.right is not None:
            before = (node.left.total * number + node.offset) // node.total
            if (node.left.total * (number + 1) + node.offset) // node.total > before:
                node, number = node.left, before
            else:
                node, number = node.right, number - before
        return node.queue, number

    def counts(self, number: int) -> list[int]:
        """Return how many of the first `number` elements come from each queue."""
        found = [0] * len(self.lengths)
        waiting = [(self._root, number)]
        while waiting:
            node, count = waiting.pop()
            if node.left is None or node.right is None:
                found[node.queue] = count
                continue
            left = (node.left.total * count + node.offset) // node.total
            waiting += [(node.left, left), (node.right, count - left)]
        return found

    def _node(self, queues: list[int], key: int) -> _Node:
        total = sum(self.lengths[queue] for queue in queues)
        if len(queues) == 1:
            return _Node(queues[0], total)
        middle = len(queues) // 2
        left, right = self._node(queues[:middle], key), self._node(queues[middle:], key)
        return _Node(-1, total, key_of(key, "node", queues[0], len(queues)) % total, left, right)
