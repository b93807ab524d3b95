"""A batch of texts on its way through the steps that change them: documents, or the sides of pairs laid end to end."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from fournil.parts.text.codepoints import CodePoints, decode, utf8_bytes
from fournil.parts.text.folded import FoldedWords, folded_words
from fournil.parts.text.normalise import replace
from fournil.parts.text.scan import Scan, profile_of, scan_bytes


@dataclass
class Texts:
    """Strings as they stand now, and what was done to them."""

    values: pa.Array
    edits: list[tuple[int, dict[str, Any]]] = field(default_factory=list)
    """Place in the batch, and a row of EDITS without its id."""

    num_changes: dict[str, int] = field(default_factory=dict)
    """How many changes by "step/rule"."""

    _points: CodePoints | None = None
    _scan: Scan | None = None
    _folded: FoldedWords | None = None

    def __len__(self) -> int:
        return len(self.values)

    @property
    def points(self) -> CodePoints:
        """The texts as code points, decoded when first asked for."""
        if self._points is None:
            self._points = decode(self.values)
        return self._points

    @property
    def folded(self) -> FoldedWords:
        """The words without case, accents and punctuation, found when first asked for."""
        if self._folded is None:
            self._folded = folded_words(self.values)
        return self._folded

    def scan(self, tags: Sequence[str | None]) -> Scan:
        """Words, lines and figures, found in one pass and kept until a text or the way to read it changes.

        Args:
            tags: The language in which each text is to be read; where it is not known yet, a guess.
        """
        profile_D = np.array([profile_of(tag) for tag in tags], np.int64)
        if self._scan is None or not np.array_equal(self._scan.profile_D, profile_D):
            self._scan = scan_bytes(*utf8_bytes(self.values), profile_D)
        return self._scan

    @property
    def num_bytes(self) -> np.ndarray:
        """UTF-8 bytes of each text."""
        return np.diff(utf8_bytes(self.values)[1])

    def put(self, values: pa.Array) -> None:
        """Go on with other strings, as many as before."""
        if values is not self.values:
            self.values, self._points, self._scan, self._folded = values, None, None, None

    def set(self, new: dict[int, str]) -> None:
        """Put new texts at some places."""
        self.put(replace(self.values, new))

    def edit(
        self, place: int, step: str, rule: str, start: int, end: int, was: str | None, now: str, *, num: int = 1
    ) -> None:
        """Note a change.

        Args:
            place: Of the text.
            step: Who changes it.
            rule: What for.
            start: First code point, in the text as the step found it.
            end: Where the change ends.
            was: What stood there; None where it must not be kept.
            now: What stands there.
            num: How many changes lie between start and end.
        """
        key = f"{step}/{rule}"
        self.num_changes[key] = self.num_changes.get(key, 0) + num
        self.edits.append((place, {"step": step, "rule": rule, "start": start, "end": end, "was": was, "now": now}))


def texts_of(values: pa.Array, max_text_bytes: int) -> tuple[Texts, np.ndarray, dict[int, str]]:
    """A batch of texts to work on, without those that are too large: their arrays would take all memory.

    Returns:
        The texts, those too large made empty; the bytes of each as it came; those too large, by place.
    """
    num_bytes = np.diff(utf8_bytes(values)[1])
    places = np.flatnonzero(num_bytes > max_text_bytes).tolist() if max_text_bytes else []
    large: dict[int, str] = {place: values[place].as_py() for place in places}
    return Texts(replace(values, dict.fromkeys(large, ""))), num_bytes, large


def edit_rows(texts: Texts, ids: list[str], rule_prefix: list[str] | None = None) -> list[dict[str, Any]]:
    """Rows of EDITS, by place in the batch and then by step."""
    order = sorted(range(len(texts.edits)), key=lambda number: texts.edits[number][0])
    rows = []
    for place, row in (texts.edits[number] for number in order):
        rule = row["rule"] if rule_prefix is None else f"{rule_prefix[place]}:{row['rule']}"
        rows.append({"id": ids[place], **row, "rule": rule})
    return rows
