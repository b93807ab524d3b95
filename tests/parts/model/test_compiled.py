"""Blocks that torch.compile has seen: one graph for all of them, without a break, and the same figures."""

import dataclasses

import pytest
import torch

from fournil.parts.model.attention import Cache
from fournil.parts.model.config import ModelConfig
from fournil.parts.model.transformer import Llama

pytestmark = pytest.mark.filterwarnings(
    "ignore:The .grad attribute of a Tensor that is not a leaf"
)  # torch._dynamo's own
SHAPE = ModelConfig(97, 48, 56, 3, 6, 2, max_position_embeddings=48)


class Graphs:
    """A backend that compiles nothing and counts what it is given, and how often that runs."""

    def __init__(self):
        self.count = self.runs = 0

    def __call__(self, graph, inputs):
        def run(*arguments):
            self.runs += 1
            return graph.forward(*arguments)

        self.count += 1
        return run


def scattered(config):
    torch.set_num_threads(1)
    model = Llama(config).reset(0)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator) * 0.1)
    return model


def learn(model, ids):
    model.zero_grad(set_to_none=True)
    losses = model.loss(ids[:, :-1], ids[:, 1:])
    losses.mean().backward()
    return losses.detach(), [parameter.grad for parameter in model.parameters()]


@pytest.mark.parametrize("again", [False, True])
@pytest.mark.parametrize("qk_norm", [False, True])
def test_all_blocks_are_one_graph_with_the_same_gradients(qk_norm, again):
    torch.compiler.reset()
    model = scattered(dataclasses.replace(SHAPE, qk_norm=qk_norm))
    model.checkpoints_activations = again
    ids = torch.randint(0, 97, (2, 33), generator=torch.Generator().manual_seed(2))
    plain = learn(model, ids)
    graphs = Graphs()
    model.compile_blocks(graphs)
    compiled = learn(model, ids)
    assert graphs.count == 1  # three blocks, and a break would make two graphs of each
    torch.testing.assert_close(compiled, plain, atol=1e-6, rtol=1e-5)
    model.turn_with(3000.0)
    assert (learn(model, ids)[0] - plain[0]).abs().max() > 1e-4
    assert graphs.count == 1


def test_reading_with_a_cache_is_not_compiled():
    torch.compiler.reset()
    model, graphs = scattered(SHAPE), Graphs()
    model.compile_blocks(graphs)
    ids = torch.randint(0, 97, (1, 8), generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        cached = model(ids, cache=Cache(SHAPE, 1, 8, dtype=torch.float32))
        assert graphs.count == 0
        torch.testing.assert_close(model(ids), cached, atol=1e-5, rtol=1e-5)
    assert graphs.count == 1


def test_no_shape_of_a_training_is_one_too_many():
    """Two contexts, a row that remains of a batch, validation: torch alone gives up after eight graphs."""
    torch.compiler.reset()
    model, graphs = scattered(dataclasses.replace(SHAPE, num_hidden_layers=1)), Graphs()
    model.compile_blocks(graphs)
    calls = 0
    for length in (16, 32):
        for apart in (False, True):
            for rows, learns in ((4, True), (1, True), (5, False)):
                ids = torch.zeros((rows, length), dtype=torch.long)
                segments = torch.zeros_like(ids) if apart else None
                with torch.set_grad_enabled(learns):
                    model.loss(ids, ids, segments)
                calls += 1
                assert graphs.runs == calls, (length, apart, rows, learns)
    assert graphs.count > 8
