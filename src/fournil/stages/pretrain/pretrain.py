"""What the pretrain stage does: plan the mixture, train, write the folder, say what went in and how it went."""

from __future__ import annotations

import math
import os
import shutil
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

from fournil.core.context import Artifact, Context
from fournil.core.errors import FournilError
from fournil.core.files import atomic_path, sha256_file, write_json
from fournil.core.speech import Message, mark, tr
from fournil.parts.model import folder as model_folder
from fournil.parts.model.config import ModelConfig
from fournil.parts.model.folder import refuse_beyond_memory
from fournil.parts.model.transformer import Llama
from fournil.parts.scoring import ranks
from fournil.parts.tokenize.shards import TokenShards
from fournil.parts.train.batches import Batches
from fournil.parts.train.curves import some_of, stretches
from fournil.parts.train.guard import GuardSettings
from fournil.parts.train.loop import TrainResult, TrainSettings, train
from fournil.parts.train.mixture import CODE, PARALLEL, Mixture
from fournil.parts.train.parallel import TRAINING_BYTES, whole_tensors
from fournil.parts.train.prefetch import Prefetch
from fournil.parts.train.validation import Validation
from fournil.parts.train.world import ALONE, World, world_here
from fournil.stages.pretrain.config import Config
from fournil.stages.pretrain.model import at_width, new_model, optimizer_settings, shape_of
from fournil.stages.pretrain.planning import mixture_facts, plan_mixture, plan_phases, plan_rates, warnings

VALIDATIONS = 8
"""How often a training is validated where the recipe does not say."""


def pretrain(config: Config, tokenizer: Path, out: Path, context: Context) -> Artifact:
    """Train from nothing; see the stage's `run`. Under torchrun all processes take part."""
    if ranks.num_ranks() == 1:
        artifact = _pretrain(config, tokenizer, out, context, ALONE)
    else:
        artifact = ranks.call_together(_take_part, config, tokenizer, out, context)
    assert isinstance(artifact, Artifact)
    return artifact


def _take_part(config: Config, tokenizer: Path, out: Path, context: Context) -> Artifact | None:
    """What each process of several does; the threads of a machine are divided among its processes."""
    processes = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    context = replace(context, threads=max(1, context.threads // processes))
    return _pretrain(config, tokenizer, out, context, world_here())


def _pretrain(config: Config, tokenizer: Path, out: Path, context: Context, world: World) -> Artifact | None:
    if config.save_dtype not in ("float32", "bfloat16"):
        raise FournilError(
            tr("unknown save_dtype {save_dtype!r}", save_dtype=config.save_dtype),
            fix=tr('Known are "float32" and "bfloat16".'),
        )
    planned = plan_phases(config)
    phases = at_width(config, plan_rates(config, planned))
    mixture = plan_mixture(config, planned, tokenizer, context)
    held_out = tokenizer / "shards" / "heldout-documents"
    header = TokenShards(tokenizer / "shards" / "train-documents")
    _same_tokenizer(tokenizer)
    shape = shape_of(config, header.vocab_size)
    if context.device == "cpu":
        refuse_beyond_memory(shape.num_parameters() * TRAINING_BYTES, "pretrain.model")
    model = new_model(config, shape, context.seed)
    steps = sum(phase.steps for phase in phases)
    context.progress.note(_sentence(model.config, mixture, steps))
    for sentence in warnings(mixture):
        context.progress.note(sentence)
    validation = Validation(
        held_out,
        (*context.languages, CODE),
        context_length=min(phase.context_length for phase in config.phase),  # what every phase learns: one curve
        max_tokens=config.validation_tokens,
        seed=context.seed,
        apart=config.apart,
        world=world,
    )
    rows = Batches(mixture, apart=config.apart, rank=world.rank, ranks=world.ranks)
    with Prefetch(rows, steps, pin=context.device != "cpu") as batches:
        result = train(
            model,
            batches,
            TrainSettings(
                phases=phases,
                optimizer=optimizer_settings(config),
                micro_batch_rows=config.micro_batch_rows,
                log_every=config.log_every,
                validate_every=config.validate_every or math.ceil(steps / VALIDATIONS),
                checkpoint_seconds=config.checkpoint_seconds,
                checkpoint_every=config.checkpoint_every,
                keep_every=config.keep_every or 0,
                precision=config.precision,
                compile=config.compile,
                strategy=config.parallel.strategy,
                guard=GuardSettings(**asdict(config.guard)),
            ),
            out,
            context,
            validate=validation,
            keep=lambda model, folder: _write_model(config, model, tokenizer / "tokenizer", folder),
            title=tr("Pretraining"),
            world=world,
        )
    whole, moments = result.parallel.whole_model(), whole_tensors(result.optimizer.state(), world)
    if whole is None:  # the first process writes
        return None
    _write_model(config, whole, tokenizer / "tokenizer", out)
    _write_state(result, moments, out)
    measured = result.measured | {"data": batches.measured()}
    facts = _facts(config, whole.config, mixture, result, context)
    return Artifact(facts=facts | {"bits_per_byte_by_source": validation.by_source}, measured=measured)


def _same_tokenizer(folder: Path) -> None:
    """Refuse shards that another tokenizer made: every id would mean another piece of text."""
    made_by = sha256_file(folder / "tokenizer" / "tokenizer.json")
    for shards in sorted((folder / "shards").iterdir()):
        if shards.is_dir() and TokenShards(shards).tokenizer_sha256 != made_by:
            raise FournilError(
                tr("these token shards were made with another tokenizer"),
                where=shards,
                fix=tr("Run the tokenizer stage again."),
            )


def _write_model(config: Config, model: Llama, tokenizer: Path, out: Path) -> None:
    model_folder.save(model, out, dtype=getattr(torch, config.save_dtype))
    for path in sorted(tokenizer.iterdir()):
        if path.is_file() and not path.name.startswith("."):
            with atomic_path(out / path.name) as copy:
                shutil.copyfile(path, copy)


def _write_state(result: TrainResult, moments: dict[str, Tensor], out: Path) -> None:
    with atomic_path(out / "training" / "optimizer.safetensors") as path:
        save_file(moments, path)
    write_json(out / "training" / "state.json", result.state)


def _facts(
    config: Config, shape: ModelConfig, mixture: Mixture, result: TrainResult, context: Context
) -> dict[str, Any]:
    seen = mixture.tokens()
    by_language: dict[str, int] = defaultdict(int)
    composition = {
        (stream.group, stream.source): stream.tokens_by_language()
        for streams in mixture.groups.values()
        for stream in streams
    }
    for row in seen:
        parts = composition[row["group"], row["source"]]
        for language, part in parts.items():
            by_language[language] += round(row["tokens_seen"] * part / max(1, sum(parts.values())))
    tokens = [phase.tokens for phase in mixture.phases]
    exact = sum(
        count * shape.training_flops_per_token(phase.context_length)
        for count, phase in zip(tokens, mixture.phases, strict=True)
    )
    total = shape.num_parameters()
    scores = result.validations[-1]["scores"] if result.validations else {}
    return {
        "headline": _headline(total, sum(tokens), scores, context.languages),
        "parameters": {
            "total": total,
            "embedding": shape.num_embedding_parameters(),
            "non_embedding": shape.num_block_parameters(),
        },
        "steps": sum(phase.steps for phase in mixture.phases),
        "tokens": sum(tokens),
        "tokens_by_language": dict(sorted(by_language.items())),
        "rows_by_group": {
            group: sum(
                shares.before(phase.steps)[group] for shares, phase in zip(mixture.shares, mixture.phases, strict=True)
            )
            for group in (*context.languages, CODE, PARALLEL)
        },
        "tokens_by_source": seen,
        "mixture": mixture_facts(mixture, config),
        "flops": {"exact": exact, "six_n_d": 6.0 * shape.num_block_parameters() * sum(tokens)},
        "precision": result.state["precision"],
        **({"guard": result.guard} if result.guard else {}),
        "loss_curve": [
            {
                "step": line["step"],
                "tokens": line["tokens"],
                "loss": {group: round(loss, 5) for group, loss in means.items()},
            }
            for line, means in stretches(result.losses)
        ],
        "validation_curve": [
            {"step": line["step"], "tokens": line["tokens"], "bits_per_byte": line["scores"]}
            for line in some_of(result.validations)
        ],
    }


def _sentence(shape: ModelConfig, mixture: Mixture, steps: int) -> str:
    tokens = sum(phase.tokens for phase in mixture.phases)
    return tr(
        "{parameters:.1f} million parameters, {layers} layers of {width}; {tokens:.2f} million tokens in {steps:,} "
        "steps.",
        parameters=shape.num_parameters() / 1e6,
        layers=shape.num_hidden_layers,
        width=shape.hidden_size,
        tokens=tokens / 1e6,
        steps=steps,
    )


def _headline(
    num_parameters: int, num_tokens: int, scores: Mapping[str, float], languages: Sequence[str]
) -> list[Message]:
    sizes = {"parameters": round(num_parameters / 1e6, 1), "tokens": round(num_tokens / 1e6, 2)}
    said = [mark("{parameters:,.1f} million parameters, {tokens:,.2f} million tokens", **sizes)]
    learnt = [language for language in languages if language in scores]
    if not learnt:
        return [*said, mark("bits per byte not measured")]
    return said + [
        mark("bits per byte in {language} {bits:.2f}", language=language, bits=round(scores[language], 2))
        for language in learnt
    ]
