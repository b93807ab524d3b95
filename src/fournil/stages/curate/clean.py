"""What happens to texts one by one: normalised, masked, their language found, their cookie lines cut.

Documents and the sides of pairs go the same way, as batches of strings.
"""

import re
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from fournil.core.languages import Language
from fournil.parts.text.arrow import matches
from fournil.parts.text.codepoints import CodePoints, decode, utf8_bytes
from fournil.parts.text.normalise import normalise, replace
from fournil.parts.text.personal_data import MARKS, find_personal_data, mask, may_hold_personal_data
from fournil.stages.curate.config import Config

NORMALISE, PERSONAL_DATA, BOILERPLATE = "normalise", "personal-data", "boilerplate"


@dataclass
class Texts:
    """A batch of texts on its way through the steps that change them."""

    values: pa.Array
    points: CodePoints
    edits: list[tuple[int, dict[str, Any]]] = field(default_factory=list)
    """Place in the batch, and a row of EDITS without its id."""

    num_changes: dict[str, int] = field(default_factory=dict)
    """How many changes by "step/rule"."""

    @classmethod
    def of(cls, values: pa.Array) -> "Texts":
        """Begin with strings as they came."""
        return cls(values, decode(values))

    @property
    def num_bytes(self) -> np.ndarray:
        """UTF-8 bytes of each text."""
        return np.diff(utf8_bytes(self.values)[1])

    def _take(self, new: dict[int, str]) -> None:
        if new:
            self.values = replace(self.values, new)
            self.points = decode(self.values)

    def _changed(self, step: str, rule: str, count: int) -> None:
        key = f"{step}/{rule}"
        self.num_changes[key] = self.num_changes.get(key, 0) + count

    def normalise(self, code: np.ndarray) -> None:
        """Make Unicode regular; one edit a text and rule, from the first change to the last."""
        values, changed = normalise(self.values, self.points, code=code)
        for place, edits in changed.items():
            for edit in edits:
                self._changed(NORMALISE, edit.rule, edit.num)
                row = {"rule": edit.rule, "start": edit.start, "end": edit.end, "was": edit.was, "now": edit.now}
                self.edits.append((place, {"step": NORMALISE, **row}))
        if changed:
            self.values, self.points = values, decode(values)

    def mask(self, config: Config, languages: list[Language]) -> None:
        """Put marks in place of personal data; the edits never say what stood there."""
        if not config.personal_data.kinds:
            return
        new: dict[int, str] = {}
        for place, kinds in may_hold_personal_data(self.values, kinds=config.personal_data.kinds).items():
            text = self.values[place].as_py()
            found = find_personal_data(text, languages=languages, kinds=kinds)
            for item in found:
                self._changed(PERSONAL_DATA, item.kind, 1)
                row = {"rule": item.kind, "start": item.start, "end": item.end, "was": None, "now": MARKS[item.kind]}
                self.edits.append((place, {"step": PERSONAL_DATA, **row}))
            if found:
                new[place] = mask(text, found)
        self._take(new)

    def cut_boilerplate(self, wanted: np.ndarray, languages: list[Language]) -> None:
        """Cut the lines of cookie banners and policies from the texts wanted."""
        phrases = [re.escape(phrase) for each in languages for phrase in each.boilerplate]
        if not phrases or not wanted.any():
            return
        union = "|".join(sorted(set(phrases)))
        maybe = matches(self.values, f"(?i){union}")
        line = re.compile(rf"^.*(?:{union}).*\n?", re.IGNORECASE | re.MULTILINE)
        new: dict[int, str] = {}
        for place in np.flatnonzero(maybe & wanted).tolist():
            text = self.values[place].as_py()
            for match in line.finditer(text):
                self._changed(BOILERPLATE, "policy-line", 1)
                row = {
                    "rule": "policy-line",
                    "start": match.start(),
                    "end": match.end(),
                    "was": match.group(),
                    "now": "",
                }
                self.edits.append((place, {"step": BOILERPLATE, **row}))
            new[place] = line.sub("", text).rstrip("\n")
        self._take(new)


def edit_rows(texts: Texts, ids: list[str], rule_prefix: list[str] | None = None) -> list[dict[str, Any]]:
    """Rows of EDITS, by place in the batch and then by step."""
    order = sorted(range(len(texts.edits)), key=lambda number: texts.edits[number][0])
    rows = []
    for place, row in (texts.edits[number] for number in order):
        rule = row["rule"] if rule_prefix is None else f"{rule_prefix[place]}:{row['rule']}"
        rows.append({"id": ids[place], **row, "rule": rule})
    return rows
