"""The section [pretrain.model]: presets, what wins over them, and what they become."""

import dataclasses

import pytest
import torch

from fournil.core.errors import FournilError
from fournil.core.settings import to_table
from fournil.parts.model.published import PUBLISHED
from fournil.parts.train.schedule import Phase, Rates
from fournil.recipe import check_recipe
from fournil.stages.pretrain.config import Config, Model, Optimizer
from fournil.stages.pretrain.model import at_width, new_model, optimizer_settings, shape_of


def settings(**model):
    head = {"name": "essai", "title": "Essai", "languages": ["fr", "en"], "stages": ["pretrain"]}
    recipe = check_recipe({"recipe": head, "pretrain": {"model": model}}, where="recipe.toml")
    return recipe.stages["pretrain"][0]


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_preset_is_the_published_shape(name):
    shape = shape_of(settings(preset=name), 32_000)
    for key, value in PUBLISHED[name].items():
        assert getattr(shape, key) == value
    assert shape.vocab_size == 32_000
    assert not shape.qk_norm


def test_what_a_recipe_says_itself_wins_over_the_preset():
    config = settings(
        preset="lucie-7b", num_hidden_layers=2, tie_word_embeddings=True, rope_theta=10_000.0, qk_norm=True
    )
    shape = shape_of(config, 65_024)
    assert (shape.num_hidden_layers, shape.tie_word_embeddings, shape.rope_theta) == (2, True, 10_000.0)
    assert (shape.hidden_size, shape.key_value_heads, shape.qk_norm) == (4096, 8, True)


def test_without_a_preset_the_shape_is_the_small_one():
    shape = shape_of(settings(), 1000)
    assert (shape.hidden_size, shape.intermediate_size, shape.num_hidden_layers, shape.num_attention_heads) == (
        192,
        512,
        4,
        3,
    )
    assert (shape.key_value_heads, shape.head_width, shape.max_position_embeddings) == (3, 64, 256)
    assert (shape.rope_theta, shape.rms_norm_eps, shape.tie_word_embeddings) == (10_000.0, 1e-5, False)


def test_a_frozen_recipe_says_the_whole_shape_and_reads_as_the_same():
    config = settings(preset="croissant-268m", num_hidden_layers=6)
    table = to_table(config.model)
    assert table["preset"] == "croissant-268m"
    assert (table["hidden_size"], table["num_hidden_layers"]) == (1024, 6)
    assert settings(**table) == config


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ({"preset": "croissant"}, "there is no preset 'croissant'; there is croissant-58m, croissant-268m"),
        ({"base_width": 64, "tie_word_embeddings": True}, "base_width needs an output layer of its own"),
        ({"base_width": 64, "initializer_range": 0.02}, "leave initializer_range out"),
        ({"base_width": 0}, "base_width is 0"),
        ({"num_attention_heads": -1, "preset": "lucie-7b"}, "num_attention_heads is -1"),
        ({"qk_norm": "yes"}, "qk_norm must be true or false"),
    ],
)
def test_a_section_that_makes_no_sense_is_refused(model, message):
    with pytest.raises(FournilError, match=message):
        settings(**model)


def test_rates_and_decay_follow_the_width_where_it_is_asked_for():
    phases = [Phase(10, Rates(0.01, 0.02, 0.03, 0.04))]
    plain = Config(Model(hidden_size=128, num_attention_heads=2), Optimizer(matrices="adamw", weight_decay=0.1))
    assert at_width(plain, phases) == tuple(phases)
    assert optimizer_settings(plain).weight_decay == 0.1
    scaled = dataclasses.replace(plain, model=Model(hidden_size=128, num_attention_heads=2, base_width=64))
    assert at_width(scaled, phases) == (Phase(10, Rates(0.005, 0.02, 0.015, 0.04)),)
    assert optimizer_settings(scaled).weight_decay == 0.2
    assert optimizer_settings(scaled).matrices == "adamw"


def test_the_start_is_the_one_that_is_asked_for():
    small = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
    config = settings(**small)
    shape = shape_of(config, 500)
    model = new_model(config, shape, seed=3)
    assert not model.output_weight.any()
    assert torch.equal(model.embedding, new_model(config, shape, seed=3).embedding)
    assert not torch.equal(model.embedding, new_model(config, shape, seed=4).embedding)
    normal = new_model(settings(**small, initializer_range=0.02), shape, seed=3)
    assert normal.output_weight.std().item() == pytest.approx(0.02, rel=0.05)
    assert not model.checkpoints_activations
    assert new_model(dataclasses.replace(config, activation_checkpointing=True), shape, 3).checkpoints_activations
