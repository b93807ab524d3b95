"""The output layer learns in one pass, goes through its products again only where it must, and not at all unasked."""

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from fournil.parts.model.cross_entropy import linear_cross_entropy

ROWS, WIDTH, VOCABULARY, CHUNKS = 40, 8, 64, 4
PRODUCTS = ("aten::mm", "aten::addmm_")


class Products(TorchDispatchMode):
    def __init__(self):
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.count += func._schema.name in PRODUCTS
        return func(*args, **(kwargs or {}))


@pytest.fixture
def given(monkeypatch):
    monkeypatch.setattr("fournil.parts.model.cross_entropy.CHUNK_ELEMENTS", ROWS // CHUNKS * VOCABULARY)
    generator = torch.Generator().manual_seed(3)
    hidden, weight = torch.randn(ROWS, WIDTH, generator=generator), torch.randn(VOCABULARY, WIDTH, generator=generator)
    return hidden, weight, torch.randint(0, VOCABULARY, (ROWS,), generator=generator)


def gradients(given, of):
    """What torch says, and we."""
    found = []
    for ours in (True, False):
        hidden, weight = (tensor.clone().requires_grad_() for tensor in given[:2])
        plain = torch.nn.functional.cross_entropy
        losses = (
            linear_cross_entropy(hidden, weight, given[2])
            if ours
            else plain(hidden @ weight.T, given[2], reduction="none")
        )
        of(losses)
        found.append((hidden.grad, weight.grad))
    return found


@pytest.mark.parametrize(("scale", "num"), [(torch.tensor(0.25), 3), (torch.arange(ROWS) / ROWS, 6)])
def test_a_sum_times_a_number_needs_three_products_and_other_weights_six(given, scale, num):
    with Products() as products:
        hidden, weight = (tensor.clone().requires_grad_() for tensor in given[:2])
        (linear_cross_entropy(hidden, weight, given[2]) * scale).sum().backward()
    assert products.count == num * CHUNKS
    mine, reference = gradients(given, lambda losses: (losses * scale).sum().backward())
    torch.testing.assert_close(mine, reference, atol=1e-5, rtol=1e-5)


def test_a_graph_can_be_gone_through_twice(given):
    def twice(losses):
        (losses.sum() * 0.5).backward(retain_graph=True)
        (losses.sum() * 0.25).backward()

    mine, reference = gradients(given, twice)
    torch.testing.assert_close(mine, reference, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("grad", [False, True])
def test_where_nothing_is_learnt_there_is_one_product(given, grad):
    with Products() as products, torch.set_grad_enabled(grad):
        losses = linear_cross_entropy(*given)
    assert products.count == CHUNKS
    hidden, weight, targets = given
    expected = torch.nn.functional.cross_entropy(hidden @ weight.T, targets, reduction="none")
    torch.testing.assert_close(losses, expected)


def test_logits_of_any_size_have_finite_losses(given):
    hidden, weight, targets = given
    losses = linear_cross_entropy(hidden * 1e4, weight, targets)
    expected = torch.nn.functional.cross_entropy(hidden * 1e4 @ weight.T, targets, reduction="none")
    torch.testing.assert_close(losses, expected)
