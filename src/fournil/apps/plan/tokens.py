"""From bytes to tokens to epochs: how much text is there, how much is kept, how often training reads it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from fournil.apps.plan.order import CODE, PARALLEL, UNKNOWN, Order, Text

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
    left: dict[int, Fraction] = {}
    for phase in pretrain.phase:
        for group, tokens in _tokens_of_phase(phase, order.languages).items():
            seen[group] = seen.get(group, 0.0) + tokens
            for number, part in _divided(group, tokens, rows, pretrain, left).items():
                by_row[number] += part
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
    return TokenTable(tuple(rows), tuple(groups), total)


def steps_of_phase(phase: Any) -> int:  # noqa: ANN401 - a phase's settings
    """Return the steps of a phase of training, however it says them."""
    return phase.steps or math.ceil(phase.tokens / phase.batch_tokens)


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


def _tokens_of_phase(phase: Any, languages: tuple[str, ...]) -> dict[str, float]:  # noqa: ANN401
    from fournil.parts.train.mixture import PhaseMixture, Shares

    rows = phase.batch_tokens // phase.context_length
    mixture = PhaseMixture(steps_of_phase(phase), rows, phase.context_length, phase.code, phase.parallel)
    before = Shares(mixture, languages).before(mixture.steps)
    return {group: float(number * phase.context_length) for group, number in before.items() if number}


def _divided(
    group: str,
    tokens: float,
    rows: list[SourceRow],
    pretrain: Any,  # noqa: ANN401
    left: dict[int, Fraction],
) -> dict[int, float]:
    """Divide a group's tokens among its sources as training does: by weighted size, none above max_epochs.

    Returns:
        Place of a row → tokens read of it; empty where a size is not known.
    """
    from fournil.parts.train.mixture import quotas_under_cap

    weights = {entry.source: entry.weight for entry in pretrain.source}
    places = [place for place, row in enumerate(rows) if row.text.group == group and row.tokens]
    if not places or any(row.tokens is None for row in rows if row.text.group == group):
        return {}
    sizes = {place: round((rows[place].tokens or 0.0) * weights.get(rows[place].text.key, 1.0)) for place in places}
    for place in places:
        left.setdefault(place, Fraction(pretrain.max_epochs) * round(rows[place].tokens or 0.0))
    room = [left[place] for place in places]
    found = quotas_under_cap(round(tokens), [max(1, sizes[place]) for place in places], room)
    if found is None:  # more than max_epochs: training will refuse; the plan says how many it would be
        total = sum(sizes.values()) or 1
        found = [Fraction(round(tokens) * sizes[place], total) for place in places]
    for place, part in zip(places, found, strict=True):
        left[place] = max(Fraction(0), left[place] - part)
    return {place: float(part) for place, part in zip(places, found, strict=True)}
