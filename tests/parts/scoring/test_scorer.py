import math

import numpy as np
import pytest
import torch
from random_models import LINES, random_model

from fournil.core.errors import FournilError
from fournil.parts.model.generate import Sampling, generate
from fournil.parts.scoring import Scorer, open_scorer
from fournil.parts.scoring.requests import Request


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


def _pairs(
    num: int = 12, context: str = "Question: où est le chat ?\nRéponse: sur la chaise.\n\n"
) -> list[tuple[str, str]]:
    words = " ".join(LINES).split()
    dice = np.random.Generator(np.random.PCG64(5))
    items = [" ".join(dice.choice(words, 6)) for _ in range(num)]
    return [
        (f"{context}Question: {item}\nRéponse:", " " + " ".join(dice.choice(words, 1 + choice)))
        for item in items
        for choice in range(4)
    ]


def _alone(scorer: Scorer, request: Request) -> tuple[float, bool]:
    """The same by the plainest way: one row, all logits."""
    with torch.inference_mode():
        model = scorer.engine.model
        logits_TV = model.logits(model(torch.from_numpy(request.ids).long()[None]))[0].double()
    logits_NV = torch.log_softmax(logits_TV, dim=-1)[request.first :]
    targets_N = torch.from_numpy(request.targets).long()
    best = bool((logits_NV.argmax(dim=-1) == targets_N).all())
    return float(logits_NV.gather(1, targets_N[:, None]).sum()), best


@pytest.mark.parametrize("max_tokens", [1, 40, 100_000])
def test_scores_do_not_depend_on_what_is_read_together(random_llama, max_tokens):
    scorer = open_scorer(random_llama)
    scorer.max_tokens = max_tokens
    pairs = [*_pairs(), *_pairs(3, ""), ("", "Le chat"), ("Le chat  ", "dort"), _pairs()[0], ("x" * 300, " long")]
    requests = scorer.encoder.pairs(pairs)
    finished: list[int] = []
    scores = scorer.log_likelihoods(pairs, finished.append)
    assert sum(finished) == len(pairs)
    for score, request in zip(scores, requests, strict=True):
        value, best = _alone(scorer, request)
        assert score.value == pytest.approx(value, abs=2e-5)
        assert score.greedy == best
    assert scores[-1].truncated
    assert not scores[0].truncated


def test_a_greedy_continuation_is_known_as_such(random_llama):
    scorer = open_scorer(random_llama)
    (prompt,) = scorer.encoder.encode(["Le chat dort"])
    (ids,) = generate(scorer.engine.model, [prompt.tolist()], stop_ids=(), max_new_tokens=4)
    request = Request(np.concatenate((prompt, ids[:-1])).astype(np.int32), np.array(ids, dtype=np.int32))
    other = Request(request.ids, np.array([*ids[:-1], (ids[-1] + 1) % 600], dtype=np.int32))
    _, greedy = scorer._score([request, other], None)
    assert greedy.tolist() == [True, False]


def test_rolling_predicts_each_token_once_in_windows(random_llama):
    scorer = open_scorer(random_llama)
    texts = [" ".join(LINES) * 4, "Le chat", "", LINES[0]]
    ids = scorer.encoder.encode(texts)
    assert len(ids[0]) > 2 * scorer.engine.context_length
    expected = [
        sum((_alone(scorer, request)[0] for request in scorer.encoder.rolling(text)), start=0.0) for text in texts
    ]
    finished: list[int] = []
    assert scorer.rolling(texts, finished.append) == pytest.approx(expected, abs=1e-3)
    assert sum(finished) == len(texts)
    assert len(finished) > 1
    assert scorer.rolling(["", ""], finished.append) == [0.0, 0.0]
    windows = list(scorer.encoder.rolling(texts[0]))
    assert np.concatenate([window.targets for window in windows]).tolist() == ids[0].tolist()
    assert [len(window.ids) for window in windows] == [scorer.engine.context_length] * len(windows)


@pytest.mark.parametrize("shared", ["", LINES[2] * 2])
@pytest.mark.parametrize("sampling", [Sampling(), Sampling(0.8, 0.9, seed=3)])
def test_writing_behind_a_shared_beginning_is_writing_alone(random_llama, shared, sampling):
    scorer = open_scorer(random_llama)
    prompts = [shared + text for text in ("Le chat", "The cat sleeps on", "Où", "Le chat dort", "Le chat", "B")]
    limits = [12, 5, 20, 16, 12, 1]
    written = scorer.generate(prompts, stops=[[]] * 6, max_new_tokens=limits, sampling=sampling)
    for prompt, limit, answer in zip(prompts, limits, written, strict=True):
        (ids,) = scorer.encoder.encode([prompt])
        (alone,) = generate(
            scorer.engine.model,
            [ids.tolist()],
            stop_ids=scorer.encoder.stop_ids,
            max_new_tokens=limit,
            sampling=sampling,
        )
        assert answer.num_tokens == len(alone)
        assert answer.text == scorer.engine.tokenizer.decode(alone, skip_special_tokens=True)


def test_a_stop_string_ends_an_answer(random_llama):
    scorer = open_scorer(random_llama)
    (free,) = scorer.generate(["Le chat dort"], stops=[[]], max_new_tokens=30)
    stop = free.text[5:8]
    (ended,) = scorer.generate(["Le chat dort"], stops=[[stop]], max_new_tokens=30)
    assert ended.text == free.text.split(stop)[0]
    assert ended.num_tokens < free.num_tokens


def test_a_prompt_too_long_is_cut_on_the_left_and_counted(random_llama):
    scorer = open_scorer(random_llama)
    long, short = scorer.generate([" ".join(LINES) * 3, "Le"], stops=[[], []], max_new_tokens=8)
    assert (long.truncated, short.truncated) == (True, False)
    (kept,) = scorer.encoder.prompts([" ".join(LINES) * 3], [[]], [256])
    assert len(kept.ids) == scorer.engine.context_length // 2 == kept.max_new_tokens


def test_an_uneven_border_is_counted(random_llama):
    scorer = open_scorer(random_llama)
    even, uneven = scorer.log_likelihoods([("Le chat", " dort"), ("Le c", "hat dort")])
    assert (even.uneven, uneven.uneven) == (False, True)


@pytest.mark.parametrize(
    ("pair", "said"), [(("Le chat", ""), "no tokens of its own"), (("a", " mot" * 400), "tokens, the model reads")]
)
def test_an_answer_that_cannot_be_scored_is_named(random_llama, pair, said):
    with pytest.raises(FournilError, match=said):
        open_scorer(random_llama).log_likelihoods([pair])


def test_nan_is_refused(random_llama):
    scorer = open_scorer(random_llama)
    with torch.no_grad():
        scorer.engine.model.norm.fill_(math.nan)
    with pytest.raises(FournilError, match="NaN"):
        scorer.log_likelihoods([("Le chat", " dort")])
    with pytest.raises(FournilError, match="NaN"):
        scorer.generate(["Le chat"], stops=[[]], max_new_tokens=3)


def test_bf16_is_near_fp32(random_llama):
    pairs = _pairs(4)
    fp32 = np.array([score.value for score in open_scorer(random_llama).log_likelihoods(pairs)])
    bf16 = np.array([score.value for score in open_scorer(random_llama, precision="bf16").log_likelihoods(pairs)])
    assert np.abs(fp32 - bf16).max() < 0.05 * np.abs(fp32).max()
    assert np.abs(fp32 - bf16).max() > 0


def test_an_unknown_precision_is_refused(random_llama):
    with pytest.raises(FournilError, match="no precision 'int4'"):
        open_scorer(random_llama, precision="int4")


def test_another_architecture_scores_through_transformers(tmp_path):
    """Read as a Llama and as transformers' own class, the same weights give the same scores and answers."""
    import transformers

    from fournil.parts.model.engine import TransformersEngine
    from fournil.parts.model.folder import read_json

    folder = random_model(tmp_path / "m", heads=4, kv_heads=4, tied=True)
    ours = open_scorer(folder)
    theirs = Scorer(TransformersEngine(folder, read_json(folder / "config.json")), folder)
    assert transformers.__version__
    pairs = _pairs(5)
    one, two = ours.log_likelihoods(pairs), theirs.log_likelihoods(pairs)
    assert [score.value for score in one] == pytest.approx([score.value for score in two], abs=2e-5)
    assert [score.greedy for score in one] == [score.greedy for score in two]
    stops = [["\n"], ["e"]]
    texts = ["Question: où", "The cat"]
    assert ours.generate(texts, stops=stops, max_new_tokens=12) == theirs.generate(
        texts, stops=stops, max_new_tokens=12
    )
