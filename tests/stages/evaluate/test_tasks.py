"""Tasks in the stage and on the command line: rows, files, resuming, failures, curves, the table."""

import contextlib
import json
import shutil
from importlib import metadata

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from random_models import random_model, random_weights

from fournil import cli
from fournil.core.context import Context
from fournil.core.errors import EXIT_FAILED, EXIT_USAGE, FournilError
from fournil.core.files import hash_tree
from fournil.core.progress import Progress
from fournil.core.record import read_record
from fournil.core.speech import retell, speaking
from fournil.parts.model.folder import read_config
from fournil.parts.statistics import resample_weights
from fournil.parts.train.kept import kept_folder
from fournil.stages import evaluate
from fournil.stages.evaluate import tasks
from fournil.stages.evaluate.config import Config
from fournil.stages.evaluate.hashing import hash_model
from fournil.stages.evaluate.intervals import interval_of, task_rows
from fournil.stages.evaluate.outputs import read_task, write_hub_results, write_items, write_lm_eval, write_task
from fournil.stages.evaluate.result import Item, Measure, TaskResult, file_name
from fournil.stages.evaluate.suite import jobs_of
from fournil.stages.evaluate.table import gap_interval, task_tables

NUM = 12


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    torch.set_num_threads(1)


def write_set(folder, name, language, question, **keys):
    rows = [
        {"question": question.format(n), "choices": ["rouge", "vert clair", "bleu", "gris"], "gold": n % 4}
        for n in range(NUM)
    ]
    (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    settings = {"name": name, "kind": "choice", "language": language, "data": f"{name}.jsonl", "pair": "colours"}
    path = folder / f"{name}.toml"
    path.write_text("".join(f"{key} = {json.dumps(value)}\n" for key, value in (settings | keys).items()), "utf-8")
    return str(path)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    place = tmp_path_factory.mktemp("tasks")
    random_model(place / "model")
    write_set(place, "couleurs", "fr", "De quelle couleur est le chat {} ?")
    write_set(place, "colours", "en", "What colour is cat {}?")
    return place


def both(place):
    return (str(place / "couleurs.toml"), str(place / "colours.toml"))


def run(place, out, heard=None, before=None, model="model", **settings):
    progress = Progress()
    progress.note = (heard if heard is not None else []).append
    config = Config(**({"tasks": both(place), "num_bootstrap": 200} | settings))
    inputs = {"model": place / model} | ({"before": before} if before else {})
    return evaluate.run(config, inputs, out, Context(threads=1, progress=progress))


@pytest.fixture(scope="module")
def scored(place):
    return run(place, place / "out")


def main_rows(facts):
    return {row["task"]: row for row in facts["scores"] if row["main"] and row["system"] == "model"}


def test_tasks_need_no_text_and_give_rows_with_intervals(scored, place):
    facts = scored.facts
    assert [(block["task"], block["status"]) for block in facts["tasks"]] == [("couleurs", "done"), ("colours", "done")]
    for block in facts["tasks"]:
        assert (block["precision"], block["limit"], block["model_sha256"]) == ("fp32", 0, hash_model(place / "model"))
    rows = main_rows(facts)
    for row in rows.values():
        assert row["interval"][0] <= row["value"] <= row["interval"][1]
        assert (row["edition"], row["kind"], row["num_items"], row["checkpoint"]) == ("own", "task", NUM, None)
    assert rows["couleurs"]["pair"] == rows["colours"]["pair"] == "colours"
    assert {row["system"] for row in facts["scores"]} == {"model", "chance", "longest", "hidden"}
    assert json.loads((place / "out/scores.json").read_text()) == facts["scores"]
    assert retell(facts["headline"]) == "2 tasks scored"
    items = pq.read_table(place / "out/items/couleurs-fr-own.parquet").to_pylist()
    own = [row["value"] for row in items if row["metric"] == "acc"]
    assert sum(own) / len(own) == pytest.approx(rows["couleurs"]["value"])
    assert len(json.loads(items[0]["details"])["log_likelihoods"]) == 4


def test_the_same_again_gives_the_same_bytes_and_finished_tasks_are_not_asked_again(
    scored, place, tmp_path, monkeypatch
):
    again = run(place, tmp_path / "again")
    assert again.facts == scored.facts
    assert hash_tree(tmp_path / "again")["sha256"] == hash_tree(place / "out")["sha256"]
    monkeypatch.setattr(tasks, "open_scorer", None)  # nothing is left to ask
    shutil.copytree(place / "out", tmp_path / "killed")
    resumed = run(place, tmp_path / "killed")
    assert resumed.facts == scored.facts
    reused = run(place, tmp_path / "reused", before=place / "out")
    assert (reused.facts, reused.measured["resumed_tasks"]) == (scored.facts, 2)
    assert hash_tree(tmp_path / "reused")["sha256"] == hash_tree(place / "out")["sha256"]


def test_tasks_that_a_killed_command_finished_are_kept_when_another_is_added(place, tmp_path, monkeypatch, capsys):
    from fournil.stages.evaluate.sets import run as sets

    once, asked = sets.run_set, []

    def killed(scorer, task, **settings):
        asked.append(task.spec.name)
        if len(asked) == 2:
            raise KeyboardInterrupt
        return once(scorer, task, **settings)

    monkeypatch.setattr(sets, "run_set", killed)
    french, english = both(place)
    third = write_set(tmp_path, "teintes", "fr", "De quelle teinte est le chat {} ?")
    command = ["evaluate", str(place / "model"), "-o", str(tmp_path / "out"), "--threads", "1", "--tasks"]
    with contextlib.suppress(KeyboardInterrupt):
        cli.main([*command, french, english])
    assert not (tmp_path / "out/06-evaluate").exists()
    assert cli.main([*command, french, english, third]) == 0
    assert asked == ["couleurs", "colours", "colours", "teintes"]
    record = read_record(tmp_path / "out/06-evaluate")
    assert record is not None
    assert record.measured["resumed_tasks"] == 1


def test_items_that_are_not_those_of_a_finished_task_do_not_count(tmp_path):
    one, other = result([0.0, 1.0]), result([1.0, 1.0])
    write_task(tmp_path, one, "key")
    write_items(tmp_path, other.name, other.task, other.edition, other.items)  # killed before its JSON was written
    assert read_task(tmp_path, one.name, "key") is None


@pytest.mark.parametrize("change", ["limit", "item", "model", "cut"])
def test_what_changed_is_asked_again(change, place, tmp_path, monkeypatch):
    shutil.copytree(place, tmp_path / "all", ignore=shutil.ignore_patterns("out*"))
    here = tmp_path / "all"
    run(here, tmp_path / "before")
    settings = {}
    if change == "limit":
        settings = {"limit": 5}
    elif change == "item":
        text = (here / "couleurs.jsonl").read_text("utf-8")
        (here / "couleurs.jsonl").write_text(text.replace("chat 3", "chien 3"), "utf-8")
    elif change == "model":
        random_weights(here / "model", read_config(here / "model").vocab_size, tied=True)
    else:
        (tmp_path / "before/items/couleurs-fr-own.parquet").write_bytes(b"PAR1")
    after = run(here, tmp_path / "after", before=tmp_path / "before", **settings)
    assert after.measured["resumed_tasks"] == (1 if change in ("item", "cut") else 0)
    assert all(row["num_items"] == (5 if change == "limit" else NUM) for row in main_rows(after.facts).values())


def test_a_task_that_fails_leaves_the_others(place, tmp_path, monkeypatch):
    from fournil.stages.evaluate.sets import run as sets

    once = sets.run_set

    def broken(scorer, task, **settings):
        if task.spec.name == "couleurs":
            raise FournilError("the column 'gold' is missing", where="couleurs.jsonl:3", fix="Add it.")
        return once(scorer, task, **settings)

    monkeypatch.setattr(sets, "run_set", broken)
    heard = []
    artifact = run(place, tmp_path / "out", heard)
    first, second = artifact.facts["tasks"]
    assert (first["status"], second["status"]) == ("failed", "done")
    assert retell(first["reason"]) == "the column 'gold' is missing [couleurs.jsonl:3]. Add it."
    assert any("couleurs failed: the column" in line for line in heard)
    assert set(main_rows(artifact.facts)) == {"colours"}
    assert "couleurs: the column" in "\n".join(task_tables(artifact.facts))
    assert evaluate.unfinished(artifact.facts) == ["couleurs"]
    assert retell(artifact.facts["headline"]) == "1 task scored; 1 failed"

    def bug(scorer, task, **settings):
        raise KeyError("endings")

    monkeypatch.setattr(sets, "run_set", bug)
    artifact = run(place, tmp_path / "bug")
    assert all("unexpected KeyError" in retell(block["reason"]) for block in artifact.facts["tasks"])


def test_nothing_to_measure_and_names_that_are_none_are_refused(place, tmp_path):
    with pytest.raises(FournilError, match="neither text nor tasks"):
        run(place, tmp_path, tasks=())
    with pytest.raises(FournilError, match=r"no task is called 'fournil-mni'.*fournil-mini"):
        jobs_of(Config(tasks=("fournil-mni",)), ("fr",))
    with pytest.raises(FournilError, match=r"no such folder \[nowhere\]"):
        jobs_of(Config(tasks=("frenchbench",), data="nowhere"), ("fr",))
    other = write_set(tmp_path, "couleurs", "fr", "Encore {} ?")
    with pytest.raises(FournilError, match="two local sets are called 'couleurs'"):
        jobs_of(Config(tasks=(both(place)[0], other)), ("fr",))


def test_the_mended_edition_stands_beside_the_official_one():
    jobs = jobs_of(Config(tasks=("french_bench_grammar", "french_bench_mc")), ("fr", "en"))
    names = [(job.task, job.edition) for job in jobs]
    assert names[:2] == [("french_bench_grammar", "official"), ("french_bench_grammar_fixed", "fixed")]
    assert len(set(names)) == len(names)
    assert {"arc_challenge", "hellaswag"} <= {name for name, _ in names}  # the English counterparts come along


def test_tasks_of_lm_eval_are_scored_from_a_folder_and_tried_again_when_it_changes(place, tmp_path):
    from task_data import rows_of, write_rows

    name = "french_bench_grammar"
    dataset = "manu/french-bench-grammar-vocab-reading"
    data = tmp_path / "data"
    settings = {"tasks": (name, "french_bench_boolqa"), "data": str(data), "shots": 1}
    write_rows(data / name / "Grammar.jsonl", rows_of(dataset, "", "Grammar", 6))
    found = run(place, tmp_path / "out", **settings).facts
    assert {block["task"]: block["status"] for block in found["tasks"]} == {
        name: "done", f"{name}_fixed": "done", "french_bench_boolqa": "failed"
    }  # fmt: skip
    official, fixed = (row for row in found["scores"] if row["main"])
    assert (official["edition"], fixed["edition"], fixed["of"], official["shots"]) == ("official", "fixed", name, 1)
    assert official["interval"][0] <= official["value"] <= official["interval"][1]
    theirs = json.loads((tmp_path / "out/lm_eval/results.json").read_text())
    assert theirs["results"][name]["acc,none"] == official["value"]
    assert theirs["n-shot"][name] == 1
    assert not (tmp_path / "out/.eval_results").exists()  # the folder is no data set of the hub
    again = run(place, tmp_path / "again", before=tmp_path / "out", **settings)
    assert again.measured["resumed_tasks"] == 2
    write_rows(data / name / "Grammar.jsonl", rows_of(dataset, "", "Grammar", 7))
    again = run(place, tmp_path / "third", before=tmp_path / "out", **settings)
    assert again.measured["resumed_tasks"] == 0


def test_curves_go_through_the_checkpoints_of_a_training(place, tmp_path):
    inputs_model = training(place, tmp_path / "04-pretrain")["model"]
    config = Config(tasks=both(place), num_bootstrap=50, checkpoints="all")
    facts = evaluate.run(config, {"model": inputs_model}, tmp_path / "out", Context(threads=1)).facts
    assert [[point["step"] for point in curve["points"]] for curve in facts["curves"]] == [[10, 20, 30]] * 2
    last = {curve["task"]: curve["points"][-1] for curve in facts["curves"]}
    for name, row in main_rows(facts).items():
        assert (last[name]["value"], last[name]["interval"]) == (row["value"], row["interval"])
    every = json.loads((tmp_path / "out/scores.json").read_text())
    assert {row["checkpoint"] for row in every} == {None, 10, 20}
    assert len({row["model_sha256"] for row in every if row["system"] == "model"}) == 3
    assert {row["checkpoint"] for row in facts["scores"]} == {None}
    with pytest.raises(FournilError, match=r"no checkpoint of step 15.*10, 20, 30"):
        tasks.checkpoints_of({"model": inputs_model}, Config(tasks=("t",), checkpoints="10,15"))
    some = Config(tasks=("t",), checkpoints="10,30")
    assert [step for step, _ in tasks.checkpoints_of({"model": inputs_model}, some)] == [10, 30]
    with pytest.raises(FournilError, match="after how many steps"):
        tasks.checkpoints_of({"model": place / "model"}, Config(tasks=("t",), checkpoints="all"))


def training(place, folder):
    """A model whose training kept two checkpoints."""
    shutil.copytree(place / "model", folder)
    (folder / "losses.jsonl").write_text('{"step": 30, "loss": 1.0}\n')
    for step in (10, 20):
        shutil.copytree(place / "model", kept_folder(folder, step))
        random_weights(kept_folder(folder, step), read_config(folder).vocab_size, heads=2, tied=step == 20)
    return {"model": folder}


def test_a_task_that_fails_on_a_checkpoint_stands_in_the_record_and_is_tried_again(place, tmp_path, monkeypatch):
    from fournil.stages.evaluate.sets import run as sets

    inputs = training(place, tmp_path / "04-pretrain")
    once = sets.run_set

    def broken(scorer, task, **settings):
        if scorer.folder.name.endswith("10") and task.spec.name == "couleurs":
            raise FournilError("the model answers NaN")
        return once(scorer, task, **settings)

    weights = kept_folder(inputs["model"], 20) / "model.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(b"cut")
    config = Config(tasks=both(place), num_bootstrap=50, checkpoints="all")
    with monkeypatch.context() as patch:
        patch.setattr(sets, "run_set", broken)
        facts = evaluate.run(config, inputs, tmp_path / "out", Context(threads=1)).facts
    failed = [block for block in facts["tasks"] if block["status"] == "failed"]
    assert [(block["task"], block["checkpoint"]) for block in failed] == [
        ("couleurs", 10), ("couleurs", 20), ("colours", 20)
    ]  # fmt: skip
    assert "couleurs at step 10: the model answers NaN" in "\n".join(task_tables(facts))
    assert evaluate.unfinished(facts) == ["couleurs at step 10", "couleurs at step 20", "colours at step 20"]
    assert retell(facts["headline"]) == "2 tasks scored; 3 failed"
    assert [[point["step"] for point in curve["points"]] for curve in facts["curves"]] == [[30], [10, 30]]
    weights.write_bytes(whole)
    again = evaluate.run(config, {**inputs, "before": tmp_path / "out"}, tmp_path / "again", Context(threads=1))
    assert again.measured["resumed_tasks"] == 3  # two of the model's, one of a checkpoint's
    assert [len(curve["points"]) for curve in again.facts["curves"]] == [3, 3]
    assert evaluate.unfinished(again.facts) == []


def test_fidelity_that_fails_leaves_the_tasks(place, tmp_path, monkeypatch):
    from fournil.stages.evaluate import fidelity

    def broken(*_, **__):
        raise FournilError("the model answers NaN")

    monkeypatch.setattr(fidelity, "run_fidelity", broken)
    facts = run(place, tmp_path / "out", fidelity=True).facts
    assert [block["status"] for block in facts["tasks"]] == ["done", "done", "failed"]
    assert evaluate.unfinished(facts) == ["fidelity"]
    assert len(main_rows(facts)) == 2
    assert "fidelity" not in facts


def test_a_model_is_let_go_before_its_checkpoints_are_loaded(place, tmp_path, monkeypatch):
    import gc
    import weakref

    from task_data import rows_of, write_rows

    alive = weakref.WeakSet()
    opened = tasks.open_scorer

    def counted(*given, **settings):
        gc.collect()
        assert not alive
        scorer = opened(*given, **settings)
        alive.add(scorer)
        return scorer

    monkeypatch.setattr(tasks, "open_scorer", counted)
    name = "french_bench_grammar"
    rows = rows_of("manu/french-bench-grammar-vocab-reading", "", "Grammar", 3)
    write_rows(tmp_path / "data" / name / "Grammar.jsonl", rows)
    config = Config(tasks=(name,), data=str(tmp_path / "data"), num_bootstrap=50, checkpoints="all")
    inputs = training(place, tmp_path / "04-pretrain")
    facts = evaluate.run(config, inputs, tmp_path / "out", Context(threads=1)).facts
    assert [block["status"] for block in facts["tasks"]] == ["done", "done"]
    assert [len(curve["points"]) for curve in facts["curves"]] == [3, 3]


def result(values, **settings):
    items = [Item(n, f"{n:064d}", {"acc": value}) for n, value in enumerate(values)]
    measure = Measure("acc", sum(values) / len(values), main=True)
    known = {"task": "t", "edition": "official", "language": "fr", "data_sha256": "0", "data_source": "a/b@" + "c" * 40}
    return TaskResult(measures=[measure], items=items, num_items=len(items), **(known | settings))


def test_intervals_come_of_the_items_or_are_not_told():
    (row,) = task_rows(result([0.0, 1.0] * 50), "m", 1000)
    assert row["value"] == 0.5
    assert row["standard_error"] == pytest.approx(0.05, rel=0.15)
    assert row["interval"] == pytest.approx([0.4, 0.6], abs=0.025)
    (wrong,) = task_rows(result([0.0] * 7), "m", 100)
    assert wrong["interval"] == pytest.approx([0.0, 0.354], abs=1e-3)  # Wilson: none of seven is not never
    items = [Item(n, f"{n}", {"bleu": 0.0}) for n in range(20)]
    nothing = Measure("bleu", 0.0)  # Wilson's interval is one of shares
    assert interval_of(nothing, items, resample_weights(20, 100, seed=0))["interval"] is None
    weights = np.ones((3, 2))
    items = [Item(0, "0", {"acc": 1.0}), Item(1, "1", {"acc": 0.0})]
    other = Measure("acc", 0.7)  # not what its items come to
    assert interval_of(other, items, weights)["interval"] is None
    known = Measure("acc", 0.7, standard_error=0.1)
    assert interval_of(known, items, weights)["interval"] == pytest.approx([0.504, 0.896], abs=1e-3)
    parts = [Item(0, "0", {}, {"parts": {"bits_per_byte": [-7.0, 5.0]}})] * 2
    bits = Measure("bits_per_byte", 7 / 5 / np.log(2), aggregation="bits_per_byte")
    assert interval_of(bits, parts, weights)["interval"] == pytest.approx([bits.value] * 2)


def test_what_decides_an_answer_decides_whether_a_finished_task_counts(place, tmp_path, monkeypatch):
    shutil.copytree(place / "model", tmp_path / "model")
    told = {hash_model(tmp_path / "model")}
    for name in ("generation_config.json", "special_tokens_map.json", "chat_template.jinja"):
        (tmp_path / "model" / name).write_text("{}")
        told.add(hash_model(tmp_path / "model"))
    assert len(told) == 4
    (job, _) = jobs_of(Config(tasks=("french_bench_grammar",)), ("fr",))
    before = job.identity()
    monkeypatch.setattr(metadata, "version", lambda name: "0.0.0")
    assert job.identity() != before


def test_fidelity_is_kept_until_its_intervals_are_others(place, tmp_path, monkeypatch):
    from fournil.stages.evaluate import fidelity

    calls = []

    def counted(scorer, languages, **settings):
        calls.append(settings["num_bootstrap"])
        return fidelity.Fidelity({"fr": {}}, [], {})

    monkeypatch.setattr(fidelity, "run_fidelity", counted)
    for count in (20, 20, 30):
        run(place, tmp_path / "out", tasks=(), fidelity=True, num_bootstrap=count)
    assert calls == [20, 30]


def test_a_finished_task_is_read_as_it_was_written(tmp_path):
    found = result([0.0, 1.0], prompts=["« L'eau »\n"], extra={"note": 1})
    with_silent = TaskResult(**{**vars(found), "items": [*found.items, Item(2, "2", {}, {"text": "x"})]})
    write_task(tmp_path, with_silent, "key")
    assert read_task(tmp_path, with_silent.name, "key") == with_silent
    assert read_task(tmp_path, with_silent.name, "other") is None
    (tmp_path / "tasks" / f"{with_silent.name}.json").write_text("{")
    assert read_task(tmp_path, with_silent.name, "key") is None


def test_results_of_data_sets_of_the_hub_are_written_for_model_repositories(tmp_path):
    import yaml
    from huggingface_hub import parse_eval_result_entries

    assert write_hub_results(tmp_path, [result([1.0, 0.0], shots=5), result([1.0], edition="fixed")]) == 1
    (path,) = (tmp_path / ".eval_results").iterdir()
    (entry,) = parse_eval_result_entries(yaml.safe_load(path.read_text()))
    assert (entry.dataset_id, entry.task_id, entry.value) == ("a/b", "t", 0.5)
    assert entry.dataset_revision == "c" * 40
    assert entry.notes is not None
    assert entry.notes.startswith("acc, 5-shot, fournil")
    write_hub_results(tmp_path, [result([1.0, 0.0], shots=5, precision="bf16")])
    assert "acc, 5-shot, bf16, fournil" in path.read_text()
    path.unlink()
    assert write_hub_results(tmp_path, [result([1.0, 0.0], limit=2)]) == 0  # two items' figure is not the task's
    assert not list((tmp_path / ".eval_results").iterdir())


def test_lm_evals_results_have_filters_where_lm_eval_has_them_and_say_how_they_were_scored(tmp_path):
    items = [Item(n, f"{n:064d}", {"exact_match,strict-match": float(n % 2)}) for n in range(20)]
    measures = [Measure("exact_match,strict-match", 0.5, main=True, standard_error=0.1), Measure("bleu", 3.0)]
    found = TaskResult(**{**vars(result([1.0])), "measures": measures, "items": items, "model_sha256": "m"})
    config = Config(limit=20, precision="bf16")
    write_lm_eval(tmp_path, [found], task_rows(found, "m", 100), "croissant", config)
    told = json.loads((tmp_path / "lm_eval/results.json").read_text())
    assert told["results"]["t"] == {
        "alias": "t",
        "exact_match,strict-match": 0.5,
        "exact_match_stderr,strict-match": 0.1,
        "bleu,none": 3.0,
        "bleu_stderr,none": "N/A",
    }
    assert told["higher_is_better"]["t"] == {"exact_match": True, "bleu": True}
    assert (told["config"]["limit"], told["config"]["model_dtype"]) == (20, "torch.bfloat16")
    assert told["config"]["model_args"] == {"pretrained": "croissant", "dtype": "bfloat16"}


def test_files_of_tasks_have_names_of_their_own():
    assert file_name("grammar", "fournil-mini", "fr") != file_name("grammar", "fournil-mini", "en")
    assert file_name("../é", "own", "fr") == "---fr-own"


def test_the_table_has_french_english_and_the_gap(scored):
    lines = task_tables(scored.facts)
    head = next(line for line in lines if "French" in line)
    assert head.split() == ["metric", "French", "English", "gap"]
    row = next(line for line in lines if line.startswith("colours"))
    values = main_rows(scored.facts)
    assert f"{100 * values['couleurs']['value']:.1f} [" in row
    assert row.count("[") == 3
    assert any(line.strip().startswith("guessing") for line in lines)
    with speaking("fr"):
        assert f"{100 * values['couleurs']['value']:.1f}".replace(".", ",") in "\n".join(task_tables(scored.facts))
    assert task_tables({"scores": []}) == []


def test_the_interval_of_a_gap_is_that_of_independent_scores():
    one = {"value": 0.5, "interval": [0.4, 0.6]}
    other = {"value": 0.3, "interval": [0.3, 0.3]}
    assert gap_interval(one, other) == pytest.approx((0.1, 0.3))
    low, high = gap_interval(one, {"value": 0.3, "interval": [0.2, 0.4]})
    assert (low, high) == pytest.approx((0.2 - 0.02**0.5, 0.2 + 0.02**0.5))


def test_one_command_scores_a_folder_and_a_failed_task_is_tried_again(place, tmp_path, capsys):
    shutil.copytree(place / "model", tmp_path / "model")
    toml = write_set(tmp_path, "couleurs", "fr", "De quelle couleur est le chat {} ?")
    data = tmp_path / "data"
    data.mkdir()
    command = ["evaluate", str(tmp_path / "model"), "--tasks", toml, "french_bench_boolqa", "--data", str(data)]
    command += ["--limit", "8", "-o", str(tmp_path / "out"), "--threads", "1"]
    assert cli.main(command) == EXIT_FAILED
    told = capsys.readouterr()
    assert "1 task failed: french_bench_boolqa. The others are kept" in told.err
    assert "couleurs" in told.out
    record = read_record(tmp_path / "out/06-evaluate")
    assert record is not None
    assert [block["status"] for block in record.facts["tasks"]] == ["done", "failed"]
    assert (tmp_path / "out/08-report/index.html").exists()
    from task_data import rows_of, write_rows

    for split in ("test", "valid"):
        write_rows(data / f"french_bench_boolqa/{split}.jsonl", rows_of("manu/french_boolq", "", split, 5))
    assert cli.main(command) == 0
    record = read_record(tmp_path / "out/06-evaluate")
    assert record is not None
    assert record.measured["resumed_tasks"] == 1
    assert [block["status"] for block in record.facts["tasks"]] == ["done", "done"]
    capsys.readouterr()
    assert cli.main(command) == 0
    told = capsys.readouterr()
    assert "06-evaluate  2 tasks scored  (up to date)" in told.out
    assert "gap" not in told.err


def test_a_local_set_without_its_data_file_fails_alone_and_is_scored_once_it_is_there(place, tmp_path, capsys):
    missing = write_set(tmp_path, "manque", "fr", "Encore {} ?")
    (tmp_path / "manque.jsonl").rename(tmp_path / "away")
    command = ["evaluate", str(place / "model"), "--tasks", missing, both(place)[0], "-o", str(tmp_path / "out")]
    assert cli.main([*command, "--threads", "1"]) == EXIT_FAILED
    assert "1 task failed: manque. The others are kept" in capsys.readouterr().err
    record = read_record(tmp_path / "out/06-evaluate")
    assert record is not None
    assert [block["status"] for block in record.facts["tasks"]] == ["failed", "done"]
    (tmp_path / "away").rename(tmp_path / "manque.jsonl")
    assert cli.main([*command, "--threads", "1"]) == 0


def test_checkpoints_without_tasks_are_refused(place, tmp_path, capsys):
    with pytest.raises(ValueError, match="checkpoints are scored on tasks, and none is named"):
        Config(checkpoints="all", fidelity=True)
    command = ["evaluate", str(place / "model"), "--fidelity", "--checkpoints", "all", "-o", str(tmp_path / "out")]
    assert cli.main(command) == EXIT_USAGE
    assert "checkpoints are scored on tasks, and none is named" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "data", ['{"question": "Où ?", "choices": ["a", "b"], "gold": 7}\n', '{"question": ', "", "\x00"]
)
def test_a_local_set_with_broken_data_fails_alone(place, tmp_path, data):
    broken = write_set(tmp_path, "casse", "fr", "Encore {} ?")
    (tmp_path / "casse.jsonl").write_text(data, "utf-8")
    artifact = run(place, tmp_path / "out", tasks=(broken, both(place)[0]))
    first, second = artifact.facts["tasks"]
    assert (first["status"], second["status"]) == ("failed", "done")
    assert "casse.jsonl" in retell(first["reason"])


def test_the_table_has_languages_that_nothing_describes(scored):
    known = next(row for row in scored.facts["scores"] if row["main"] and row["system"] == "model")
    tags = ("und", "deu", "fr-CA", "pt-BR", "en-fr")
    rows = [known | {"language": tag, "task": f"task-{tag}", "pair": ""} for tag in tags]
    lines = task_tables({"scores": rows})
    head = next(line for line in lines if "metric" in line)
    assert head.split("metric")[1].split() == ["French", "Deu", "Pt-BR", "Not", "identified", "gap"]
    assert sum("task-fr-CA" in line or "task-en-fr" in line for line in lines) == 2


def test_a_filter_behind_a_metric_does_not_hide_that_it_is_a_share(scored):
    known = next(row for row in scored.facts["scores"] if row["main"] and row["system"] == "model")
    row = known | {"metric": "exact_match,strict-match", "value": 0.25, "interval": [0.2, 0.3]}
    assert any("25.0 [20.0 30.0]" in line for line in task_tables({"scores": [row]}))
