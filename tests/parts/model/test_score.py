import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from fournil.parts.model.config import ModelConfig
from fournil.parts.model.score import bits_per_byte, token_log_probabilities, windows_of
from fournil.parts.model.transformer import Llama

CONFIG = ModelConfig(50, 32, 48, 2, 4, max_position_embeddings=16)


@pytest.fixture(scope="module")
def model():
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(5)
    model = Llama(CONFIG).reset(0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator) * 0.3)
    return model


@given(st.integers(0, 300), st.integers(1, 40), st.data())
def test_windows_predict_every_token_once_and_read_no_more_than_the_context(num_tokens, context_length, data):
    overlap = data.draw(st.integers(0, context_length - 1))
    predicted = []
    for first, start, end in windows_of(num_tokens, context_length, overlap):
        assert -1 <= first < start < end or (first == -1 and start == 0)
        assert end - 1 - first <= context_length
        predicted += range(start, end)
    assert predicted == list(range(num_tokens))


@pytest.mark.parametrize("overlap", [0, 7])
def test_log_probabilities_are_those_of_each_window_alone(model, overlap):
    random = np.random.default_rng(0)
    texts = [random.integers(3, 50, length) for length in (5, 1, 40, 0, 16, 17, 33)]
    got = token_log_probabilities(model, texts, start_id=2, context_length=16, overlap=overlap, batch_tokens=64)
    for ids, scores in zip(texts, got, strict=True):
        assert len(scores) == len(ids)
        whole = np.concatenate(([2], ids))
        for first, start, end in windows_of(len(ids), 16, overlap):
            read = torch.from_numpy(whole[first + 1 : end].copy())[None]
            with torch.no_grad():
                chances = torch.log_softmax(model.logits(model(read))[0], dim=-1).numpy()
            for place in range(start, end):
                assert scores[place] == pytest.approx(chances[place - first - 1, ids[place]], abs=1e-5)


def test_a_model_that_knows_nothing_needs_the_logarithm_of_its_vocabulary():
    blank = Llama(CONFIG).reset(0)  # its output layer starts at zero
    scores = token_log_probabilities(blank, [np.arange(3, 23)], start_id=2, context_length=16)[0]
    assert bits_per_byte(scores.sum(), num_bytes=40) == pytest.approx(20 * math.log2(50) / 40)
    assert math.isnan(bits_per_byte(0.0, 0))
