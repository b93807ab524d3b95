"""Personal data in a batch of texts, and in one text."""

from collections.abc import Iterator, Sequence
from functools import cache

import numpy as np
import pyarrow as pa

from fournil.core.languages import Language
from fournil.parts.text.codepoints import utf8_bytes
from fournil.parts.text.kernels.personal import LABELS
from fournil.parts.text.personal.found import KINDS, SPARED, Found
from fournil.parts.text.personal.places import ARMOUR, FINDERS, Finder, Labels, labels, scan
from fournil.parts.text.personal.window import Window, plain

_BEFORE, _AFTER = 240, 320
"""Bytes around a place that its finders may read."""

_LONGEST_ARMOUR = 9000
_LONGEST_WINDOW = 1 << 12
_HEAD_BYTES = 400
_MOST_LABELS, _BYTES_OF_A_LABEL = 40, 12
_BELIEVED = (
    *("key", "password", "e-mail", "iban", "nir", "siret", "card", "tax-number", "siren", "ip", "birth-date", "phone"),
    "address",
)
_ORDER = {kind: number for number, kind in enumerate(_BELIEVED)}
"""Which kind is believed where two are found at one place."""

Place = tuple[int, int, int, int]
"""Its kind, its text, its first byte and the one behind its last."""


def find_all(
    texts: pa.Array,
    *,
    languages: Sequence[Language],
    kinds: Sequence[str] = KINDS,
    spare: Sequence[str] = SPARED,
) -> dict[int, list[Found]]:
    """Personal data in a batch of texts, without decoding what holds none.

    Args:
        texts: Strings without nulls.
        languages: Whose words, telephone numbers and identifiers are looked for.
        kinds: Which of KINDS.
        spare: What of SPARED is left standing.

    Returns:
        By place in the batch, what was found, in order, none overlapping another; places in code points.
    """
    bytes_B, bounds_D = utf8_bytes(texts)
    search = _Search(bytes_B, bounds_D, tuple(languages), frozenset(kinds), frozenset(spare))
    return {text: found for text, found in search.run() if found}


def find_personal_data(
    text: str,
    *,
    languages: Sequence[Language],
    kinds: Sequence[str] = KINDS,
    spare: Sequence[str] = SPARED,
) -> list[Found]:
    """Personal data in one text; see find_all."""
    found = find_all(pa.array([text], pa.large_string()), languages=languages, kinds=kinds, spare=spare)
    return found.get(0, [])


@cache
def _finders(kinds: frozenset[str]) -> dict[int, tuple[Finder, ...]]:
    return {place: tuple(finder for kind, finder in each if kind in kinds) for place, each in FINDERS.items()}


class _Search:
    """One pass over a batch."""

    def __init__(
        self,
        bytes_B: np.ndarray,
        bounds_D: np.ndarray,
        languages: tuple[Language, ...],
        kinds: frozenset[str],
        spare: frozenset[str],
    ) -> None:
        self.bytes_B, self.bounds_D = bytes_B, bounds_D
        self.languages, self.spare, self.kinds = languages, spare, kinds
        self.finders = _finders(kinds)
        self.labels: Labels = labels(languages, kinds)
        self.head_of, self.head = -1, ""

    def run(self) -> Iterator[tuple[int, list[Found]]]:
        """Text by text, what is found in it."""
        text, found = -1, []
        for places in scan(self.bytes_B, self.bounds_D, self.labels):
            every = list(zip(*(array.tolist() for array in places), strict=True))
            for first, last in _windows(every):
                if every[first][1] != text:
                    if found:
                        yield text, self._in_code_points(text, _apart(found))
                    text, found = every[first][1], []
                found += self._look(_credible(every[first:last]))
        if found:
            yield text, self._in_code_points(text, _apart(found))

    def _look(self, places: list[Place]) -> list[Found]:
        """What finders see at some places of one text, in bytes of the batch."""
        if not places:
            return []
        text = places[0][1]
        low, high = int(self.bounds_D[text]), int(self.bounds_D[text + 1])
        armour = _LONGEST_ARMOUR if any(kind == ARMOUR for kind, *_ in places) else 0
        start = self._whole(max(low, places[0][2] - _BEFORE), low)
        stop = self._whole(min(high, max(place[3] for place in places) + _AFTER + armour), low)
        piece = self.bytes_B[start:stop].tobytes()
        decoded = piece.decode("utf-8")
        ascii_only = len(decoded) == len(piece)
        window = Window(plain(decoded), self.languages, self.spare, lambda: self._head(low, high))
        points = None if ascii_only else _code_points(piece)
        found: list[Found] = []
        for kind, _, begin, end in places:
            begin, end = begin - start, end - start
            if points is not None:
                begin, end = int(points[begin]), int(points[end])
            for finder in self.finders.get(kind, ()):
                found += finder(window, begin, end)
        if ascii_only:
            return [Found(item.kind, start + item.start, start + item.end) for item in found]
        return [
            Found(item.kind, *(start + len(decoded[:place].encode("utf-8")) for place in (item.start, item.end)))
            for item in found
        ]

    def _whole(self, place: int, low: int) -> int:
        """The place, or the first before it where a character begins."""
        while low < place < len(self.bytes_B) and self.bytes_B[place] & 0xC0 == 0x80:
            place -= 1
        return place

    def _head(self, low: int, high: int) -> str:
        """The beginning of the text between two places."""
        if self.head_of != low:
            head = self.bytes_B[low : min(high, low + _HEAD_BYTES)].tobytes().decode("utf-8", "ignore")
            self.head_of, self.head = low, plain(head)
        return self.head

    def _in_code_points(self, text: int, found: list[Found]) -> list[Found]:
        """Places in bytes of the batch made places in code points of the text."""
        counted, place, placed = 0, int(self.bounds_D[text]), []
        for item in found:
            bounds = []
            for byte in (item.start, item.end):
                counted += int(np.count_nonzero(self.bytes_B[place:byte] & 0xC0 != 0x80))
                place = byte
                bounds.append(counted)
            placed.append(Found(item.kind, *bounds))
        return placed


def _code_points(piece: bytes) -> np.ndarray:
    """How many characters begin before each byte, and before the end."""
    points = np.zeros(len(piece) + 1, np.int64)
    np.cumsum(np.frombuffer(piece, np.uint8) & 0xC0 != 0x80, out=points[1:])
    return points


def _windows(places: list[Place]) -> Iterator[tuple[int, int]]:
    """Places of one text that lie near each other: the first, and the one behind the last."""
    first = 0
    for number, (_, text, start, end) in enumerate(places):
        _, text_before, _, end_before = places[max(0, number - 1)]
        near = start - end_before <= _BEFORE and end - places[first][2] <= _LONGEST_WINDOW
        if number > first and not (text == text_before and near):
            yield first, number
            first = number
    if places:
        yield first, len(places)


def _credible(places: list[Place]) -> list[Place]:
    """The places, without labels that follow one another with nothing between them: no form and no prose does that."""
    num_labels = sum(kind >= LABELS for kind, *_ in places)
    span = places[-1][3] - places[0][2]
    if num_labels <= _MOST_LABELS or num_labels * _BYTES_OF_A_LABEL <= span:
        return places
    return [place for place in places if place[0] < LABELS]


def _apart(found: list[Found]) -> list[Found]:
    """What was found, in order, without what overlaps something more believed."""
    kept: list[Found] = []
    for item in sorted(set(found), key=lambda each: (each.start, -each.end, _ORDER[each.kind])):
        rivals = []
        while kept and kept[-1].end > item.start:
            rivals.append(kept.pop())
        best = min([*rivals, item], key=lambda each: (_ORDER[each.kind], each.start - each.end, each.start))
        kept += [best] if rivals and best is item else sorted(rivals) if rivals else [item]
    return kept
