"""Does the model stick to the language? It goes on from 200 prompts in each, and what it wrote is looked at.

The protocol is docs/fidelity.md; EDITION is raised when it, or a prompt, changes.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fournil.core.files import canonical_hash
from fournil.core.languages import name_of
from fournil.core.progress import Progress
from fournil.core.speech import tr
from fournil.parts.model.generate import Sampling
from fournil.parts.scoring import Scorer
from fournil.parts.statistics import Value, bootstrapped, resample_weights, share
from fournil.stages.evaluate.fidelity.dialogue import KEPT, LOST, NO_TURN
from fournil.stages.evaluate.fidelity.prompts import ASKED, DIALOGUE, KINDS, LANGUAGES, Prompt, prompts
from fournil.stages.evaluate.fidelity.sentences import MIN_CONFIDENCE, MIN_LETTERS, SHORT, UNCLEAR
from fournil.stages.evaluate.fidelity.signs import CODE, LATEX
from fournil.stages.evaluate.fidelity.verdict import Verdict, verdict
from fournil.stages.evaluate.result import MODEL, Item

TASK = "fidelity"
EDITION = "1"

TEMPERATURE, TOP_P = 0.8, 0.95
MAX_NEW_TOKENS = 64
"""That a model writes at most; no more than half its window."""

STICKS, UNTOLD, DRIFTS, SIGNS = "sticks", "untold", "drifts", "code_or_latex"
SENTENCES, FORMAT = "sentences_in_language", "keeps_format"
ALL = "all"

NUM_EXAMPLES = 2
"""Continuations of each kind that the record shows."""
NUM_DEPARTURES = 4
"""Of those that did not stick, beside them."""


@dataclass(frozen=True)
class Fidelity:
    """What came of it."""

    facts: dict[str, Any]
    """By language: counts, where drift begins, examples."""
    rows: list[dict[str, Any]]
    """Scores."""
    items: dict[str, list[Item]]
    """By language, one for each prompt, for the comparison of two models."""


def run_fidelity(
    scorer: Scorer,
    languages: Sequence[str],
    *,
    seed: int,
    progress: Progress,
    model_sha256: str = "",
    num_bootstrap: int = 1000,
) -> Fidelity:
    """Let a model go on from the prompts and judge what it writes.

    Args:
        scorer: The model. One with a chat template is asked the questions and for the translations through it, unless
            it answers single messages only, as translators do.
        languages: Those to look at; languages without prompts are passed over.
        seed: Of the sampling.
        progress: Shows how far it is.
        model_sha256: Stands in the rows.
        num_bootstrap: Resamples behind the intervals of shares of sentences.
    """
    found = Fidelity({}, [], {})
    for language in (language for language in LANGUAGES if language in languages):
        chosen = prompts(language)
        title = tr("Going on from prompts in {language}", language=name_of(language))
        with progress.task(title, len(chosen), tr("prompts")) as bar:
            verdicts = _written(scorer, chosen, seed, bar.advance)
        data_sha256 = canonical_hash([prompt.sha256 for prompt in chosen])
        known = {"data_sha256": data_sha256, "model_sha256": model_sha256, "seed": seed}
        found.rows.extend(_rows(verdicts, language, known, num_bootstrap))
        found.items[language] = [
            Item(number, verdict.prompt.sha256, verdict.values, verdict.details)
            for number, verdict in enumerate(verdicts)
        ]
        found.facts[language] = {
            "edition": EDITION,
            "seed": seed,
            "temperature": TEMPERATURE,
            "top_p": TOP_P,
            "max_new_tokens": _room(scorer),
            "asked": "chat" if _asks(scorer) else "text",
            "min_letters": MIN_LETTERS,
            "min_confidence": MIN_CONFIDENCE,
            "data_sha256": data_sha256,
            **_described(verdicts),
            "examples": _examples(verdicts, seed),
        }
    return found


def _asks(scorer: Scorer) -> bool:
    chat = scorer.engine.chat
    return chat is not None and not chat.single_turn


def _room(scorer: Scorer) -> int:
    return max(1, min(MAX_NEW_TOKENS, scorer.engine.context_length // 2))


def _written(scorer: Scorer, chosen: Sequence[Prompt], seed: int, advance: Callable[[int], None]) -> list[Verdict]:
    room, sampling = _room(scorer), Sampling(TEMPERATURE, TOP_P, seed=seed)
    asks = _asks(scorer)
    asked = [prompt for prompt in chosen if asks and prompt.kind in ASKED]
    continued = [prompt for prompt in chosen if prompt not in asked]
    judged: dict[str, Verdict] = {}
    answers = scorer.generate(
        [prompt.framed for prompt in continued],
        stops=[()] * len(continued),
        max_new_tokens=room,
        advance=advance,
        sampling=sampling,
    )
    for prompt, answer in zip(continued, answers, strict=True):
        cut = answer.num_tokens >= room
        judged[prompt.id] = verdict(prompt, answer.text, cut=cut, asked=False, truncated=answer.truncated)
    if asked:
        engine = scorer.engine
        assert engine.chat is not None
        ids = [engine.chat.encode([{"role": "user", "content": prompt.text}]) for prompt in asked]
        fitting = engine.context_length - room
        told = engine.generate(
            [row[-fitting:] for row in ids],
            stop_ids=engine.chat.stop_ids | engine.stop_ids,
            max_new_tokens=room,
            sampling=sampling,
        )
        texts = engine.tokenizer.decode_batch(told, skip_special_tokens=True)
        for prompt, row, new, text in zip(asked, ids, told, texts, strict=True):
            cut, truncated = len(new) >= room, len(row) > fitting
            judged[prompt.id] = verdict(prompt, text, cut=cut, asked=True, truncated=truncated)
        advance(len(asked))
    return [judged[prompt.id] for prompt in chosen]


def _rows(
    verdicts: Sequence[Verdict], language: str, known: dict[str, Any], num_bootstrap: int
) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []

    def add(metric: str, group: str, num_items: int, value: Value, *, higher_is_better: bool = True) -> None:
        rows.append(
            {
                "kind": TASK,
                "task": TASK,
                "edition": EDITION,
                "metric": metric,
                "language": language,
                "group": group,
                **known,
                "num_items": num_items,
                "higher_is_better": higher_is_better,
                "main": metric == STICKS and group == ALL,
                "system": MODEL,
                "checkpoint": None,
                **value.fields(),
            }
        )

    for group in (ALL, *KINDS):
        part = [verdict for verdict in verdicts if group in (ALL, verdict.prompt.kind)]
        num = len(part)
        add(STICKS, group, num, share(sum(verdict.sticks for verdict in part), num))
        add(UNTOLD, group, num, share(sum(verdict.untold for verdict in part), num), higher_is_better=False)
        drifted = share(sum(verdict.drift is not None for verdict in part), num)
        add(DRIFTS, group, num, drifted, higher_is_better=False)
        signs = share(sum(verdict.count(CODE, LATEX) > 0 for verdict in part), num)
        add(SIGNS, group, num, signs, higher_is_better=False)
        sums_NK = np.array([[verdict.num_own, verdict.num_judged] for verdict in part], dtype=float)
        own, total = sums_NK.sum(axis=0).tolist()
        if total:
            own_S, total_S = (resample_weights(num, num_bootstrap, seed=0) @ sums_NK).T
            # A resample may hold prompts alone that had nothing to judge.
            value = bootstrapped(own / total, own_S[total_S > 0] / total_S[total_S > 0])
            add(SENTENCES, group, num, value)
        if group == DIALOGUE:
            kept = sum(verdict.form is not None and verdict.form.state == KEPT for verdict in part)
            add(FORMAT, group, num, share(kept, num))
    return rows


def _described(verdicts: Sequence[Verdict]) -> dict[str, Any]:
    language = verdicts[0].prompt.language
    drifted = [(verdict, verdict.drift) for verdict in verdicts if verdict.drift]
    begins = [piece.start for _, piece in drifted]
    shares = [piece.start / len(verdict.text) for verdict, piece in drifted]
    states = Counter(verdict.form.state for verdict in verdicts if verdict.form)
    return {
        "num_prompts": len(verdicts),
        "num_truncated": sum(verdict.truncated for verdict in verdicts),
        "groups": {
            group: _counts([verdict for verdict in verdicts if group in (ALL, verdict.prompt.kind)])
            for group in (ALL, *KINDS)
        },
        "languages": dict(
            Counter(
                piece.kind
                for verdict in verdicts
                for piece in verdict.pieces
                if piece.kind not in (SHORT, UNCLEAR, CODE, LATEX)
            ).most_common()
        ),
        "format": {"kept": states[KEPT], "lost": states[LOST], "no_turn": states[NO_TURN]},
        "drift": {
            "into": next(other for other in LANGUAGES if other != language),
            "num": len(drifted),
            "at_once": sum(not any(piece.kind == language for piece in verdict.pieces[: verdict.pieces.index(first)])
                           for verdict, first in drifted),
            "median_characters": float(np.median(begins)) if begins else None,
            "median_share": float(np.median(shares)) if shares else None,
        },
    }  # fmt: skip


def _counts(verdicts: Sequence[Verdict]) -> dict[str, Any]:
    return {
        "num": len(verdicts),
        "sticks": sum(verdict.sticks for verdict in verdicts),
        "leaves": sum(verdict.leaves for verdict in verdicts),
        "drifts": sum(verdict.num_other > 0 for verdict in verdicts),
        "third": sum(verdict.num_third > 0 for verdict in verdicts),
        "code": sum(verdict.count(CODE) > 0 for verdict in verdicts),
        "latex": sum(verdict.count(LATEX) > 0 for verdict in verdicts),
        "untold": sum(verdict.untold for verdict in verdicts),
        "sentences": {
            "own": sum(verdict.num_own for verdict in verdicts),
            "other": sum(verdict.num_other for verdict in verdicts),
            "third": sum(verdict.num_third for verdict in verdicts),
            **{kind: sum(verdict.count(kind) for verdict in verdicts) for kind in (UNCLEAR, SHORT, CODE, LATEX)},
        },
    }


def _examples(verdicts: Sequence[Verdict], seed: int) -> list[dict[str, Any]]:
    """Some of each kind, drawn by the seed, and some of those that did not stick."""

    def drawn(among: Sequence[Verdict]) -> list[Verdict]:
        return sorted(among, key=lambda verdict: hashlib.sha256(f"{seed}\0{verdict.prompt.id}".encode()).digest())

    shown: list[Verdict] = []
    for kind in KINDS:
        shown += drawn([verdict for verdict in verdicts if verdict.prompt.kind == kind])[:NUM_EXAMPLES]
    left = [verdict for verdict in verdicts if verdict.leaves and verdict not in shown]
    return [verdict.details for verdict in [*shown, *drawn(left)[:NUM_DEPARTURES]]]
