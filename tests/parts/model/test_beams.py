import itertools

import pytest
import torch

from fournil.parts.model.beams import beam_candidates
from fournil.parts.model.config import ModelConfig
from fournil.parts.model.generate import generate
from fournil.parts.model.transformer import Llama

STOP = 2


@pytest.fixture(scope="module")
def model():
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(11)
    model = Llama(ModelConfig(7, 16, 24, 2, 2, max_position_embeddings=32)).reset(0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator) * 0.4)
    return model


def beam_search(model, prompts, **settings):
    return [candidates[0][1] for candidates in beam_candidates(model, prompts, **settings)]


def mean_log_probability(model, prompt, text, *, ended):
    whole = torch.tensor([[*prompt, *text, *([STOP] if ended else [])]])
    with torch.no_grad():
        chances = torch.log_softmax(model.logits(model(whole)), dim=-1)[0]
    places = range(len(prompt), whole.shape[1])
    return sum(float(chances[place - 1, whole[0, place]]) for place in places) / (len(text) + 1)


def test_with_enough_beams_the_best_of_all_texts_is_found(model):
    prompts = [[3, 4, 5], [6], [1, 1, 4, 3, 0]]
    found = beam_search(model, prompts, stop_ids={STOP}, max_new_tokens=3, num_beams=400)
    letters = [token for token in range(7) if token != STOP]
    for prompt, text in zip(prompts, found, strict=True):
        ways = [way for n in range(4) for way in itertools.product(letters, repeat=n)]
        scores = {way: mean_log_probability(model, prompt, way, ended=len(way) < 3) for way in ways}
        assert scores[tuple(text)] == pytest.approx(max(scores.values()), abs=1e-5)


def test_one_beam_is_greedy_and_more_are_no_less_likely(model):
    generator = torch.Generator().manual_seed(0)
    lengths = torch.randint(1, 9, (24,), generator=generator).tolist()
    prompts = [torch.randint(0, 7, (length,), generator=generator).tolist() for length in lengths]
    greedy = generate(model, prompts, stop_ids={STOP}, max_new_tokens=10)
    assert beam_search(model, prompts, stop_ids={STOP}, max_new_tokens=10, num_beams=1) == greedy
    wide = beam_search(model, prompts, stop_ids={STOP}, max_new_tokens=10, num_beams=4)
    likelihoods = [
        sum(mean_log_probability(model, p, t, ended=len(t) < 10) for p, t in zip(prompts, texts, strict=True))
        for texts in (greedy, wide)
    ]
    assert likelihoods[1] > likelihoods[0]


def test_a_search_does_not_depend_on_its_company(model):
    prompts = [[3], [4, 4, 5], [6, 1], [5, 3, 1, 1], [0]]
    limits = [9, 2, 0, 6, 40]
    together = beam_search(model, prompts, stop_ids={STOP}, max_new_tokens=limits, num_beams=3)
    alone = [
        beam_search(model, [prompt], stop_ids={STOP}, max_new_tokens=limit, num_beams=3)[0]
        for prompt, limit in zip(prompts, limits, strict=True)
    ]
    assert together == alone
    assert [len(text) <= limit for text, limit in zip(together, limits, strict=True)] == [True] * 5
