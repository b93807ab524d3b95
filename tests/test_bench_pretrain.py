"""The comparison of pretraining: peers learn the same, turns are turns, what was run is kept, rows are read rightly."""

import argparse
import contextlib
import importlib.util
from dataclasses import asdict
from pathlib import Path

import pytest
import torch

import fournil
from fournil.parts.train.schedule import Phase
from pretraining import gpu, learning, speed, stream, trainer, turns
from pretraining.engines import Settings, chance_ids
from pretraining.runs import Runs
from pretraining.shapes import CPU, TINY
from pretraining.turns import WorkerError, in_turn
from pretraining.worker import Work, make_start, run

BENCH = Path(__file__).resolve().parents[1] / "bench"


def front():
    spec = importlib.util.spec_from_file_location("bench_pretrain", BENCH / "pretrain.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_transformers_and_the_training_loop_learn_the_same(tmp_path):
    start = str(make_start(TINY, tmp_path))
    ours, peer = (run(Work(name, "tiny", Settings(1), start, steps=4)) for name in ("fournil", "transformers"))
    assert ours == pytest.approx(peer, rel=speed.TOLERANCE)
    assert ours[-1] < ours[0] - 0.01  # and it is learning that is compared
    halves = run(Work("transformers", "tiny", Settings(1, micro_rows=2), start, steps=4))
    assert halves == pytest.approx(peer, rel=1e-4)


def test_workers_take_turns_and_one_that_fails_says_why():
    [times] = in_turn([Work("fournil-muon", "tiny", Settings(1))], rounds=2, steps=2)
    assert len(times) == 2
    assert min(times) > 0
    with pytest.raises(WorkerError, match="KeyError"):
        in_turn([Work("no-such-engine", "tiny", Settings(1))], rounds=1, steps=1)


def test_batches_by_chance_are_the_same_each_time_and_have_frequent_words():
    ids, targets = chance_ids(TINY, 3)
    assert torch.equal(ids, chance_ids(TINY, 3)[0])
    assert not torch.equal(ids, chance_ids(TINY, 4)[0])
    assert torch.equal(ids[:, 1:], targets[:, :-1])
    ids = torch.cat([chance_ids(TINY, number)[0].flatten() for number in range(50)])
    assert 0 <= int(ids.min()) <= int(ids.max()) < 1024
    assert int((ids < 31).sum()) == pytest.approx(len(ids) / 2, rel=0.1)


def test_what_was_run_is_kept_and_found_again(tmp_path):
    path = tmp_path / "runs.jsonl"
    runs = Runs(path)
    asked = {"what": "training", "rate": 0.002}
    assert runs.get(asked) is None
    runs.keep(asked, {"seconds": 3})
    runs.keep({"what": "race"}, {"seconds": 4})
    again = Runs(path)
    assert again.get({"rate": 0.002, "what": "training"}) == {"seconds": 3}
    assert again.get(asked | {"rate": 0.003}) is None
    again.keep(asked, {"seconds": 5})
    assert Runs(path).get(asked) == {"seconds": 5}
    assert [found for _, found in Runs(path).all(what="race")] == [{"seconds": 4}]


def known(arms, edge=0.0):
    """A training whose bits grow with the distance of its rate from its arm's best, and with fewer tokens."""

    def train(training):
        assert training.arm in arms
        middle = (4.0 if training.arm == "muon" else 0.016) * 2**edge
        far = abs(training.rate / middle - 1)
        bits = 2.0 + far + 0.01 * training.seed - (0.3 if training.arm == "muon" else 0.0)
        bits += 0.2 * (learning.TOKENS / training.tokens - 1)
        return {"bits_per_byte": {"fr": bits, "en": bits + 0.5}}

    return train


def test_a_best_rate_at_the_edge_widens_the_sweep():
    assert learning.best_rate("adamw", known(("adamw",))) == 0.016
    assert learning.best_rate("adamw", known(("adamw",), edge=-7)) == pytest.approx(0.000125)
    assert learning.best_rate("adamw", lambda training: None) is None


def test_the_rows_of_quality():
    rows = learning.quality(known(("adamw", "muon")))
    assert rows is not None
    assert [row["case"] for row in rows][:2] == ["quality, fr, 100% of the tokens", "quality, en, 100% of the tokens"]
    assert rows[0]["ours"] == pytest.approx(1.71)
    assert rows[0]["peer"] == pytest.approx(2.01)
    assert rows[2]["ours"] == pytest.approx(1.91)
    assert learning.quality(lambda training: None if training.seed else known(("adamw", "muon"))(training)) is None


def test_muons_own_products_are_counted():
    width, feed = TINY.model.hidden_size, TINY.model.intermediate_size
    square, wide = 6 * width**3, 4 * width**2 * feed + 2 * width**3
    per_step = 3 * TINY.model.num_hidden_layers * (4 * square + 3 * wide)
    model = TINY.model.training_flops_per_token(TINY.length) * TINY.tokens
    assert learning.muon_operations(TINY) == pytest.approx(per_step / model)


def test_time_to_loss_takes_the_fewest_tokens_that_are_enough(tmp_path, monkeypatch):
    ran = []

    def race(trainings, folder):
        ran.append(trainings)
        return [{"active_seconds": s, "bits_per_byte": {"fr": 1.9, "en": 2.4}} for s in (4.0, 10.0)]

    monkeypatch.setattr(learning, "in_slices", race)
    runs = Runs(tmp_path / "runs.jsonl")
    [row] = learning.time_to_loss(known(("transformers", "muon")), runs, tmp_path, None) or []
    assert (row["ratio"], row["equal"], len(ran)) == (2.5, True, learning.RACES)
    assert ran[0][0].tokens == learning.TOKENS // 2  # a third would have been 0.1 too bad
    learning.time_to_loss(known(("transformers", "muon")), runs, tmp_path, None)
    assert len(ran) == learning.RACES  # what was run is not run again


def test_the_peers_cosine_is_the_schedules():
    phase = Phase(40, warmup_steps=4, decay_steps=36, decay="cosine", final_factor=trainer.FINAL)
    assert [trainer.factor(step, 40, 4) for step in range(40)] == pytest.approx([phase.factor(s) for s in range(40)])


def test_strongest_follows_the_sweep(tmp_path):
    runs = Runs(tmp_path / "runs.jsonl")
    base = {"what": "sweep", "engine": "fournil", "case": "5M", "machine": learning.machine()}
    plain, compiled, one = Settings(), Settings(compile=True), Settings(1, compile=True)
    for settings, beside, ratio in ((plain, None, 2.0), (compiled, plain, 1.2), (one, compiled, 0.6)):
        asked = base | {"settings": asdict(settings), "beside": asdict(beside) if beside else None}
        runs.keep(asked, {"ratio": ratio})
    assert learning.strongest("fournil", runs) == compiled
    assert learning.strongest("transformers", runs) == Settings()


def test_a_sweep_that_was_made_is_read(tmp_path, monkeypatch):
    runs = Runs(tmp_path / "runs.jsonl")
    asked_for = []

    def timed(works, *, rounds, steps, further):
        asked_for.append(rounds)
        fast = [0.5 if work.settings.compile else 1.0 for work in works]
        return [[seconds] * rounds for seconds in fast]

    monkeypatch.setattr(speed, "in_turn", timed)
    monkeypatch.setattr(speed, "workers", lambda works, warm: contextlib.nullcontext())
    monkeypatch.setattr(speed, "_half_is_worth_it", lambda: False)
    best = speed.sweep(Work("fournil", "5M"), runs)
    assert best == Work("fournil", "5M", Settings(2, compile=True))
    num, sizes = len(asked_for), len(CPU["5M"].micro_rows) - 1
    assert asked_for.count(speed.ROUNDS) == 2 * len(speed.THREADS) - 1 + sizes
    assert speed.sweep(Work("fournil", "5M"), Runs(tmp_path / "runs.jsonl")) == best
    assert len(asked_for) == num


@pytest.mark.parametrize(("first", "rounds"), [(1.02, 9), (1.2, 3)])
def test_what_comes_close_has_more_turns(tmp_path, monkeypatch, first, rounds):
    class Turns:
        def __init__(self, *seconds):
            self.seconds = list(seconds)

        def turn(self, steps):
            return [self.seconds.pop(0)] * steps

    best, tried = Turns(*[1.0] * 9), Turns(*[first] * 3, *[0.9] * 6)
    monkeypatch.setattr(turns, "workers", lambda works, warm: contextlib.nullcontext([best, tried]))
    found = speed._tried(Work("fournil", "5M"), Work("litgpt", "5M"), Runs(tmp_path / "runs.jsonl"), 2)
    # Where they are close, three turns alone would have refused what six more show to be faster.
    assert found["ratio"] == pytest.approx(1 / 0.9 if rounds == 9 else 1 / first, abs=1e-3)
    assert len(tried.seconds) == 9 - rounds


def test_what_is_far_slower_is_not_compiled_too(tmp_path, monkeypatch):
    tried = []

    def timed(works, *, rounds, steps, further):
        tried.append(works[1].settings)
        return [[1.0 / work.settings.threads] * rounds for work in works]

    monkeypatch.setattr(speed, "in_turn", timed)
    monkeypatch.setattr(speed, "workers", lambda works, warm: contextlib.nullcontext())
    monkeypatch.setattr(speed, "_half_is_worth_it", lambda: False)
    assert speed.sweep(Work("fournil", "5M"), Runs(tmp_path / "runs.jsonl")) == Work("fournil", "5M", Settings(2))
    assert Settings(1) in tried
    assert Settings(1, compile=True) not in tried


def test_a_table_keeps_the_cases_that_were_not_asked_for(tmp_path):
    module = front()
    row = {
        "of": "cpu-5M", "case": "cpu-5M, litgpt", "ours": 2100, "peer": 2000.5, "ratio": 1.05, "unit": "tokens/s",
        "equal": 1.0, "settings": {"ours": "a", "peer": "b"}, "machine": "M",
    }  # fmt: skip
    note = {"of": "cpu-5M", "case": "cpu-5M, nanochat", "note": "did not run: no such module", "machine": "M"}
    path = tmp_path / "table.txt"
    path.write_text(module.written({"cpu-5M": [row, note]}), "utf-8")
    text = path.read_text("utf-8")
    assert "| cpu-5M, litgpt | 2,100   | 2,000 | 1.05  | 1     | tokens/s |" in text  # 2000.5 is even after rounding
    assert "cpu-5M, litgpt: ours: a; peer: b." in text
    assert "cpu-5M, nanochat: did not run: no such module." in text
    assert module.kept(path) == {"cpu-5M": [row, note]}


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_without_a_gpu_a_sentence_is_said(tmp_path):
    assert list(gpu.rows("gpu-1.3B", Runs(tmp_path / "r"), tmp_path, steps=1)) == [
        {"case": "gpu-1.3B", "note": "there is no GPU here"}
    ]


def test_without_text_a_sentence_is_said(tmp_path):
    asked = argparse.Namespace(
        runs=tmp_path / "runs.jsonl",
        minutes=1.0,
        data=tmp_path / "none",
        work=tmp_path,
        peers=tmp_path,
        rounds=1,
        steps=1,
    )
    [row] = front().measured("quality", asked)
    assert "no real text here" in row["note"]


def crumbs(_data):
    """The crumb's own text, again and again."""
    folder = Path(fournil.__file__).parent / "data" / "mie"
    for tag in ("fr", "en"):
        whole = "\n".join(path.read_text("utf-8") for path in sorted((folder / tag).glob("*.txt")))
        for start in range(0, 40_000, 2_000):
            yield "mie", tag, (whole * 9)[start : start + 2_000]


def test_all_arms_train_on_text(tmp_path, monkeypatch):
    monkeypatch.setattr(stream, "TRAIN_MB", 0.02)
    monkeypatch.setattr(stream, "HELDOUT_MB", 0.01)
    monkeypatch.setattr(stream, "texts", crumbs)
    folder = stream.prepared(tmp_path, tmp_path, 1024)
    assert stream.prepared(tmp_path, tmp_path, 1024) == folder
    arms = [trainer.Training(arm, "tiny", 0.01, 0, 2 * TINY.tokens, Settings(1)) for arm in trainer.ARMS]
    for arm in arms:
        assert trainer.read(arm.told(folder)) == (arm, folder, "")
        found = trainer.run(arm, folder, "")["bits_per_byte"]
        assert set(found) == {"fr", "en"}
        assert all(1.0 < bits < 9.0 for bits in found.values())
    [raced] = learning.in_slices(arms[:1], folder, seconds=2.0)
    assert raced["active_seconds"] > 0
    assert raced["bits_per_byte"] == trainer.run(arms[0], folder, "")["bits_per_byte"]
