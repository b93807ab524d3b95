"""The coordinate check: what some steps change in the model is as large at every width, where rates follow the rule."""

import math

import pytest
import torch

from fournil.parts.model.config import ModelConfig
from fournil.parts.model.transformer import Llama
from fournil.parts.train.optimizer import Optimizer, OptimizerSettings
from fournil.parts.train.schedule import Rates
from fournil.parts.train.width import decay_at_width, rates_at_width

WIDTHS = (64, 128, 256)
STEPS = 3
PEAKS = {"muon": Rates(matrix=0.02), "adamw": Rates(matrix=0.004)}


def watched(model, ids):
    """The stream behind each block, and the logits."""
    found = []
    hooks = [block.register_forward_hook(lambda module, given, made: found.append(made)) for block in model.blocks]
    with torch.no_grad():
        logits = model.logits(model(ids))
    for hook in hooks:
        hook.remove()
    return [*found, logits]


def changes(width, matrices, qk_norm, scaled):
    """How much a few steps change each, root mean square."""
    shape = ModelConfig(64, width, 2 * width, 2, width // 32, max_position_embeddings=32, qk_norm=qk_norm)
    model = Llama(shape).reset(1)
    rates = PEAKS[matrices]
    if scaled:
        rates = rates_at_width(rates, width=width, base_width=WIDTHS[0], matrices=matrices)
    optimizer = Optimizer(model, OptimizerSettings(matrices=matrices))
    ids = torch.randint(0, 64, (4, 33), generator=torch.Generator().manual_seed(5))
    before = watched(model, ids[:, :-1])
    for _ in range(STEPS):
        model.loss(ids[:, :-1], ids[:, 1:]).mean().backward()
        optimizer.step(rates, 1.0)
    after = watched(model, ids[:, :-1])
    return [(new - old).square().mean().sqrt().item() for new, old in zip(after, before, strict=True)]


def powers(matrices, qk_norm=False, scaled=True):
    """With which power of the width each change grows: the slope of a line through the logarithms."""
    torch.set_num_threads(1)
    rows = [changes(width, matrices, qk_norm, scaled) for width in WIDTHS]
    doublings = math.log2(WIDTHS[-1] / WIDTHS[0])
    return [math.log2(wide / narrow) / doublings for narrow, wide in zip(rows[0], rows[-1], strict=True)]


@pytest.mark.parametrize("qk_norm", [False, True])
@pytest.mark.parametrize("matrices", ["muon", "adamw"])
def test_what_a_step_changes_does_not_grow_with_the_width(matrices, qk_norm):
    for power in powers(matrices, qk_norm):
        assert abs(power) < 0.2


def test_without_the_rule_it_grows():
    *streams, logits = powers("muon", scaled=False)
    assert max(map(abs, streams)) < 0.2  # Muon's own scale holds inside the blocks
    assert logits > 0.7
    *streams, logits = powers("adamw", scaled=False)
    assert min(*streams, logits) > 0.5


def test_the_rule_in_figures():
    rates = Rates(matrix=0.008, embedding=0.1, unembedding=0.004, norm=0.5)
    assert rates_at_width(rates, width=64, base_width=64, matrices="adamw") == rates
    wide = rates_at_width(rates, width=256, base_width=64, matrices="adamw")
    assert wide == Rates(matrix=0.002, embedding=0.1, unembedding=0.001, norm=0.5)
    assert rates_at_width(rates, width=256, base_width=64, matrices="muon").matrix == 0.008
    decay = decay_at_width(0.1, width=256, base_width=64, matrices="adamw")
    assert decay * wide.matrix == pytest.approx(0.1 * rates.matrix)
    assert decay_at_width(0.1, width=256, base_width=64, matrices="muon") == 0.1
