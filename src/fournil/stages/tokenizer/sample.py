"""Which text the vocabulary is learned from: fixed shares by language, documents drawn by a hash of their ids."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fournil.core.errors import FournilError
from fournil.core.languages import CODE
from fournil.core.speech import tr
from fournil.stages.tokenizer.config import MIXES, Config
from fournil.stages.tokenizer.rows import KINDS, read_rows

CODE_SHARE = 0.10


@dataclass(frozen=True)
class Sample:
    """Texts to learn from and how often each counts."""

    texts: list[str]
    times: list[int]
    table: list[dict[str, Any]]
    """What was taken: language, kind, available_bytes, taken_bytes, share of all that was taken."""

    def batches(self, size: int = 256) -> Iterator[list[str]]:
        """The texts, each as often as it counts, in batches."""
        for start in range(0, len(self.texts), size):
            stop = start + size
            pairs = zip(self.texts[start:stop], self.times[start:stop], strict=True)
            yield [text for text, times in pairs for _ in range(times)]


def shares_of(config: Config, languages: Sequence[str]) -> dict[str, float]:
    """The share of each language, checked.

    Raises:
        FournilError: When shares do not make 1, a language is named twice or is none of the run's, or the preset does
            not know one.
    """
    if not config.share and config.preset in MIXES:
        return _mix(MIXES[config.preset], config.preset, languages)
    if not config.share:
        return {CODE: CODE_SHARE} | {language: (1 - CODE_SHARE) / len(languages) for language in languages}
    shares = {entry.language: entry.share for entry in config.share}
    where = "tokenizer.share"
    if len(shares) != len(config.share):
        raise FournilError(tr("a language has two shares"), where=where, fix=tr("Give one share per language."))
    unknown = sorted(set(shares) - {*languages, CODE})
    if unknown:
        known = ", ".join((*languages, CODE))
        raise FournilError(
            tr("{language!r} is no language of this run", language=unknown[0]),
            where=where,
            fix=tr("Use one of: {known}.", known=known),
        )
    if any(share < 0 for share in shares.values()) or abs(sum(shares.values()) - 1) > 1e-6:
        raise FournilError(
            tr("the shares make {total:g}", total=sum(shares.values())), where=where, fix=tr("They must make 1.")
        )
    return shares


def _mix(weights: dict[str, float], preset: str, languages: Sequence[str]) -> dict[str, float]:
    """A preset's shares of the languages of a run."""
    missing = [language for language in languages if language not in weights]
    if missing:
        raise FournilError(
            tr("the preset {preset} says nothing of {language!r}", preset=preset, language=missing[0]),
            where="tokenizer.preset",
            fix=tr("Give a [[tokenizer.share]] for each language, or take another preset."),
        )
    kept = {language: weights[language] for language in (CODE, *languages)}
    return {language: weight / sum(kept.values()) for language, weight in kept.items()}


def draw(config: Config, curate: Path, languages: Sequence[str], seed: int) -> Sample:
    """Draw the training text.

    A language that has less text than its share counts up to `max_repeats` times; what is still missing then leaves
    its share smaller, and the table says so.

    Raises:
        FournilError: When there is no text in any of the languages.
    """
    shares = shares_of(config, languages)
    sizes, hashes, groups, names = _survey(curate, tuple(shares), seed)
    available = {name: int(sizes[groups == number].sum()) for number, name in enumerate(names)}
    if not any(available.values()):
        raise FournilError(
            tr("no text in any of {languages}", languages=", ".join(shares)),
            where=curate,
            fix=tr("Check the languages of the curated documents."),
        )
    wanted = _targets(config, shares, available)
    times = np.zeros(len(sizes), dtype=np.int64)
    cut: dict[int, int] = {}
    for number, name in enumerate(names):
        _take(wanted[name], np.flatnonzero(groups == number), sizes, hashes, times, cut)
    texts, counts = _collect(curate, set(shares), times, cut)
    taken = {name: int((sizes * times)[groups == number].sum()) for number, name in enumerate(names)}
    for row, size in cut.items():
        taken[names[groups[row]]] += size
    whole = sum(taken.values())
    table = [
        {
            "language": language,
            "kind": kind,
            "available_bytes": available[language, kind],
            "taken_bytes": taken[language, kind],
            "share": round(taken[language, kind] / whole, 4),
        }
        for language, kind in names
        if available[language, kind]
    ]
    return Sample(texts, counts, table)


def _survey(
    curate: Path, roles: Sequence[str], seed: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[tuple[str, str]]]:
    """Bytes, hash and group of each row in the languages asked for; the groups' names (language, kind)."""
    names = [(role, kind) for role in roles for kind in KINDS]
    position = {name: number for number, name in enumerate(names)}
    sizes: list[int] = []
    hashes: list[int] = []
    groups: list[int] = []
    for kind in KINDS:
        for rows in read_rows(curate, kind):
            for name, language, size in zip(rows.ids, rows.languages, rows.num_bytes, strict=True):
                if language in roles:
                    sizes.append(size)
                    hashes.append(_hash(name, seed))
                    groups.append(position[language, kind])
    return np.array(sizes, np.int64), np.array(hashes, np.uint64), np.array(groups, np.int32), names


def _hash(name: str, seed: int) -> int:
    return int.from_bytes(hashlib.blake2b(f"tokenizer {seed} {name}".encode(), digest_size=8).digest())


def _targets(
    config: Config, shares: dict[str, float], available: dict[tuple[str, str], int]
) -> dict[tuple[str, str], int]:
    """Bytes wanted of each group."""
    whole = min(config.max_train_mb * 1e6, sum(available.values()))
    wanted: dict[tuple[str, str], int] = {}
    for role, share in shares.items():
        documents, pairs = available[role, "documents"], available[role, "pairs"]
        part = config.pair_share if documents and pairs else float(documents == 0)
        for kind, fraction, has in (("documents", 1 - part, documents), ("pairs", part, pairs)):
            wanted[role, kind] = int(min(whole * share * fraction, has * config.max_repeats))
    return wanted


def _take(
    wanted: int, rows: np.ndarray, sizes: np.ndarray, hashes: np.ndarray, times: np.ndarray, cut: dict[int, int]
) -> None:
    """Take rows in the order of their hashes, over and over, until there are enough bytes; the last one is cut."""
    whole = int(sizes[rows].sum())
    if whole == 0:
        return
    passes, rest = divmod(wanted, whole)
    order = rows[np.lexsort((rows, hashes[rows]))]
    ends = np.cumsum(sizes[order])
    num_whole = int(np.searchsorted(ends, rest, side="right"))
    times[rows] += passes
    times[order[:num_whole]] += 1
    left = rest - (int(ends[num_whole - 1]) if num_whole else 0)
    if left:
        cut[int(order[num_whole])] = left


def _collect(curate: Path, roles: set[str], times: np.ndarray, cut: dict[int, int]) -> tuple[list[str], list[int]]:
    texts: list[str] = []
    counts: list[int] = []
    number = 0
    for kind in KINDS:
        for rows in read_rows(curate, kind):
            for language, text in zip(rows.languages, rows.texts, strict=True):
                if language not in roles:
                    continue
                if times[number]:
                    texts.append(text)
                    counts.append(int(times[number]))
                if number in cut:
                    texts.append(text.encode()[: cut[number]].decode(errors="ignore"))
                    counts.append(1)
                number += 1
    return texts, counts
