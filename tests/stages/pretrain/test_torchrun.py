"""The command under torchrun: the first process bakes, all of them train."""

import json
import shutil
import subprocess
import sys

import pytest
from failing_together import command
from together import start

from fournil.core.errors import EXIT_FAILED


def command_of(repository, run):
    return ["pretrain", "--threads", "2", "--recipe", str(repository / "recipes" / "mie.toml"), "--run", str(run)]


def torchrun(repository, run, *arguments):
    # `--` ends torchrun's own options, of which one begins like --run
    words = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "--"]
    words += ["fournil", *command_of(repository, run), *arguments]
    return subprocess.run(words, capture_output=True, text=True, timeout=300, check=False)


@pytest.fixture
def tokenized(mie, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(mie, run)
    shutil.rmtree(run / "04-pretrain")
    return run


def test_two_processes_bake_the_same_model(mie, tokenized, repository):
    done = torchrun(repository, tokenized, "--set", 'pretrain.parallel.strategy="fsdp"')
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("04-pretrain  ") == 2  # begun and done, said by one of them
    alone, together = (json.loads((run / "04-pretrain" / "record.json").read_text()) for run in (mie, tokenized))
    assert together["config"] == alone["config"]  # how processes share the work is no setting of what is learnt
    assert together["outputs"]["files"].keys() == alone["outputs"]["files"].keys()
    assert together["measured"]["ranks"] == 2
    assert together["measured"]["strategy"] == "fsdp"
    assert together["measured"]["threads"] == 1
    for one, other in zip(alone["facts"]["loss_curve"], together["facts"]["loss_curve"], strict=True):
        assert other["loss"] == pytest.approx(one["loss"], rel=2e-5)
    one, other = (facts["facts"]["validation_curve"][-1]["bits_per_byte"] for facts in (alone, together))
    assert other == pytest.approx(one, rel=1e-5)
    for path in ("config.json", "tokenizer.json"):
        assert (tokenized / "04-pretrain" / path).read_bytes() == (mie / "04-pretrain" / path).read_bytes()


def test_what_is_wrong_is_said_once(tokenized, repository, tmp_path):
    words = [*command_of(repository, tokenized), "--set", "pretrain.max_epochs=0.001"]
    (first, answer), (second, _) = start(2, tmp_path, command, words, tmp_path)
    assert answer.poll(60)
    assert answer.recv() == ("done", EXIT_FAILED)
    first.kill()  # it is done; what it holds open would be closed by the end of the program
    second.join(20)
    assert second.exitcode == EXIT_FAILED
    lines = [line for rank in (0, 1) for line in (tmp_path / f"said-{rank}.txt").read_text().splitlines()]
    said = [line for line in lines if line.startswith("fournil:")]
    assert len(said) == 1
    assert "tokens, this training asks for" in said[0]
    assert not (tokenized / "04-pretrain").exists()
