"""The stage's work: read pairs, plan examples, train, write the folder, say what came of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from fournil.core.context import Artifact, Context
from fournil.core.errors import FournilError
from fournil.core.files import write_bytes, write_json
from fournil.core.languages import name_of
from fournil.core.speech import Message, mark, tr, trn
from fournil.parts.model import folder as folders
from fournil.parts.model.score import bits_per_byte, token_log_probabilities
from fournil.parts.model.transformer import Llama
from fournil.parts.tokenize.load import load
from fournil.parts.tokenize.prompts import SINGLE_TURN, ChatFormat, begins_with_bos, chat_template
from fournil.parts.tokenize.special import EOS, IM_END, IM_START
from fournil.parts.train import schedule
from fournil.parts.train.curves import stretches
from fournil.parts.train.loop import TrainResult, TrainSettings, train
from fournil.parts.train.optimizer import OptimizerSettings
from fournil.stages.finetune.config import INSTRUCTIONS, Config
from fournil.stages.finetune.examples import Example, Examples, Maker
from fournil.stages.finetune.pairs import Pairs, drawn, read_pairs

BARE = " bare"
"""Ends the names of scores of pairs without the template."""


def finetune(config: Config, model_folder: Path, curated: Path, out: Path, context: Context) -> Artifact:
    """Run the stage; see `fournil.stages.finetune.run`."""
    _check(config, context.languages)
    tokenizer = load(model_folder)
    for token in (IM_START, IM_END):
        if tokenizer.token_to_id(token) is None:
            raise FournilError(
                tr("the tokenizer has no token {token}", token=token),
                where=model_folder,
                fix=tr("Start from a model of this tokenizer."),
            )
    model = folders.load(model_folder, device=context.device)
    bos = begins_with_bos(model_folder)
    chat = ChatFormat(
        tokenizer, chat_template(bos=bos is not None), bos_token=bos or "", begin_id=tokenizer.token_to_id(bos or "")
    )
    head, tail = chat.around()
    longest = max(len(words.text.encode()) for words in config.instructions) if config.instructions else 0
    common: dict[str, Any] = {
        "languages": context.languages,
        "max_characters": [band.max_characters for band in config.bands],
        "max_tokens": model.config.max_position_embeddings - len(head) - len(tail) - longest - 2,
        "tokenizer": tokenizer,
    }
    pairs, count = read_pairs(curated / "pairs", step="choose pairs", **common)
    chosen = _drawn_ids(curated / "heldout" / "pairs", config.validate_pairs, context.seed)
    heldout, _ = read_pairs(
        curated / "heldout" / "pairs", step="choose held-out pairs", keep=chosen.__contains__, **common
    )
    context.progress.note(
        trn(
            "{count:,} of {whole:,} pairs is short enough to learn from.",
            "{count:,} of {whole:,} pairs are short enough to learn from.",
            len(pairs.texts),
            whole=count.num_in,
        )
    )
    examples = Examples(Maker(pairs, chat), context.languages, config, context.seed)
    validation = Validation(heldout, chat, context, bare=config.bare_share > 0)
    result = train(
        model,
        examples.batch,
        _settings(config),
        out,
        context,
        validate=validation.score if validation.examples else None,
        keep=lambda model, folder: _write(model, model_folder, chat, folder),
        title=tr("Finetuning"),
    )
    _write(model, model_folder, chat, out)
    return Artifact([count], _facts(config, examples, heldout, result, context), result.measured)


class Validation:
    """Bits that the model needs for each byte of held-out translations, by direction.

    Args:
        heldout: The pairs.
        chat: How the model is spoken to.
        context: Languages, device.
        bare: Measure pairs without the template too, where the model is taught so at first.
    """

    def __init__(self, heldout: Pairs, chat: ChatFormat, context: Context, *, bare: bool) -> None:
        maker = Maker(heldout, chat)
        self.device = context.device
        self.examples: dict[int, list[tuple[str, Example, int]]] = {}
        """By first token, which is read and not scored."""
        for source, target, found in heldout.directions(context.languages):
            for pair in found:
                num_bytes = len(heldout.texts[pair][target].encode())
                for kind, example in (
                    ("", maker.chat_example(source, target, pair)),
                    (BARE, maker.bare_example(source, target, pair) if bare else None),
                ):
                    if example is not None:
                        like = self.examples.setdefault(int(example.ids[0]), [])
                        like.append((example.group + kind, example, num_bytes))

    def score(self, model: Llama) -> dict[str, float]:
        """Bits per byte of the answers, the end of the turn not counted."""
        sums: dict[str, list[float]] = {}
        for first, examples in self.examples.items():
            scores = token_log_probabilities(
                model,
                [example.ids[1:] for _, example, _ in examples],
                start_id=first,
                context_length=model.config.max_position_embeddings,
                device=self.device,
            )
            for (group, example, num_bytes), row in zip(examples, scores, strict=True):
                entry = sums.setdefault(group, [0.0, 0.0])
                entry[0] += float(row[example.num_prompt - 1 : -1].sum())
                entry[1] += num_bytes
        return {group: bits_per_byte(total, int(size)) for group, (total, size) in sorted(sums.items())}


def _check(config: Config, languages: Sequence[str]) -> None:
    bounds = [band.max_characters for band in config.bands]
    if not bounds or sorted(set(bounds)) != bounds:
        raise FournilError(
            tr("length bands must ascend"), where="finetune.bands", fix=tr("Give at least one, the shortest first.")
        )
    for words in config.instructions:
        if "{text}" not in words.text:
            raise FournilError(
                tr("no {{text}} in {text!r}", text=words.text),
                where="finetune.instructions",
                fix=tr("Say where the text goes."),
            )
        if words.to not in languages and words not in INSTRUCTIONS:
            raise FournilError(
                tr("{language!r} is none of the recipe's languages", language=words.to),
                where="finetune.instructions",
                fix=tr("The recipe's languages are {names}.", names=", ".join(languages)),
            )


def _settings(config: Config) -> TrainSettings:
    warmup = min(config.warmup_steps, config.steps // 4)
    decay = min(round(config.steps * config.decay_share), config.steps - warmup)
    phase = schedule.Phase(
        config.steps,
        schedule.Rates(**asdict(config.rates)),
        warmup_steps=warmup,
        decay_steps=decay,
        final_factor=config.final_factor,
    )
    return TrainSettings(
        phases=(phase,),
        optimizer=OptimizerSettings(
            momentum=config.momentum,
            newton_schulz_steps=config.newton_schulz_steps,
            max_gradient_norm=config.max_gradient_norm,
        ),
        log_every=config.log_every,
        validate_every=config.validate_every,
        checkpoint_seconds=config.checkpoint_seconds,
        keep_every=config.keep_every or 0,
        precision=config.precision,
    )


def _drawn_ids(folder: Path, num: int, seed: int) -> set[str]:
    from fournil.core.shards import read_batches

    names = [name for batch in read_batches(folder, columns=["id"]) for name in batch.column("id").to_pylist()]
    return set(sorted(names, key=lambda name: (drawn(seed, "validate", name), name))[:num])


def _write(model: Llama, origin: Path, chat: ChatFormat, out: Path) -> None:
    """A Hugging Face folder whose generation_config ends answers at the end of a turn and of a text."""
    ends = (chat.tokenizer.token_to_id(IM_END), chat.tokenizer.token_to_id(EOS))
    model.config = replace(model.config, eos_token_id=tuple(number for number in ends if number is not None))
    folders.save(model, out)
    for name in ("tokenizer.json", "tokenizer.model", "special_tokens_map.json", "added_tokens.json"):
        if (origin / name).is_file():
            write_bytes(out / name, (origin / name).read_bytes())
    path = origin / "tokenizer_config.json"
    config = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    write_json(out / "tokenizer_config.json", config | {"chat_template": chat.template, SINGLE_TURN: True})


def _facts(config: Config, examples: Examples, heldout: Pairs, result: TrainResult, context: Context) -> dict[str, Any]:
    seen = examples.seen()
    bounds = [band.max_characters for band in config.bands]
    last = result.validations[-1]["scores"] if result.validations else {}
    last = {group: value for group, value in last.items() if group in seen}
    return {
        "headline": mark(
            "{examples:,} examples in {steps:,} steps, pairs up to {characters} characters",
            examples=sum(seen.values()),
            steps=config.steps,
            characters=bounds[-1],
        ),
        "task": "translation",
        "template": "CroissantLLM (ChatML)",
        "pairs_by_length": [
            {
                "max_characters": band.max_characters,
                "weight": band.weight,
                "num_pairs": int((examples.maker.pairs.bands == number).sum()),
            }
            for number, band in enumerate(config.bands)
        ],
        "examples_seen": seen,
        "rounds": examples.rounds,
        "heldout_pairs": len(heldout.texts),
        "training": result.state,
        "losses": [
            {"step": line["step"], "tokens": line["tokens"], "by_group": means}
            for line, means in stretches(result.losses)
        ],
        "validations": [_as_taught(line, config) for line in result.validations],
        "bits_per_byte": last,
        "abilities": _abilities(bounds, context.languages),
    }


def _as_taught(line: dict[str, Any], config: Config) -> dict[str, Any]:
    """A validation in the form that is being taught at that step: bare at first, then in the template."""
    bare = line["step"] <= round(config.steps * config.bare_share)
    kinds = {group.removesuffix(BARE): value for group, value in line["scores"].items() if group.endswith(BARE) == bare}
    return {"step": line["step"], "bits_per_byte": kinds, "bare": bare}


def _abilities(bounds: Sequence[int], languages: Sequence[str]) -> Message:
    return mark(
        "Taught to translate texts of at most {characters} characters between {languages}, asked by a language token "
        "or in plain words. It was taught nothing else: it holds no conversation and knows no facts, and longer texts "
        "come out worse than short ones.",
        characters=bounds[-1],
        languages=_listed(languages),
    )


def _listed(languages: Sequence[str]) -> Message:
    """English and French; with more languages, the first and the rest."""
    name = name_of(languages[0])
    return mark("{first} and {rest}", first=name, rest=_listed(languages[1:])) if len(languages) > 1 else name
