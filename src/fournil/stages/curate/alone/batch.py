"""A slice of documents on its way through the steps that look at one document alone."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa

from fournil.core.document import DOCUMENTS, REFUSED_DOCUMENTS
from fournil.core.languages import CODE, Language, known_languages, language, primary
from fournil.parts.text.normalise import replace
from fournil.parts.text.scan import Scan
from fournil.stages.curate.alone.texts import Texts, edit_rows, texts_of
from fournil.stages.curate.alone.verdicts import Verdict, with_verdicts
from fournil.stages.curate.chunks import Chunk
from fournil.stages.curate.config import Config
from fournil.stages.curate.names import NORMALISE

_NO_LANGUAGE = ("", "und", "mul", "mis")
"""Tags of ISO 639 that name none: undetermined, several, one without a code."""


@dataclass
class Batch:
    """About a megabyte of documents, one document at least."""

    rows: pa.RecordBatch
    """As they came."""

    config: Config
    languages: tuple[str, ...]
    """Of the run."""

    prepared: Mapping[str, Path]
    """What a step made once for the whole run, by the step's name."""

    described: list[Language]
    """Those of the run's languages that Fournil knows."""

    texts: Texts
    """As they stand now."""

    large: dict[int, str]
    """Texts that are too large to be worked on, by place; they are empty in `texts`."""

    ids: list[str]
    sources: list[str]
    categories: list[str | None]
    declared: list[str | None]
    """The language that each names."""

    is_code: np.ndarray
    tags: list[str | None]
    """Each one's language; as declared until the step `language` is done."""

    verdicts: dict[int, Verdict] = field(default_factory=dict)
    arrays: dict[str, np.ndarray] = field(default_factory=dict)
    """What is kept for the steps that compare rows: equal-length arrays, one entry a row."""

    shingles: np.ndarray = field(default_factory=lambda: np.zeros(0, np.uint64))
    """Runs of five words, end to end; arrays["shingle_counts"] says how many each text has."""

    @classmethod
    def of(
        cls, rows: pa.RecordBatch, config: Config, languages: tuple[str, ...], prepared: Mapping[str, Path]
    ) -> "Batch":
        """Begin with rows as they came; texts that are too large are refused here."""
        declared = [_named(tag) for tag in rows.column("language").to_pylist()]
        categories = rows.column("category").to_pylist()
        texts, bytes_in, large = texts_of(rows.column("text"), config.max_text_bytes)
        batch = cls(
            rows,
            config,
            languages,
            prepared,
            [language(tag) for tag in languages if primary(tag) in known_languages()],
            texts,
            large,
            rows.column("id").to_pylist(),
            rows.column("source").to_pylist(),
            categories,
            declared,
            np.array([CODE in (each, category) for each, category in zip(declared, categories, strict=True)], bool),
            list(declared),
            arrays={"bytes_in": bytes_in},
        )
        for place in large:
            batch.refuse(place, NORMALISE, "too-large", bytes_in[place], config.max_text_bytes)
        return batch

    def __len__(self) -> int:
        return len(self.ids)

    def refuse(
        self,
        place: int,
        step: str,
        rule: str,
        value: object = None,
        bound: object = None,
        spans: tuple[tuple[int, int], ...] | None = None,
    ) -> None:
        """Refuse a document, unless an earlier step did.

        Args:
            place: In the batch.
            step: Whose rule it is.
            rule: The reason's name.
            value: What was found.
            bound: What is allowed.
            spans: Where in the text, in code points.
        """
        self.verdicts.setdefault(place, Verdict(step, rule, _said(value), _said(bound), spans))

    def scan(self) -> Scan:
        """Words, lines, figures and function words by language of all texts as they stand now, found in one pass.

        A text whose language nobody named yet is read as the run's first language.
        """
        first = self.languages[0] if self.languages else None
        codes = self.is_code.tolist()
        return self.texts.scan([CODE if code else tag or first for tag, code in zip(self.tags, codes, strict=True)])

    def alive(self) -> np.ndarray:
        """True for documents that no step refused so far."""
        alive = np.ones(len(self), bool)
        alive[list(self.verdicts)] = False
        return alive

    def chunk(self) -> Chunk:
        """What is kept of the slice."""
        columns = {name: self.rows.column(name) for name in DOCUMENTS.names}
        columns["text"] = replace(self.texts.values, self.large)
        tags = [CODE if code else tag for tag, code in zip(self.tags, self.is_code.tolist(), strict=True)]
        columns["language"] = pa.array(tags, pa.string())
        rows = with_verdicts(pa.table(columns), REFUSED_DOCUMENTS, self.verdicts)
        return Chunk(rows, edit_rows(self.texts, self.ids), self.arrays, self.shingles, self.texts.num_changes)


def _named(tag: str | None) -> str | None:
    """The language that a tag names; None for one that says that nobody knows, or that it is several."""
    return None if tag is None or primary(tag) in _NO_LANGUAGE else tag


def _said(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return f"{value:.6g}" if isinstance(value, float) else str(value)
