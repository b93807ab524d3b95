"""Parameters, operations and memory of models, against arithmetic of their own and against torch."""

import dataclasses

import pytest
import torch

from fournil.apps.plan.model import activation_bytes, moment_bytes, state_bytes
from fournil.parts.model.config import ModelConfig
from fournil.parts.model.transformer import Llama
from fournil.parts.train.optimizer import Optimizer, OptimizerSettings
from fournil.stages.pretrain.config import Model

SIZES = {  # name: width, feed-forward, layers, heads; published millions, without and with 32,000 untied embeddings
    "llama2_58m": (512, 2048, 6, 8, 25.2, 57.9),
    "llama2_268m": (1024, 4128, 12, 8, 202.5, 268.1),
    "llama2_440m": (1536, 4128, 12, 12, 341.5, 439.9),
    "llama2_1b3": (2048, 5504, 24, 16, 1214.3, 1345.4),
}


def small_shape(intermediate_size=96, num_hidden_layers=3):
    return ModelConfig(320, 64, intermediate_size, num_hidden_layers, num_attention_heads=2)


@pytest.mark.parametrize(("width", "feed", "layers", "heads", "blocks", "total"), SIZES.values(), ids=SIZES)
def test_parameters_of_the_published_sizes(planned, width, feed, layers, heads, blocks, total):
    changes = {
        "hidden_size": width,
        "intermediate_size": feed,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
    }
    shape = planned("croissant", *(f"pretrain.model.{name}={value}" for name, value in changes.items())).shape
    matrices = layers * (4 * width**2 + 3 * width * feed)
    norms = (2 * layers + 1) * width
    assert shape.num_block_parameters() == matrices + norms
    assert shape.num_embedding_parameters() == 2 * 32_000 * width
    assert shape.num_parameters() == matrices + norms + 2 * 32_000 * width
    assert round(matrices / 1e6, 1) == blocks  # the published count leaves the norms out
    assert round(shape.num_parameters() / 1e6, 1) == total


def test_parameters_are_those_that_torch_counts():
    shape = ModelConfig(
        vocab_size=320, hidden_size=64, intermediate_size=96, num_hidden_layers=3, num_attention_heads=2
    )
    assert sum(parameter.numel() for parameter in Llama(shape).parameters()) == shape.num_parameters()


@pytest.mark.parametrize("matrices", ["muon", "adamw"])
def test_moments_are_those_that_the_optimizer_keeps(matrices):
    shape = ModelConfig(
        vocab_size=320, hidden_size=64, intermediate_size=96, num_hidden_layers=3, num_attention_heads=2
    )
    state = Optimizer(Llama(shape).reset(1), OptimizerSettings(matrices=matrices)).state()
    kept = sum(tensor.numel() * tensor.element_size() for tensor in state.values())
    assert moment_bytes(shape, matrices) == pytest.approx(kept, rel=0.02)
    assert state_bytes(shape, matrices) == moment_bytes(shape, matrices) + 8 * shape.num_parameters()


def kept_bytes(model, rows):
    """Every tensor that autograd saves is counted once, by its storage; weights are not activations."""
    weights = {parameter.untyped_storage().data_ptr() for parameter in model.parameters()}
    kept: dict[int, int] = {}

    def pack(tensor):
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    ids = torch.randint(0, 320, (rows, 128))
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        model.loss(ids, ids).sum()
    return sum(kept.values())


@pytest.mark.parametrize("rows", [2, 8])
@pytest.mark.parametrize("qk_norm", [False, True])
def test_activations_are_those_that_the_backward_pass_keeps(rows, qk_norm):
    shape = dataclasses.replace(small_shape(160, 6), qk_norm=qk_norm)
    kept = kept_bytes(Llama(shape).reset(1), rows)
    assert kept == pytest.approx(activation_bytes(shape, rows * 128, half=False), rel=0.15)


def test_activations_made_again_keep_the_stream_of_each_block():
    kept, foretold = [], []
    for layers in (3, 9):
        model = Llama(small_shape(160, layers)).reset(1)
        model.checkpoints_activations = True
        kept.append(kept_bytes(model, 8))
        foretold.append(activation_bytes(small_shape(160, layers), 8 * 128, half=False, again=True))
    assert kept[1] - kept[0] == pytest.approx(foretold[1] - foretold[0], rel=0.01)
    one_block = activation_bytes(small_shape(160, 1), 8 * 128, half=False)
    assert foretold[0] == pytest.approx(one_block + 3 * 64 * 4 * 8 * 128)  # while one is made again, all of it is there


def test_activations_made_again_cost_memory_less_and_time_more(planned):
    def pretrain(*changes: str):
        return next(stage for stage in planned("croissant", *changes).estimates if stage.stage == "pretrain")

    kept, again = pretrain(), pretrain("pretrain.activation_checkpointing=true")
    assert again.memory_bytes < 0.7 * kept.memory_bytes
    assert again.seconds == pytest.approx(4 / 3 * kept.seconds)
    assert again.flops == kept.flops


def test_the_settings_of_the_stage_are_those_of_the_shape():
    """What the plan hands from one to the other by name."""
    assert set(Model().shape()) < set(ModelConfig.__dataclass_fields__)
    assert set(vars(Model())) - set(Model().shape()) == {"preset", "base_width", "initializer_range"}


def test_the_page_is_as_large_as_the_model_that_it_carries(planned):
    def disk(*changes: str) -> float:
        return next(stage.disk_bytes for stage in planned("petit", *changes).estimates if stage.stage == "report")

    plan = planned("petit")
    assert disk() - disk("report.carry_model=false") == pytest.approx(2 * 4 / 3 * plan.shape.num_parameters(), rel=0.03)
    assert disk("pretrain.model.num_hidden_layers=400") == disk("report.carry_model=false")  # too large a model
