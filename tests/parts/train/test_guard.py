"""What would spoil a model is left out, and a spoilt model goes back to a checkpoint."""

import math
from dataclasses import replace

import pytest
import torch
from small_training import CONFIG, Heard, batch

from fournil.core.context import Context
from fournil.core.errors import FournilError
from fournil.parts.model.transformer import Llama
from fournil.parts.train.guard import ENOUGH, LINES, Guard, GuardSettings
from fournil.parts.train.loop import TrainSettings, train
from fournil.parts.train.schedule import Phase, Rates

PHASES = (Phase(40, Rates(norm=0.01), warmup_steps=3),)


def run(out, guard, model, *, heard=None, **changes):
    settings = replace(TrainSettings(PHASES, precision="float32", guard=guard, log_every=1), **changes)
    return train(model, batch, settings, out, Context(threads=1, progress=heard or Heard()))


def spoiling(model, at, factor):
    """Makes the gradients of one step so many times as long."""
    loss, calls = model.loss, iter(range(1, 1000))

    def spoilt(*arguments):
        return loss(*arguments) * (factor if next(calls) in at else 1.0)

    model.loss = spoilt
    return model


@pytest.mark.parametrize("factor", [math.nan, math.inf, 1e4])
def test_a_step_that_would_spoil_the_model_changes_nothing(factor, tmp_path):
    heard = Heard()
    model = spoiling(Llama(CONFIG).reset(0), {35}, factor)
    found = run(tmp_path, GuardSettings(spike=20.0), model, heard=heard)
    assert [(event["step"], event["did"]) for event in found.guard] == [(35, "left out")]
    assert found.parallel.all_finite()
    assert found.state["tokens_seen"] == 40 * 8 * 24
    assert found.state["tokens_learnt"] == 39 * (6 * 24 + 14)
    assert all(math.isfinite(line["loss"]) for line in found.losses)
    assert 35 not in [line["step"] for line in found.losses]
    assert any("Step 35 is left out" in note for note in heard.notes)


def test_without_the_guard_a_long_gradient_goes_in(tmp_path):
    """What the guard is there for: the same batch, let through, is learnt from."""
    left_out = run(tmp_path / "a", GuardSettings(spike=20.0), spoiling(Llama(CONFIG).reset(0), {35}, 1e4))
    let_in = run(tmp_path / "b", GuardSettings(), spoiling(Llama(CONFIG).reset(0), {35}, 1e4))
    assert left_out.guard
    assert not let_in.guard
    pairs = zip(left_out.parallel.model.parameters(), let_in.parallel.model.parameters(), strict=True)
    assert not all(torch.equal(one, other) for one, other in pairs)


def test_after_several_bad_steps_the_model_goes_back(tmp_path):
    heard = Heard()
    model = spoiling(Llama(CONFIG).reset(0), range(20, 24), math.nan)
    found = run(tmp_path, GuardSettings(patience=3), model, heard=heard, checkpoint_every=8, checkpoint_seconds=1e9)
    assert [(event["step"], event["did"]) for event in found.guard] == [
        (20, "left out"), (21, "left out"), (22, "left out"), (22, "went back"), (23, "left out"),
    ]  # fmt: skip
    assert found.guard[3]["to"] == 16
    assert any("goes back to what it was after step 16" in note for note in heard.notes)
    assert found.state["step"] == 40


def test_trouble_that_comes_back_at_once_goes_further_back(tmp_path):
    guard = GuardSettings(patience=3, rollbacks=2)
    model = spoiling(Llama(CONFIG).reset(0), range(20, 26), math.nan)
    found = run(tmp_path / "a", guard, model, checkpoint_every=8, checkpoint_seconds=1e9)
    assert [event["to"] for event in found.guard if event["did"] == "went back"] == [16, 8]
    assert found.state["step"] == 40
    model = spoiling(Llama(CONFIG).reset(0), range(20, 29), math.nan)
    with pytest.raises(FournilError, match=r"the loss of step 26 is no longer finite"):
        run(tmp_path / "b", guard, model, checkpoint_every=8, checkpoint_seconds=1e9)


def test_a_model_that_cannot_be_saved_ends_the_training_and_keeps_its_checkpoint(tmp_path):
    model = spoiling(Llama(CONFIG).reset(0), range(20, 100), math.nan)
    guard = GuardSettings(patience=3, rollbacks=1)
    with pytest.raises(FournilError, match=r"the loss of step 23 is no longer finite.*Lower the learning rates"):
        run(tmp_path, guard, model, checkpoint_every=8, checkpoint_seconds=1e9)
    again = run(tmp_path, guard, Llama(CONFIG).reset(0))
    assert again.measured["resumed_at_step"] == 16


def test_a_spoilt_model_goes_back_to_before_although_it_was_saved_since(tmp_path):
    """Spoilt amid a line of the log, it is saved as if nothing were wrong until that line is read."""
    model = Llama(CONFIG).reset(0)
    loss, calls = model.loss, iter(range(1, 1000))

    def spoilt(*arguments):
        if next(calls) == 18:
            model.unembedding.data.mul_(100.0).neg_()
        return loss(*arguments)

    model.loss = spoilt
    guard = GuardSettings(rise=2.0, rollbacks=1)
    found = run(tmp_path, guard, model, log_every=4, checkpoint_every=1, checkpoint_seconds=1e9)
    assert found.guard == [{"step": 28, "did": "went back", "to": 16}]
    assert found.losses[-1]["loss"] < found.losses[3]["loss"]
    assert min(int(path.name.removeprefix("step-")) for path in (tmp_path / ".work" / "checkpoint").iterdir()) > 28


def test_the_step_that_ended_a_training_is_not_one_left_out_long_before(tmp_path):
    def score(model):
        return {"fr": math.nan}

    model = spoiling(Llama(CONFIG).reset(0), {5}, math.nan)
    settings = TrainSettings(PHASES, precision="float32", validate_every=20)
    with pytest.raises(FournilError, match="the loss of step 20 is no longer finite"):
        train(model, batch, settings, tmp_path, Context(threads=1, progress=Heard()), validate=score)


def test_a_loss_that_stays_high_goes_back_to_before():
    guard = Guard(GuardSettings(rise=1.0))
    for loss in (5.0, 4.0, 3.0):
        guard.read(loss)
    for loss in (4.5, 4.6, 4.7)[: LINES - 1]:
        guard.read(loss)
        assert not guard.calm
        assert not guard.lost
    guard.read(4.8)
    assert guard.lost
    guard.went_back(60, 30, before=20)
    assert guard.calm
    assert guard.good_step == 20
    guard.saw(61, 1.0, math.inf)
    assert guard.good_step == 20  # where losses are watched, a step alone says nothing
    guard.read(3.1)
    assert guard.good_step == 61
    assert guard.events == [{"step": 60, "did": "went back", "to": 30}]


def test_a_new_phase_has_losses_of_its_own():
    guard = Guard(GuardSettings(rise=1.0))
    guard.read(2.0)
    guard.read(4.0, phase=1)
    assert guard.calm
    guard.read(5.5, phase=1)
    assert not guard.calm


def test_a_phase_whose_first_line_is_empty_has_losses_of_its_own(tmp_path):
    """Steps 21 to 24 are left out, all that the phase's first line would have been of."""
    phases = (Phase(20, Rates(norm=0.01), warmup_steps=3), Phase(20))
    loss, calls = Llama.loss, iter(range(1, 1000))

    class Harder(Llama):
        def loss(self, *arguments):
            call = next(calls)
            return loss(self, *arguments) * (math.nan if call in range(21, 25) else 1.0) + (5.0 if call > 20 else 0.0)

    found = run(tmp_path, GuardSettings(rise=2.0), Harder(CONFIG).reset(0), phases=phases, log_every=4)
    assert [line["step"] for line in found.losses][4:6] == [20, 28]
    assert [event["did"] for event in found.guard] == ["left out"] * 4


def test_what_it_remembers_goes_through_a_checkpoint():
    guard = Guard(GuardSettings(spike=2.0))
    for step in range(ENOUGH):
        guard.saw(step + 1, 1.0 + step % 3, guard.longest())
    assert guard.longest() == 4.0
    assert guard.saw(ENOUGH + 1, 4.5, guard.longest())
    assert not guard.saw(ENOUGH + 2, 3.9, guard.longest())
    other = Guard(GuardSettings(spike=2.0))
    other.restore(guard.state())
    assert other.longest() == guard.longest()
    assert other.events == [{"step": ENOUGH + 1, "did": "left out", "gradient": 4.5}]
