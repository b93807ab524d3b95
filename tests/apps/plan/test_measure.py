"""Measuring this machine: never more than it is worth, and what is measured is what is used."""

import json
import subprocess
import sys

import pytest

from fournil.apps.plan import measure, rates
from fournil.apps.plan.hardware import hardware_of
from fournil.apps.plan.measure import heard, in_child, measured_speed, quick_probe, request_for
from fournil.apps.plan.rates import Speed
from fournil.apps.plan.stages import Estimator

REFERENCE = Speed(seconds=0.2, way="probe")


def estimator(plan, **more):
    return Estimator(plan.order, plan.tokens, plan.hardware, Speed(**more))


def test_small_work_is_foretold_from_a_probe_alone(planned):
    def child(request, budget):
        raise AssertionError("the child would cost more than it tells")

    speed = measured_speed(estimator(planned("mie")), probe=lambda: REFERENCE, child=child)
    assert speed.way == "probe"


def test_measuring_costs_a_twentieth_at_most_and_twenty_seconds_never_more(planned):
    asked = []

    def child(request, budget):
        asked.append((request, budget))
        return {"step_seconds": {}}

    for steps in (1_000, 1_550, 100_000):
        plan = planned("petit", f"finetune.0.steps={steps}")
        measured_speed(estimator(plan), probe=lambda: REFERENCE, child=child)
        request, budget = asked[-1]
        seconds = sum(estimate.seconds for estimate in plan.estimates)
        assert budget <= min(19.0, 0.05 * seconds)
        planned_seconds = request["text_seconds"] + request["generation"]["seconds"]
        planned_seconds += sum(task["seconds"] for task in request["trainings"])
        assert planned_seconds <= budget
    assert asked[-1][1] > 18


def test_all_stretches_of_training_are_tried_with_the_recipes_own_settings(planned):
    request = request_for(estimator(planned("petit")), planned("petit").estimates, 20.0)
    tasks = {task["key"]: task for task in request["trainings"]}
    assert set(tasks) == {
        "04-pretrain/phase-0",
        "05-finetune/translator/bare",
        "05-finetune/translator/template",
    }
    first = tasks["04-pretrain/phase-0"]
    assert (first["rows"], first["context_length"], first["apart"]) == (6, 128, True)
    assert first["shape"]["hidden_size"] == 192
    assert request["generation"]["num_beams"] == planned("petit").order.config_of("evaluate").num_beams
    assert request["threads"] == 2


def test_finished_stages_are_neither_measured_nor_foretold(planned):
    from dataclasses import replace

    plan = planned("petit")
    steps = tuple(replace(step, finished=step.stage != "curate") for step in plan.order.steps)
    order = replace(plan.order, steps=steps)
    left = Estimator(order, plan.tokens, plan.hardware, Speed())
    request = request_for(left, left.estimates(), 20.0)
    assert (request["trainings"], request["generation"]) == ([], None)
    assert request["text_seconds"] > 0
    assert measured_speed(left, probe=lambda: REFERENCE, child=lambda *_: pytest.fail("too dear")).way == "probe"


def test_a_step_that_does_not_fit_is_not_tried(planned):
    plan = planned("croissant", 'plan.hardware="here"', "plan.num_devices=1")
    request = request_for(estimator(plan), plan.estimates, 20.0)
    assert (request["trainings"], request["generation"]) == ([], None)


def test_measured_steps_are_what_training_is_foretold_from(planned):
    found = {
        "step_seconds": {"04-pretrain/phase-0": 1.0, "05-finetune/translator/bare": 0.5},
        "beam_token_seconds": 2 * rates.BEAM_TOKEN_PROBE,
        "text_mb_per_second": rates.TEXT_MB_PER_SECOND / 3,
    }
    plan = planned("petit")
    speed = measured_speed(estimator(plan), probe=lambda: REFERENCE, child=lambda *_: found)
    assert (speed.way, speed.text, speed.matrix) == ("measured", pytest.approx(3.0), 1.0)
    after = {e.stage: e.seconds for e in estimator(plan, **{**vars(speed), "seconds": 1.0}).estimates()}
    before = {e.stage: e.seconds for e in plan.estimates}
    assert after["curate"] == pytest.approx(3 * before["curate"])
    assert after["pretrain"] == pytest.approx(300 + 3 * rates.PRETRAIN_START)
    works = estimator(plan).works(next(step for step in plan.order.steps if step.stage == "finetune"))
    bare, template = works
    assert after["finetune"] > 0.5 * bare.steps
    assert after["evaluate"] > before["evaluate"]
    assert template.context_length > bare.context_length


def test_a_child_that_says_nothing_leaves_the_probe(planned):
    plan = planned("petit")
    assert measured_speed(estimator(plan), probe=lambda: REFERENCE, child=lambda *_: None).way == "probe"


def test_what_a_child_said_before_it_was_ended_counts():
    said = '["text_mb_per_second", 3.5]\n["step 04-pretrain/phase-0", 0.2]\n["beam_tok'
    assert heard(said) == {"text_mb_per_second": 3.5, "step_seconds": {"04-pretrain/phase-0": 0.2}}
    assert heard("") is None
    assert heard("Traceback\n") is None


def test_a_child_that_is_late_is_ended(monkeypatch):
    def late(command, **options):
        raise subprocess.TimeoutExpired(command, options["timeout"], output=b'["text_mb_per_second", 1.5]\n')

    monkeypatch.setattr(measure.subprocess, "run", late)
    assert in_child({}, 6.0) == {"text_mb_per_second": 1.5, "step_seconds": {}}


def test_the_child_measures_a_small_training_a_search_and_rules_on_text(planned):
    plan = planned("mie")
    request = request_for(estimator(plan), plan.estimates, 20.0)
    request |= {"threads": 1, "text_seconds": 0.01}
    request["trainings"] = [task | {"seconds": 0.05} for task in request["trainings"]]
    request["generation"]["seconds"] = 0.01
    command = [sys.executable, "-m", "fournil.apps.plan.trial"]
    done = subprocess.run(command, input=json.dumps(request), capture_output=True, text=True, check=True)
    found = heard(done.stdout)
    assert found is not None
    assert set(found["step_seconds"]) == {task["key"] for task in request["trainings"]}
    assert all(0 < seconds < 60 for seconds in found["step_seconds"].values())
    assert found["beam_token_seconds"] > 0
    assert found["text_mb_per_second"] > 0


def test_the_probe_compares_with_the_reference():
    ticks = iter(range(1000))
    speed = quick_probe(clock=lambda: float(next(ticks)))
    assert speed.text == pytest.approx(1.0 / rates.PROBE_TEXT_SECONDS)
    assert speed.matrix == pytest.approx(1.0 / rates.PROBE_MATRIX_SECONDS)
    assert (speed.way, speed.seconds) == ("probe", pytest.approx(4 * measure.ROUNDS + 1))


def test_a_machine_twice_as_slow_takes_twice_as_long(planned):
    plan, slow = planned("petit"), planned("petit", speed=Speed(text=2.0, matrix=2.0))
    for one, two in zip(plan.estimates, slow.estimates, strict=True):
        assert two.seconds == pytest.approx(2 * one.seconds, rel=0.01)
    assert hardware_of(plan.order.settings, threads=2).is_here
