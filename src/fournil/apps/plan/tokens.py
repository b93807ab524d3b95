"""From bytes to tokens to epochs: how much text is there, how much is kept, how often training reads it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from fournil.apps.plan.order import CODE, PARALLEL, UNKNOWN, Order, Text
from fournil.parts.train.quotas import Rule, quotas_under_cap, whole_quotas
from fournil.parts.train.shares import PhaseMixture, Shares, phase_mixture

PASSED_DOCUMENTS, PASSED_PAIRS = 0.955, 0.95
"""Parts of the bytes of software documentation and of program messages that curation does not refuse."""

BYTES_PER_TOKEN = {
    1_024: {"fr": 2.46, "en": 2.39, "code": 2.04, "parallel": 2.34},
    2_048: {"fr": 2.67, "en": 2.56, "code": 2.58, "parallel": 2.69},
    32_000: {"fr": 4.15, "en": 3.59, "code": 2.59, "parallel": 3.18},
}
"""Vocabulary → group → bytes of a token. The first two were measured on our own loaves (mie, petit), the last is what
the sizes and tokens published for CroissantLLM's data come to. Between them: in a straight line over the logarithm of
the vocabulary; beyond them: as at the end."""


@dataclass(frozen=True)
class SourceRow:
    """What one source gives."""

    text: Text
    kept_bytes: float | None
    """Bytes left for training; None: not known."""
    tokens: float | None
    """Tokens left for training; None: not known."""
    tokens_seen: float = 0.0
    """Tokens that training reads of it."""

    @property
    def epochs(self) -> float | None:
        """How often training reads it; None: not known."""
        return self.tokens_seen / self.tokens if self.tokens else None


@dataclass(frozen=True)
class GroupRow:
    """What one group of text gives: a language, code, or pairs."""

    group: str
    tokens: float | None
    """Tokens left for training; None where a source's size is not known."""
    tokens_seen: float
    share: float
    """Its part of all tokens that training reads."""

    @property
    def epochs(self) -> float | None:
        """How often training reads it; None: not known."""
        return self.tokens_seen / self.tokens if self.tokens else None


@dataclass(frozen=True)
class TokenTable:
    """Tokens by source and by group."""

    sources: tuple[SourceRow, ...]
    groups: tuple[GroupRow, ...]
    tokens_seen: float
    """Of all training from nothing."""
    ran_out: tuple[str, ...] = ()
    """Sources that give less than their share, because they may not be read more often."""


def token_table(order: Order) -> TokenTable:
    """Lay out how much text there is, and how often it is read.

    Raises:
        FournilError: The recipe's mixture cannot be had (shares above one, rows that do not divide).
    """
    rows = [_source(text, order) for text in order.texts]
    pretrain = order.config_of("pretrain")
    if pretrain is None:
        return TokenTable(tuple(rows), (), 0.0)
    seen: dict[str, float] = {}
    by_row = [0.0] * len(rows)
    division = _Division(rows, pretrain, order.languages)
    for number in range(len(pretrain.phase)):
        mixture = mixture_of_phase(pretrain, number)
        for group, tokens in division.of_groups(mixture).items():
            seen[group] = seen.get(group, 0.0) + tokens
            for place, part in division.of_sources(group, tokens, mixture).items():
                by_row[place] += part
    total = sum(seen.values())
    rows = [SourceRow(r.text, r.kept_bytes, r.tokens, part) for r, part in zip(rows, by_row, strict=True)]
    groups = []
    for group in dict.fromkeys([*order.languages, PARALLEL, CODE, *(row.text.group for row in rows)]):
        ours = [row for row in rows if row.text.group == group]
        if group == UNKNOWN or not (ours or seen.get(group)):
            continue
        # Text whose language is found later may be of any language: then no group's sum is known.
        floating = group in order.languages and any(row.text.group == UNKNOWN for row in rows)
        known = not floating and all(row.tokens is not None for row in ours)
        tokens = sum(row.tokens or 0.0 for row in ours) if known else None
        groups.append(GroupRow(group, tokens, seen.get(group, 0.0), seen.get(group, 0.0) / total if total else 0.0))
    return TokenTable(tuple(rows), tuple(groups), total, tuple(sorted(division.ran_out)))


def mixture_of_phase(pretrain: Any, number: int) -> PhaseMixture:  # noqa: ANN401 - the stage's settings
    """Return the steps, batches and shares of a phase of training, as training works them out.

    Raises:
        FournilError: The phase cannot be had.
    """
    phase = pretrain.phase[number]
    weights = {entry.source: entry.weight for entry in phase.source}
    return phase_mixture(phase, f"pretrain.phase[{number}]", weights)


def bytes_per_token(order: Order, group: str) -> float | None:
    """Return the bytes of a token of some group; None where the recipe has no tokenizer."""
    if group in order.bytes_per_token:
        return order.bytes_per_token[group]
    if order.settings.bytes_per_token is not None:
        return order.settings.bytes_per_token
    tokenizer = order.config_of("tokenizer")
    if tokenizer is None:
        return None
    sizes = sorted(BYTES_PER_TOKEN)
    place = math.log(min(max(tokenizer.vocab_size, sizes[0]), sizes[-1]))
    upper = next(size for size in sizes if math.log(size) >= place)
    lower = max([size for size in sizes if math.log(size) <= place], default=upper)
    width = math.log(upper) - math.log(lower)
    part = (place - math.log(lower)) / width if width else 0.0
    low, high = (_typical(size, group) for size in (lower, upper))
    return low + part * (high - low)


def _typical(size: int, group: str) -> float:
    table = BYTES_PER_TOKEN[size]
    return table.get(group, (table["fr"] + table["en"]) / 2)


def _source(text: Text, order: Order) -> SourceRow:
    kept = text.kept_bytes
    part = 1.0 if order.config_of("curate") is None else _kept_part(text, order)
    if kept is None and text.num_bytes is not None:
        kept = text.num_bytes * part
    if text.num_tokens is not None and text.kept_bytes is None:
        return SourceRow(text, kept, text.num_tokens * part)
    size = bytes_per_token(order, text.group)
    return SourceRow(text, kept, None if kept is None or size is None else kept / size)


def _kept_part(text: Text, order: Order) -> float:
    pairs = text.group == PARALLEL
    heldout = order.config_of("curate").heldout
    least = heldout.min_pairs if pairs else heldout.min_documents
    others = sum(other.number or 0.0 for other in order.texts if other.group == PARALLEL) if pairs else text.number
    floor = min(0.5, least / others) if others and heldout.share else 0.0
    passed = order.settings.kept_share
    if passed is None:
        passed = PASSED_PAIRS if pairs else PASSED_DOCUMENTS
    return passed * (1.0 - max(heldout.share, floor))


class _Division:
    """Tokens divided among languages and sources as training divides them, phase after phase."""

    def __init__(self, rows: Sequence[SourceRow], pretrain: Any, languages: tuple[str, ...]) -> None:  # noqa: ANN401
        self.rows, self.pretrain, self.languages = rows, pretrain, languages
        self.weights = {entry.source: entry.weight for entry in pretrain.source}
        self.language_weights = {entry.language: entry.weight for entry in pretrain.language}
        self.ran_out: set[str] = set()
        own = {entry.source: entry.max_epochs for entry in pretrain.source if entry.max_epochs is not None}
        self.left = [Fraction(own.get(row.text.key, pretrain.max_epochs)) * round(row.tokens or 0.0) for row in rows]

    def of_groups(self, mixture: PhaseMixture) -> dict[str, float]:
        """Tokens that each group gives in a phase."""
        how = self.pretrain.sampling
        rule = None if how.languages == "equal" else Rule(how.languages, how.language_temperature)
        shares = Shares(mixture, self.languages, rule and (lambda rows: self._of_languages(rows, mixture, rule)))
        before = shares.before(mixture.steps)
        return {group: float(number * mixture.context_length) for group, number in before.items() if number}

    def of_sources(self, group: str, tokens: float, mixture: PhaseMixture) -> dict[int, float]:
        """Place of a row → tokens that the group's source gives; empty where a size is not known."""
        places = [place for place, row in enumerate(self.rows) if row.text.group == group and row.tokens]
        if not places or any(row.tokens is None for row in self.rows if row.text.group == group):
            return {}
        how = self.pretrain.sampling
        weights = {**self.weights, **mixture.weights}
        claims = Rule(how.sources, how.source_temperature).claims(
            [self.rows[place].tokens or 0.0 for place in places],
            [weights.get(self.rows[place].text.key, 1.0) for place in places],
        )
        found = quotas_under_cap(round(tokens), claims, [self.left[place] for place in places])
        total = sum(claims) or 1
        asked = [round(tokens) * claim / total for claim in claims]
        if found is None:  # more than max_epochs: training will refuse; the plan says how many it would be
            found = asked
        self.ran_out |= {
            self.rows[place].text.key
            for place, part, share in zip(places, found, asked, strict=True)
            if part == self.left[place] and share - part >= mixture.context_length
        }
        for place, part in zip(places, found, strict=True):
            self.left[place] = max(Fraction(0), self.left[place] - part)
        return {place: float(part) for place, part in zip(places, found, strict=True)}

    def _of_languages(self, rows: int, mixture: PhaseMixture, rule: Rule) -> list[int]:
        """How many of so many rows each language gives; alike where a size that the rule asks for is not known."""
        members = [[i for i, row in enumerate(self.rows) if row.text.group == name] for name in self.languages]
        sizes = [sum(self.rows[i].tokens or 0.0 for i in places) for places in members]
        weights = [self.language_weights.get(name, 1.0) for name in self.languages]
        if not all(sizes):
            sizes = [1.0] * len(sizes)
            room = [rows] * len(sizes)
        else:
            room = [math.floor(sum(self.left[i] for i in places) / mixture.context_length) for places in members]
        claims = rule.claims(sizes, weights)
        found = whole_quotas(rows, claims, room) or whole_quotas(rows, claims, [rows] * len(claims))
        return found or [rows, *[0] * (len(claims) - 1)]
