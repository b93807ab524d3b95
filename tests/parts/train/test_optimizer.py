import itertools

import pytest
import torch

from fournil.core.errors import FournilError
from fournil.parts.model.config import ModelConfig
from fournil.parts.model.folder import hugging_face_views
from fournil.parts.model.transformer import Llama
from fournil.parts.train.muon import orthogonalize
from fournil.parts.train.optimizer import Optimizer, OptimizerSettings
from fournil.parts.train.precision import choose_precision
from fournil.parts.train.schedule import Phase, Rates, phase_at

CONFIG = ModelConfig(50, 16, 40, 2, 4, 2, max_position_embeddings=32)


def test_orthogonal_rows_after_five_steps():
    matrices = torch.randn(3, 20, 30, generator=torch.Generator().manual_seed(0))
    values = torch.linalg.svdvals(orthogonalize(matrices, 5))
    assert values.min() > 0.5
    assert values.max() < 1.3


def gradients_into(model, seed):
    generator = torch.Generator().manual_seed(seed)
    for parameter in model.parameters():
        parameter.grad = torch.randn(parameter.shape, generator=generator) * 0.1


def test_muon_treats_each_matrix_for_itself():
    """Query, key and value lie in one parameter; each must move as if it were alone."""
    settings = OptimizerSettings(max_gradient_norm=0.0, newton_schulz_steps=5)
    model = Llama(CONFIG).reset(0)
    before = {name: view.clone() for name, view in hugging_face_views(model).items()}
    gradients_into(model, 1)
    moved = Llama(CONFIG)
    for parameter, other in zip(moved.parameters(), model.parameters(), strict=True):
        parameter.data = other.grad.clone()
    gradients = hugging_face_views(moved)
    Optimizer(model, settings).step(Rates(matrix=0.1), 0.5)
    for name, view in hugging_face_views(model).items():
        if "proj" not in name:
            continue
        # The first step's Nesterov momentum points along the gradient.
        gradient = gradients[name]
        rows, columns = gradient.shape
        wide = (gradient.T if rows > columns else gradient).unsqueeze(0)
        update = orthogonalize(wide, 5)[0]
        update = update.T * (rows / columns) ** 0.5 if rows > columns else update
        torch.testing.assert_close(view, before[name] - 0.05 * update, atol=1e-5, rtol=1e-4)


def test_adamw_is_that_of_torch():
    settings = OptimizerSettings(matrices="adamw", weight_decay=0.1, max_gradient_norm=0.0, epsilon=1e-8)
    model, reference = Llama(CONFIG).reset(0), Llama(CONFIG).reset(0)
    ours = Optimizer(model, settings)
    kinds: dict[str, list[torch.nn.Parameter]] = {"matrix": [], "rest": []}
    for name, parameter in reference.named_parameters():
        kinds["matrix" if "blocks" in name and parameter.ndim == 2 else "rest"].append(parameter)
    groups = [{"params": kinds["matrix"], "weight_decay": 0.1}, {"params": kinds["rest"], "weight_decay": 0.0}]
    theirs = torch.optim.AdamW(groups, lr=0.01, betas=(0.9, 0.95), eps=1e-8)
    for seed in range(3):
        gradients_into(model, seed)
        gradients_into(reference, seed)
        ours.step(Rates(0.02, 0.02, 0.02, 0.02), 0.5)
        theirs.step()
    for mine, other in zip(model.parameters(), reference.parameters(), strict=True):
        torch.testing.assert_close(mine, other, atol=1e-6, rtol=1e-5)


def test_long_gradients_are_shortened():
    models = [Llama(CONFIG).reset(0) for _ in range(2)]
    for model, scale in zip(models, (1.0, 1000.0), strict=True):
        gradients_into(model, 0)
        for parameter in model.parameters():
            parameter.grad *= scale
        Optimizer(model, OptimizerSettings(matrices="adamw", epsilon=1.0)).step(Rates(), 1.0)
    for one, other in zip(*(model.parameters() for model in models), strict=True):
        torch.testing.assert_close(one, other)


def test_an_unknown_optimizer_is_refused():
    with pytest.raises(FournilError, match="unknown optimizer"):
        Optimizer(Llama(CONFIG), OptimizerSettings(matrices="sgd"))


def test_rates_rise_stay_and_fall():
    phase = Phase(100, warmup_steps=10, decay_steps=50, final_factor=0.1)
    factors = [phase.factor(step) for step in range(100)]
    assert factors[0] == pytest.approx(0.1)
    assert factors[9:50] == [1.0] * 41
    assert factors[74] == pytest.approx(0.55)
    assert factors[-1] == pytest.approx(0.1)
    assert all(a >= b for a, b in itertools.pairwise(factors[9:]))
    cosine = Phase(100, decay_steps=100, decay="cosine")
    assert cosine.factor(49) == pytest.approx(0.5)
    assert cosine.factor(99) == pytest.approx(0.0)
    assert phase_at((phase, cosine), 99) == (0, 99)
    assert phase_at((phase, cosine), 100) == (1, 0)


@pytest.mark.parametrize(
    "arguments", [{"steps": 0}, {"steps": 10, "warmup_steps": 8, "decay_steps": 3}, {"steps": 1, "decay": "step"}]
)
def test_impossible_phases_are_refused(arguments):
    with pytest.raises(FournilError):
        Phase(**arguments)


def test_precision_is_measured_only_where_it_must_be(monkeypatch):
    assert choose_precision("bfloat16", "cpu") == ("bfloat16", {})
    assert choose_precision("auto", "cuda") == ("bfloat16", {})
    for rates, expected in (((100.0, 3.0), "float32"), ((100.0, 300.0), "bfloat16"), ((100.0, 120.0), "float32")):
        measured = dict(zip((torch.float32, torch.bfloat16), rates, strict=True))
        monkeypatch.setattr("fournil.parts.train.precision._product_rate", measured.__getitem__)
        assert choose_precision("auto", "cpu")[0] == expected
    with pytest.raises(FournilError, match="unknown precision"):
        choose_precision("float16", "cpu")
