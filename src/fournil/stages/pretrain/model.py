"""The model that is trained from nothing: its shape, its start, and the rates that suit its width."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace

from fournil.parts.model.config import ModelConfig
from fournil.parts.model.transformer import Llama
from fournil.parts.tokenize.special import BOS_ID, EOS_ID, PAD_ID
from fournil.parts.train.optimizer import OptimizerSettings
from fournil.parts.train.permutation import key_of
from fournil.parts.train.schedule import Phase
from fournil.parts.train.width import decay_at_width, rates_at_width
from fournil.stages.pretrain.config import Config


def shape_of(config: Config, vocab_size: int) -> ModelConfig:
    """Return the shape that the settings and the tokenizer's vocabulary make.

    Raises:
        FournilError: No model can have it.
    """
    return ModelConfig(
        vocab_size=vocab_size, bos_token_id=BOS_ID, eos_token_id=EOS_ID, pad_token_id=PAD_ID, **config.model.shape()
    )


def new_model(config: Config, shape: ModelConfig, seed: int) -> Llama:
    """Make a model with all weights set for training from nothing, a pure function of the run's seed."""
    model = Llama(shape).reset(key_of("weights", seed) & (2**63 - 1), std=config.model.initializer_range)
    model.checkpoints_activations = config.activation_checkpointing
    return model


def at_width(config: Config, phases: Sequence[Phase]) -> tuple[Phase, ...]:
    """Scale the phases' rates to the model's width, where the settings say for which width they were chosen."""
    width, base = config.model.hidden_size, config.model.base_width
    if base is None or width is None:
        return tuple(phases)
    matrices = config.optimizer.matrices
    return tuple(
        replace(phase, rates=rates_at_width(phase.rates, width=width, base_width=base, matrices=matrices))
        for phase in phases
    )


def optimizer_settings(config: Config) -> OptimizerSettings:
    """Return the optimizer's settings; where rates are scaled to the model's width, weight decay is too."""
    settings = OptimizerSettings(**asdict(config.optimizer))
    width, base = config.model.hidden_size, config.model.base_width
    if base is None or width is None:
        return settings
    decay = decay_at_width(settings.weight_decay, width=width, base_width=base, matrices=settings.matrices)
    return replace(settings, weight_decay=decay)
