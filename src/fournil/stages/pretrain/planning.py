"""From settings to a plan: the phases' rates, and which window every row of every step is."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fournil.core.context import Context
from fournil.core.errors import FournilError, nearest
from fournil.core.speech import tr, trn
from fournil.parts.tokenize.load import load as load_tokenizer
from fournil.parts.tokenize.special import language_token
from fournil.parts.train import schedule
from fournil.parts.train.mixture import CODE, PARALLEL, Mixture, PhaseMixture, RanOut, Sampling
from fournil.parts.train.quotas import Rule
from fournil.parts.train.shares import phase_mixture
from fournil.parts.train.streams import Stream, document_streams, pair_streams, streams_by_group
from fournil.stages.pretrain.config import Config, Phase

SAID = 4
"""Sources that run out, of which as many are named on the screen; the record has all."""


def plan_phases(config: Config) -> list[PhaseMixture]:
    """Work out each phase's steps, batches and shares.

    Raises:
        FournilError: A phase cannot be had; the error names it.
    """
    found = []
    for number, phase in enumerate(config.phase):
        where = f"pretrain.phase[{number}]"
        found.append(phase_mixture(phase, where, {entry.source: entry.weight for entry in phase.source}))
        most = config.model.max_position_embeddings
        if most is not None and phase.context_length > most:
            raise FournilError(
                tr("rows of {length:,} tokens are longer than the model's context", length=phase.context_length),
                where=where,
                fix=tr("Set pretrain.model.max_position_embeddings to {length} or more.", length=phase.context_length),
            )
    return found


def plan_rates(config: Config, phases: Sequence[PhaseMixture]) -> list[schedule.Phase]:
    """The phases' learning rates, and the bases of their rotary positions."""
    return [
        schedule.Phase(
            steps=mixture.steps,
            rates=schedule.Rates(phase.matrix_rate, phase.embedding_rate, phase.unembedding_rate, phase.norm_rate),
            warmup_steps=round(phase.warmup * mixture.steps),
            decay_steps=_decay_steps(phase, mixture.steps),
            decay=phase.decay_shape,
            final_factor=phase.final_factor,
            rope_theta=phase.rope_theta,
        )
        for phase, mixture in zip(config.phase, phases, strict=True)
    ]


def _decay_steps(phase: Phase, steps: int) -> int:
    """What the decay lasts; where parts that make a whole are both rounded up, it gives the step that is too many."""
    decay_steps, rest = round(phase.decay * steps), steps - round(phase.warmup * steps)
    return min(decay_steps, rest) if phase.warmup + phase.decay <= 1.0 + 1e-9 else decay_steps


def plan_mixture(config: Config, phases: Sequence[PhaseMixture], tokenizer: Path, context: Context) -> Mixture:
    """Work out which window every row of every step is.

    Args:
        config: Of the stage.
        phases: As planned from it.
        tokenizer: The tokenizer stage's folder.
        context: Languages and seed.

    Raises:
        FournilError: A setting names what is not there, or there is too little text.
    """
    vocabulary = load_tokenizer(tokenizer / "tokenizer")
    named = {language: vocabulary.token_to_id(language_token(language)) for language in context.languages}
    tokens = {language: number for language, number in named.items() if number is not None}
    streams = document_streams(tokenizer / "shards" / "train-documents")
    if any(phase.parallel or phase.parallel_end for phase in config.phase):
        folder = tokenizer / "shards" / "train-pairs"
        streams += pair_streams(folder, tokens, context.seed, max_tokens=config.max_pair_tokens)
    _refuse_unknown(config, streams, context.languages)
    return Mixture(streams_by_group(streams), phases, context.languages, context.seed, sampling_of(config))


def sampling_of(config: Config) -> Sampling:
    """How rows are divided, as the mixture takes it."""
    how = config.sampling
    return Sampling(
        max_epochs=config.max_epochs,
        sources=Rule(how.sources, how.source_temperature),
        weights={entry.source: entry.weight for entry in config.source},
        caps={entry.source: entry.max_epochs for entry in config.source if entry.max_epochs is not None},
        languages=None if how.languages == "equal" else Rule(how.languages, how.language_temperature),
        language_weights={entry.language: entry.weight for entry in config.language},
    )


def warnings(mixture: Mixture) -> list[str]:
    """Sentences for who bakes: which sources run out, and what becomes of the rows that they were to give."""
    said = [_ran_out(entry, len(mixture.phases) > 1) for entry in mixture.ran_out[:SAID]]
    more = len(mixture.ran_out) - SAID
    if more > 0:
        said.append(
            trn("{count:,} more source gives all that it may.", "{count:,} more sources give all that they may.", more)
        )
    return said


def mixture_facts(mixture: Mixture, config: Config) -> list[dict[str, Any]]:
    """The plan for the record, by phase: its steps and batches, rows by group, tokens by source, what runs out."""
    facts = []
    for number, (phase, shares) in enumerate(zip(mixture.phases, mixture.shares, strict=True)):
        sources = [
            {"group": group, "source": stream.source, "tokens": rows * phase.context_length}
            for group, seen in sorted(mixture.rows_seen[number].items())
            for stream, rows in zip(mixture.groups[group], seen, strict=True)
            if rows
        ]
        fact: dict[str, Any] = {
            "steps": phase.steps,
            "tokens": phase.tokens,
            "context_length": phase.context_length,
            "batch_rows": [*([list(one) for one in phase.ramp]), [phase.steps - _ramp_steps(phase), phase.rows]],
            "rows_by_group": shares.before(phase.steps),
            "tokens_by_source": sources,
            "ran_out": [
                {
                    "group": entry.group,
                    "source": entry.source,
                    "asked_tokens": entry.asked_tokens,
                    "given_tokens": entry.given_tokens,
                    "epochs": entry.epochs,
                }
                for entry in mixture.ran_out
                if entry.phase == number
            ],
        }
        theta = config.phase[number].rope_theta
        facts.append(fact if theta is None else {**fact, "rope_theta": theta})
    return facts


def _ramp_steps(phase: PhaseMixture) -> int:
    return sum(steps for steps, _ in phase.ramp)


def _ran_out(entry: RanOut, several: bool) -> str:
    values = {
        "source": entry.source,
        "group": entry.group,
        "given": entry.given_tokens,
        "asked": entry.asked_tokens,
        "epochs": entry.epochs,
        "phase": entry.phase + 1,
    }
    if several:
        return tr(
            "Phase {phase}: {source} ({group}) gives {given:,} tokens in place of {asked:,}, for it has then been read "
            "{epochs:.3g} times; others of {group} give the rest.",
            **values,
        )
    return tr(
        "{source} ({group}) gives {given:,} tokens in place of {asked:,}, for it has then been read {epochs:.3g} "
        "times; others of {group} give the rest.",
        **values,
    )


def _refuse_unknown(config: Config, streams: Sequence[Stream], languages: Sequence[str]) -> None:
    """Refuse settings that name a source or a language that is not there, or leave out one that must be named."""
    known = sorted({stream.source for stream in streams})
    entries = [("pretrain.source", entry.source) for entry in config.source]
    entries += [
        (f"pretrain.phase[{number}].source", entry.source)
        for number, phase in enumerate(config.phase)
        for entry in phase.source
    ]
    for where, source in entries:
        if source not in known:
            guess = nearest(source, known)
            raise FournilError(
                tr("no text of source {source!r}", source=source),
                where=where,
                fix=tr("Did you mean {guess}?", guess=guess)
                if guess
                else tr("There is {names}.", names=", ".join(known)),
            )
    for entry in config.language:
        if entry.language not in languages:
            raise FournilError(
                tr("{language!r} is none of the recipe's languages", language=entry.language),
                where="pretrain.language",
                fix=tr("There is {names}.", names=", ".join(languages)),
            )
    if config.sampling.languages == "weights":
        _refuse_without_weight(languages, {entry.language for entry in config.language}, "pretrain.language")
    if config.sampling.sources == "weights":
        for group, members in streams_by_group(streams).items():
            if len(members) > 1 and _is_read(config, group):
                weighed = {entry.source for entry in config.source}
                _refuse_without_weight([stream.source for stream in members], weighed, "pretrain.source")


def _is_read(config: Config, group: str) -> bool:
    if group == CODE:
        return any(phase.code for phase in config.phase)
    return group != PARALLEL or any(phase.parallel or phase.parallel_end for phase in config.phase)


def _refuse_without_weight(names: Sequence[str], weighed: set[str], where: str) -> None:
    missing = [name for name in names if name not in weighed]
    if missing:
        raise FournilError(
            tr("{name!r} has no weight, and rows are divided by weights alone", name=missing[0]),
            where=where,
            fix=tr("Give it one; 0 leaves it out."),
        )
