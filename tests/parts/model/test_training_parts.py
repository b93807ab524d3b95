"""What training asks of the model: gradients, memory, activations made again, longer contexts on the way."""

import dataclasses
import math

import pytest
import torch
from torch.nn import functional as F
from torch.utils._python_dispatch import TorchDispatchMode

from fournil.parts.model import folder as folders
from fournil.parts.model.attention import Cache
from fournil.parts.model.config import ModelConfig
from fournil.parts.model.cross_entropy import linear_cross_entropy
from fournil.parts.model.transformer import Llama

SHAPE = ModelConfig(97, 48, 56, 3, 6, 2, max_position_embeddings=48)
NORMED = dataclasses.replace(SHAPE, qk_norm=True, head_dim=16)


@pytest.fixture(autouse=True)
def _one_thread():
    torch.set_num_threads(1)


def scattered(config, seed=0):
    model = Llama(config).reset(seed)
    generator = torch.Generator().manual_seed(seed + 1)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator) * 0.1)
    return model


def tokens(rows, length, vocab_size=97, seed=2):
    return torch.randint(0, vocab_size, (rows, length), generator=torch.Generator().manual_seed(seed))


def gradients(model, ids, segments=None):
    model.zero_grad(set_to_none=True)
    losses = model.loss(ids[:, :-1], ids[:, 1:], segments)
    losses.mean().backward()
    return losses.detach(), {name: parameter.grad for name, parameter in model.named_parameters()}


def test_gradients_with_normed_queries_equal_those_of_transformers(tmp_path):
    from transformers import Qwen3ForCausalLM

    ours = scattered(NORMED)
    folders.save(ours, tmp_path)
    theirs = Qwen3ForCausalLM.from_pretrained(tmp_path, dtype=torch.float32, attn_implementation="eager")
    ids = tokens(2, 21)
    gradients(ours, ids)
    theirs(ids, labels=ids).loss.backward()
    expected = {name: parameter.grad for name, parameter in theirs.named_parameters()}
    for parameter in ours.parameters():
        assert parameter.grad is not None
        parameter.data = parameter.grad
    views = folders.hugging_face_views(ours)
    assert set(views) == set(expected)
    for name, gradient in views.items():
        torch.testing.assert_close(gradient, expected[name], atol=1e-5, rtol=1e-4)


def test_a_cache_with_normed_queries_gives_the_same():
    model, ids = scattered(NORMED), tokens(2, 30)
    with torch.no_grad():
        whole = model(ids)
        cache = Cache(NORMED, 2, 30, dtype=torch.float32)
        parts = [model(ids[:, a:b], cache=cache) for a, b in ((0, 11), (11, 12), (12, 30))]
    torch.testing.assert_close(torch.cat(parts, dim=1), whole, atol=1e-5, rtol=1e-5)


def test_norms_of_queries_bound_what_attention_sees():
    """However large the matrix that makes them: the reason to have them."""
    calm, wild = scattered(NORMED), scattered(NORMED)
    with torch.no_grad():
        for block in wild.blocks:
            block.qkv[: (6 + 2) * 16] *= 1e3
    ids = tokens(1, 20)
    torch.testing.assert_close(calm(ids), wild(ids), atol=1e-2, rtol=1e-2)
    plain, loud = scattered(SHAPE), scattered(SHAPE)
    with torch.no_grad():
        for block in loud.blocks:
            block.qkv[: (6 + 2) * 8] *= 1e3
    assert (plain(ids) - loud(ids)).abs().max() > 0.5


@pytest.mark.parametrize("config", [SHAPE, NORMED], ids=["plain", "normed"])
@pytest.mark.parametrize("apart", [False, True])
def test_activations_made_again_give_the_same_bits(config, apart):
    model, ids = scattered(config), tokens(3, 33)
    segments = (torch.arange(32) // 10).expand(3, -1) if apart else None
    kept_losses, kept = gradients(model, ids, segments)
    model.checkpoints_activations = True
    losses, again = gradients(model, ids, segments)
    assert torch.equal(losses, kept_losses)
    for name, gradient in kept.items():
        assert torch.equal(again[name], gradient), name


def saved_bytes(model, ids):
    """What autograd keeps of a forward pass, each storage once, weights left out."""
    weights = {parameter.untyped_storage().data_ptr() for parameter in model.parameters()}
    kept = {}

    def pack(tensor):
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        hidden = model(ids)
    assert hidden.requires_grad
    return sum(kept.values())


def test_activations_made_again_are_not_kept():
    model, ids = scattered(dataclasses.replace(SHAPE, num_hidden_layers=6)), tokens(4, 48)
    whole = saved_bytes(model, ids)
    model.checkpoints_activations = True
    assert saved_bytes(model, ids) < whole / 4


def test_nothing_is_made_again_where_nothing_is_learnt(monkeypatch):
    model, ids = scattered(SHAPE), tokens(1, 20)
    model.checkpoints_activations = True

    def refuse(*args, **kwargs):
        raise AssertionError("checkpointed without gradients")

    monkeypatch.setattr("fournil.parts.model.transformer.checkpoint", refuse)
    with torch.no_grad():
        model(ids)
    with pytest.raises(AssertionError):
        model(ids)


def test_another_rotary_base_is_that_of_a_model_made_with_it(tmp_path):
    model, ids = scattered(SHAPE), tokens(1, 40)
    longer = dataclasses.replace(SHAPE, rope_theta=500_000.0, max_position_embeddings=96)
    other = Llama(longer)
    other.load_state_dict(model.state_dict())
    before = model(ids)
    model.turn_with(500_000.0, 96)
    assert model.config == longer
    torch.testing.assert_close(model(ids), other(ids), atol=0, rtol=0)
    assert (model(ids) - before).abs().max() > 1e-2
    folders.save(model, tmp_path)
    again = folders.load(tmp_path).config
    assert (again.rope_theta, again.max_position_embeddings) == (500_000.0, 96)
    model.turn_with(SHAPE.rope_theta, SHAPE.max_position_embeddings)
    torch.testing.assert_close(model(ids), before, atol=0, rtol=0)


def test_a_rotary_base_that_stays_changes_no_tensor():
    model = scattered(SHAPE)
    table = model.cos
    kept = table.clone()
    model.turn_with(SHAPE.rope_theta)
    assert model.cos is table
    assert torch.equal(table, kept)
    model.turn_with(3000.0)
    assert model.cos is table  # in place: what was compiled holds it
    assert not torch.equal(table, kept)


def test_the_normal_start_has_the_deviation_that_is_asked_for():
    model = Llama(dataclasses.replace(SHAPE, hidden_size=96, intermediate_size=256)).reset(1, std=0.009)
    assert model.embedding.std().item() == pytest.approx(0.009, rel=0.05)
    assert model.unembedding is not None
    assert model.unembedding.std().item() == pytest.approx(0.009, rel=0.05)
    for block in model.blocks:
        assert block.qkv.std().item() == pytest.approx(0.009, rel=0.05)
        assert block.gate_up.std().item() == pytest.approx(0.009, rel=0.05)
        assert block.down.std().item() == pytest.approx(0.009 / math.sqrt(6), rel=0.05)
        assert block.attention_out.std().item() == pytest.approx(0.009 / math.sqrt(6), rel=0.05)
        assert torch.equal(block.feed_norm, torch.ones(96))
    assert torch.equal(Llama(SHAPE).reset(1, std=0.02).embedding, Llama(SHAPE).reset(1, std=0.02).embedding)


class Largest(TorchDispatchMode):
    """Watches every tensor that any operation makes, forward and backward."""

    def __init__(self):
        super().__init__()
        self.elements = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        made = func(*args, **(kwargs or {}))
        for tensor in made if isinstance(made, tuple | list) else (made,):
            if isinstance(tensor, torch.Tensor):
                self.elements = max(self.elements, tensor.numel())
        return made


def watched(loss_of, hidden, weight, targets):
    with Largest() as watch:
        loss_of(hidden, weight, targets).sum().backward()
    return watch.elements


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_the_output_layer_never_holds_all_logits(dtype, monkeypatch):
    monkeypatch.setattr("fournil.parts.model.cross_entropy.CHUNK_ELEMENTS", 4 * 512)
    hidden = torch.randn(96, 16, dtype=dtype, generator=torch.Generator().manual_seed(1)).requires_grad_()
    weight = torch.randn(512, 16, generator=torch.Generator().manual_seed(2)).requires_grad_()
    targets = tokens(1, 96, 512).flatten()
    targets[::7] = -100
    assert watched(linear_cross_entropy, hidden, weight, targets) == 512 * 16  # the matrix itself
    plain = watched(lambda h, w, t: F.cross_entropy(h.float() @ w.T, t), hidden, weight, targets)
    assert plain == 96 * 512  # what the watcher sees where all are held


def test_cross_entropy_in_bfloat16_is_near_that_in_float32(monkeypatch):
    monkeypatch.setattr("fournil.parts.model.cross_entropy.CHUNK_ELEMENTS", 1000)
    generator = torch.Generator().manual_seed(0)
    hidden, weight = torch.randn(64, 32, generator=generator), torch.randn(200, 32, generator=generator) / 4
    targets = tokens(1, 64, 200).flatten()
    targets[5:20] = -100
    found = []
    for dtype in (torch.bfloat16, torch.float32):
        h, w = hidden.to(dtype).requires_grad_(), weight.clone().requires_grad_()
        losses = linear_cross_entropy(h, w, targets)
        assert losses.dtype == torch.float32
        (losses.sum() / 49).backward()
        assert h.grad is not None
        assert w.grad is not None
        assert (h.grad.dtype, w.grad.dtype) == (dtype, torch.float32)
        assert torch.equal(losses[5:20], torch.zeros(15))
        assert torch.equal(h.grad[5:20], torch.zeros(15, 32, dtype=dtype))
        found.append((losses.detach(), h.grad.float(), w.grad))
    for half, full in zip(*found, strict=True):
        torch.testing.assert_close(half, full, atol=0.03 * full.abs().max().item(), rtol=0)


def test_a_batch_with_nothing_to_learn_has_no_gradient():
    hidden, weight = torch.randn(5, 4).requires_grad_(), torch.randn(7, 4).requires_grad_()
    losses = linear_cross_entropy(hidden, weight, torch.full((5,), -100))
    losses.sum().backward()
    assert torch.equal(losses, torch.zeros(5))
    assert hidden.grad is not None
    assert weight.grad is not None
    assert not hidden.grad.any()
    assert not weight.grad.any()


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA GPU")
def test_texts_apart_with_fewer_key_heads_never_hold_all_scores():
    heads, length = 16, 2048
    config = ModelConfig(97, 16 * heads, 64, 1, heads, 4, max_position_embeddings=length)
    model, ids = scattered(config).to("cuda"), tokens(4, length + 1).to("cuda")
    segments = (torch.arange(length, device="cuda") // 100).expand(4, -1)
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.max_memory_allocated()
    with torch.autocast("cuda", torch.bfloat16):
        model.loss(ids[:, :-1], ids[:, 1:], segments).mean().backward()
    assert torch.cuda.max_memory_allocated() - before < 4 * heads * length * length * 2
