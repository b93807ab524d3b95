"""Several processes train one model: over gloo, on this machine."""

from functools import partial

import pytest
from failing_together import training_beside_one_that_hangs
from small_training import training
from together import start, together

from fournil.parts.train.schedule import Phase


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    return training(0, tmp_path_factory.mktemp("alone"))


@pytest.mark.parametrize(("ranks", "strategy"), [(2, "ddp"), (4, "fsdp")])
def test_losses_are_those_of_a_single_process(ranks, strategy, expected, tmp_path):
    """Muon trains the matrices and AdamW the rest, so both have whole weights and spread ones."""
    found, *others = together(ranks, tmp_path, partial(training, strategy=strategy), tmp_path)
    assert len(expected["losses"]) == 50
    assert expected["losses"][-1] < expected["losses"][0] - 0.3
    assert found["losses"] == pytest.approx(expected["losses"], rel=1e-6)
    assert found["by_group"] == [pytest.approx(line, rel=1e-6) for line in expected["by_group"]]
    assert found["scores"] == [pytest.approx(line, rel=1e-6) for line in expected["scores"]]
    assert found["state"] == expected["state"]
    assert all(other["losses"] == found["losses"] and other["weights"] is None for other in others)
    assert found["measured"]["ranks"] == ranks
    assert found["measured"]["strategy"] == strategy
    for name, weights in expected["weights"].items():
        assert found["weights"][name] == pytest.approx(weights, abs=2e-5), name
    assert set(found["moments"]) == set(expected["moments"])


@pytest.mark.parametrize("strategy", ["ddp", "fsdp"])
def test_nobody_waits_for_ever_for_a_process_that_hangs(strategy, tmp_path):
    (first, answer), (second, _) = start(2, tmp_path, training_beside_one_that_hangs, tmp_path, strategy)
    assert answer.poll(60)
    assert answer.recv() == ("done", "given up")
    assert second.exitcode is None  # it hangs still
    for process in (first, second):
        process.kill()


@pytest.mark.parametrize(("strategy", "said"), [("auto", []), ("fsdp", ["fsdp"]), ("ddp", ["ddp"])])
def test_a_strategy_that_one_process_cannot_follow_is_said(strategy, said, tmp_path):
    found = training(0, tmp_path, strategy=strategy, phases=(Phase(1),))
    assert found["measured"]["strategy"] == "one process"
    notes = [note for note in found["notes"] if "strategy" in note]
    assert notes == [f'strategy = "{name}" changes nothing: this training has one process.' for name in said]
