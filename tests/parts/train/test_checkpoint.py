"""Checkpoints: whole or not there, read by any number of processes, and refused where they cannot be right."""

import errno
import json
import shutil
import signal
from functools import partial

import pytest
import torch
from failing_together import training_on_a_full_disk
from small_training import CONFIG, in_a_folder_of_its_own, training
from together import start, together

from fournil.core.errors import FournilError
from fournil.core.files import TEMPORARY
from fournil.parts.model.config import ModelConfig
from fournil.parts.model.transformer import Llama
from fournil.parts.train.checkpoint import KEPT, STATE, Checkpoints
from fournil.parts.train.guard import Guard, GuardSettings
from fournil.parts.train.optimizer import Optimizer, OptimizerSettings


def checkpoints(work, config=CONFIG, *, seed=0, aside=False, matrices="muon"):
    model = Llama(config).reset(seed)
    return Checkpoints(work, model, Optimizer(model, OptimizerSettings(matrices=matrices)), aside=aside)


def state(step):
    known = dict.fromkeys(STATE, 0) | {"guard": Guard(GuardSettings()).state(), "tally": {}}
    return known | {"step": step, "précision": "é"}


@pytest.mark.parametrize("aside", [False, True])
def test_what_is_saved_is_read_back_to_the_last_bit(aside, tmp_path):
    mine, other = checkpoints(tmp_path, aside=aside), checkpoints(tmp_path, seed=1)
    for tensor in mine._optimizer.state().values():
        tensor.copy_(torch.randn(tensor.shape))
    before = {name: tensor.clone() for name, tensor in mine._tensors().items()}
    mine.save(state(7))
    for tensor in mine._tensors().values():
        tensor.zero_()  # training goes on while it is written
    mine.wait()
    assert other.restore() == state(7)
    assert all(torch.equal(tensor, before[name]) for name, tensor in other._tensors().items())


def test_the_last_ones_stay_and_half_made_ones_go(tmp_path):
    mine = checkpoints(tmp_path)
    (mine.folder / f"{TEMPORARY}1-step-00000003").mkdir()
    mine = checkpoints(tmp_path)
    for step in (2, 4, 6):
        mine.save(state(step))
    assert mine.steps() == [4, 6]
    assert len(mine.steps()) == KEPT
    assert mine.restore(4) == state(4)
    assert not list(mine.folder.glob(f"{TEMPORARY}*"))


def test_the_last_one_known_to_be_good_stays_beside_the_last_ones(tmp_path):
    mine = checkpoints(tmp_path)
    for step in (2, 4, 6, 8, 10):
        told = state(step)
        mine.save(told | {"guard": told["guard"] | {"good_step": 5}})
    assert mine.steps() == [4, 8, 10]
    mine.save(state(12) | {"guard": state(12)["guard"] | {"good_step": 11}})
    assert mine.steps() == [10, 12]
    mine.forget_after(10)
    assert mine.steps() == [10]
    assert [path.name for path in mine.folder.iterdir()] == ["step-00000010"]


@pytest.mark.parametrize("aside", [False, True])
def test_a_full_disk_is_said_and_the_last_good_one_stays(aside, tmp_path, monkeypatch):
    mine = checkpoints(tmp_path, aside=aside)
    mine.save(state(5))
    mine.wait()

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("fournil.parts.train.checkpoint.save_file", full)
    with pytest.raises(FournilError, match=r"the disk is full.*Free some space"):
        mine.save(state(6))
        mine.wait()
    assert mine.restore() == state(5)
    assert [path.name for path in mine.folder.iterdir()] == ["step-00000005"]


@pytest.mark.parametrize("how", ["cut", "lost", "no state", "half a state", "nan"])
def test_a_checkpoint_that_is_not_whole_is_refused(how, tmp_path):
    mine = checkpoints(tmp_path)
    if how == "nan":
        mine._model.embedding.data[0, 0] = float("nan")
    mine.save(state(5))
    folder = mine.folder / "step-00000005"
    weights = folder / "training.safetensors"
    if how == "cut":
        weights.write_bytes(weights.read_bytes()[:-100])
    elif how == "lost":
        weights.unlink()
    elif how == "no state":
        (folder / "state.json").unlink()
    elif how == "half a state":
        (folder / "state.json").write_text(json.dumps({"step": 5}))
    with pytest.raises(FournilError, match=r"step-00000005.*Remove it: training then goes on from"):
        checkpoints(tmp_path).restore()


@pytest.mark.parametrize(
    "config",
    [ModelConfig(60, 16, 32, 2, 4, 2, max_position_embeddings=32), ModelConfig(60, 16, 24, 1, 4, 2), None],
)
def test_a_checkpoint_of_another_model_or_optimizer_is_refused(config, tmp_path):
    checkpoints(tmp_path).save(state(5))
    with pytest.raises(FournilError, match="of another model, or of another optimizer"):
        checkpoints(tmp_path, config or CONFIG, matrices="muon" if config else "adamw").restore()


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return training(0, tmp_path_factory.mktemp("whole"))


@pytest.fixture(scope="module")
def stopped(tmp_path_factory):
    """Two processes, the model spread over them; one of them is told to end at step 11."""
    out = tmp_path_factory.mktemp("stopped")
    work = partial(training, strategy="fsdp", checkpoint_every=5, signals={10: signal.SIGTERM})
    first, second = together(2, out, work, out)
    assert first[-1] == second[-1] == "Told to end after step 12."
    assert names(out) == ["step-00000010", "step-00000012"]
    return out


def names(out):
    return sorted(path.name for path in (out / ".work" / "checkpoint").iterdir() if path.name.startswith("step-"))


def is_on_the_way_of(found, whole):
    assert found["losses"] == pytest.approx(whole["losses"], rel=1e-6)
    assert found["state"] == whole["state"]
    for name, weights in whole["weights"].items():
        assert found["weights"][name] == pytest.approx(weights, abs=2e-5), name
    return True


def test_told_to_end_two_processes_save_and_one_goes_on_with_the_same_losses(stopped, whole, tmp_path):
    shutil.copytree(stopped, tmp_path / "run")
    found = training(0, tmp_path / "run")
    assert found["measured"]["resumed_at_step"] == 12
    assert any("made by 2 × 1 processes and threads, now there are 1 × 1" in note for note in found["notes"])
    assert is_on_the_way_of(found, whole)


def test_one_of_four_is_killed_and_two_go_on_with_the_same_losses(whole, tmp_path):
    work = partial(training, checkpoint_every=5, signals={18: signal.SIGKILL})
    started = start(4, tmp_path, work, tmp_path / "run")
    for process, _ in started:
        process.join(120)
    assert [process.exitcode for process, _ in started].count(-signal.SIGKILL) == 1
    assert all(pipe.recv()[0] == "failed" for _, pipe in started[:3])
    assert names(tmp_path / "run")[-1] in ("step-00000010", "step-00000015")
    found = together(2, tmp_path, partial(training, strategy="fsdp"), tmp_path / "run")[0]
    assert found["measured"]["resumed_at_step"] in (10, 15)
    assert is_on_the_way_of(found, whole)


def test_a_disk_that_is_full_for_one_of_two_is_said_by_both_and_the_last_good_one_stays(tmp_path):
    first, second = together(2, tmp_path, training_on_a_full_disk, tmp_path / "run")
    assert first == second
    assert first.startswith("FournilError: the disk is full [")
    assert [path.name for path in (tmp_path / "run" / ".work" / "checkpoint").iterdir()] == ["step-00000005"]


def test_a_share_that_is_gone_is_noticed(stopped, tmp_path):
    shutil.copytree(stopped, tmp_path / "run")
    shares = sorted((tmp_path / "run" / ".work" / "checkpoint" / "step-00000012").glob("*.safetensors"))
    assert len(shares) == 2
    shares[1].unlink()
    with pytest.raises(FournilError, match="another model|a part of .* is missing"):
        training(0, tmp_path / "run")


def test_processes_that_see_different_folders_are_refused(tmp_path):
    with pytest.raises(AssertionError, match="the processes of this training see different folders"):
        together(2, tmp_path, in_a_folder_of_its_own, tmp_path)
