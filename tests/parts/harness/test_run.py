"""Each task that is known, loaded and scored on local data of its own fields: the figures are lm_eval's own."""

import math
import random
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
from task_data import DATASETS, rows_of, write_rows, write_task_data
from tiny_lm import TinyLM

from fournil.core.errors import EXIT_USAGE, FournilError
from fournil.parts.harness.names import ENGLISH, FRENCH, KNOWN
from fournil.parts.harness.result import Note
from fournil.parts.harness.run import run_task

SUBJECTS = ("anatomy", "virology")
TASKS = [name for name in (*FRENCH, *ENGLISH) if name != "mmlu"]
COUNT = 7


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    return write_task_data(tmp_path_factory.mktemp("data"), COUNT)


@pytest.fixture
def in_memory(monkeypatch):
    """Let lm_eval load its data sets as it always does, from memory: real `datasets`, none of our readers."""
    import datasets
    import lm_eval.api.task

    def load_dataset(path, name=None, **settings):
        splits = DATASETS.get((path, name or "")) or ("dev", "test")
        # Training data is read even where no example comes from it.
        found = {split: datasets.Dataset.from_list(rows_of(path, name or "", split, COUNT)) for split in splits}
        return datasets.DatasetDict({"train": next(iter(found.values()))} | found)

    monkeypatch.setattr(lm_eval.api.task.datasets, "load_dataset", load_dataset)


def of_lm_eval(name: str, shots: int):
    """What lm_eval's own evaluator finds."""
    from lm_eval.evaluator import evaluate

    from fournil.parts.harness.load import _manager

    loaded = _manager(KNOWN[name].folder).load([name])
    for task in loaded["tasks"].values():
        if task.get_config("num_fewshot") != 0:
            task.set_config("num_fewshot", 0 if KNOWN[name].zero_shot else shots)
        task.set_fewshot_seed(1234)
    model = TinyLM()
    return model, evaluate(model, loaded, bootstrap_iters=2)


@pytest.mark.parametrize("shots", [0, 3])
@pytest.mark.parametrize("name", TASKS)
def test_scores_are_those_of_lm_eval(name, shots, data, in_memory, monkeypatch):
    monkeypatch.setenv("DISABLE_MULTIPROC", "1")
    ours = TinyLM()
    run = run_task(name, ours, shots=shots, data=data)  # first: it is what lets FrenchBench's ROUGE do without the hub
    theirs, found = of_lm_eval(name, shots)
    assert ours.asked == theirs.asked
    results = found["results"][name]
    assert {f"{metric},none" for metric in run.metrics} == {key for key in results if key.endswith(",none")} - {
        key for key in results if "_stderr" in key
    }
    for metric, (value, error) in run.metrics.items():
        assert value == results[f"{metric},none"]
        expected = results[f"{metric}_stderr,none"]
        assert error == expected or (error is None and metric in ("bleu", "ter", "chrf")) or expected == "N/A"
        assert run.higher_is_better[metric] == found["higher_is_better"][name][metric]
    assert run.main in run.metrics
    assert run.shots == found["n-shot"][name]
    assert run.version == ("" if found["versions"][name] == "Yaml" else str(found["versions"][name]))


@pytest.mark.parametrize("name", TASKS)
def test_items_make_the_scores(name, data):
    run = run_task(name, TinyLM(), shots=0, data=data)
    assert run.num_items == len(run.items) == COUNT
    assert [item["item"] for item in run.items] == list(range(COUNT))
    assert len({item["sha256"] for item in run.items}) == COUNT
    assert len(run.prompts) == 3
    for metric, (value, _) in run.metrics.items():
        kind = run.aggregations[metric]
        if kind in ("mean", "rouge1_agg"):
            mean = sum(item["values"][metric] for item in run.items) / COUNT
            assert value == pytest.approx(mean, abs=1e-12 if kind == "mean" else 0.05)
        elif kind in ("weighted_perplexity", "bits_per_byte"):
            sums = [sum(item["details"]["parts"][metric][part] for item in run.items) for part in (0, 1)]
            nats = -sums[0] / sums[1]
            assert value == pytest.approx(nats / math.log(2) if kind == "bits_per_byte" else math.exp(nats))
        else:
            assert kind in ("bleu", "ter", "chrf")
            assert all(item["details"]["text"] and item["details"]["reference"] for item in run.items)


def test_a_choice_s_details_tell_what_was_asked_and_answered(data):
    run = run_task("belebele_fra_Latn", TinyLM(), shots=1, data=data)
    details = run.items[2]["details"]
    assert details["choices"] == [" A", " B", " C", " D"]
    assert details["choice"] == max(range(4), key=details["log_likelihoods"].__getitem__)
    assert run.items[2]["values"]["acc"] == float(details["choice"] == details["gold"])
    assert run.prompts[2].count("Answer:") == 2
    assert run.language == "fr"
    assert run.pair == KNOWN["belebele_eng_Latn"].pair


def test_a_group_is_one_task(tmp_path, monkeypatch):
    """MMLU's score is that of all its items, and its error lm_eval's."""
    from fournil.parts.harness import load

    manager = load._manager(KNOWN["mmlu"].folder)
    subjects = sorted(name.removeprefix("mmlu_") for name in manager.all_subtasks)
    assert len(subjects) == 57
    folder = write_task_data(tmp_path, 3, mmlu=subjects)
    run = run_task("mmlu", TinyLM(), shots=2, data=folder, limit=2)
    assert run.num_items == 2 * 57
    value, error = run.metrics["acc"]
    assert value == pytest.approx(sum(item["values"]["acc"] for item in run.items) / run.num_items)
    assert error == pytest.approx(math.sqrt(value * (1 - value) / run.num_items), rel=0.1)
    assert len({item["details"]["subtask"] for item in run.items}) == 57
    assert run.version == "2"
    assert run.prompts[0].startswith("The following are multiple choice questions")


def test_limit_seed_and_shots(data):
    first = run_task("french_bench_arc_challenge", TinyLM(), shots=3, seed=1, limit=2, data=data)
    again = run_task("french_bench_arc_challenge", TinyLM(), shots=3, seed=1, limit=2, data=data)
    other = run_task("french_bench_arc_challenge", TinyLM(), shots=3, seed=2, limit=2, data=data)
    assert first == again
    assert first.num_items == 2
    assert first.prompts != other.prompts
    assert first.data_sha256 == other.data_sha256
    assert (
        run_task("french_bench_arc_challenge", TinyLM(), shots=0, limit=2, data=data).data_sha256 != first.data_sha256
    )
    silent = run_task("french_bench_arc_challenge", TinyLM(), limit=2, data=data)
    assert silent.shots == 0
    assert run_task("french_bench_opus_perplexity", TinyLM(), shots=5, data=data).shots == 0
    assert run_task("crows_pairs_french", TinyLM(), shots=5, data=data).shots == 0


def test_cut_and_uneven_items_are_counted_and_progress_told(data):
    class Noting(TinyLM):
        def __init__(self):
            super().__init__()
            self.notes, self.advance = [], None

        def loglikelihood(self, requests, disable_tqdm=False):
            # The first item has one cut request and one uneven one, the second two cut ones.
            self.notes = [Note(number in (0, 4, 5), number == 1) for number in range(len(requests))]
            for _ in requests:
                self.advance(1)
            return super().loglikelihood(requests)

    seen = []
    model = Noting()
    run = run_task("french_bench_arc_challenge", model, shots=0, data=data, progress=lambda *told: seen.append(told))
    assert (run.num_truncated, run.num_uneven) == (2, 1)
    assert run.items[0]["details"]["truncated"] is run.items[0]["details"]["uneven"] is True
    assert "truncated" not in run.items[2]["details"]
    assert seen == [(number + 1, 4 * COUNT) for number in range(4 * COUNT)]
    assert model.advance is None
    plain = []
    run_task("french_bench_arc_challenge", TinyLM(), shots=0, data=data, progress=lambda *told: plain.append(told))
    assert plain == [(4 * COUNT, 4 * COUNT)]


@pytest.mark.parametrize("name", [name for name in FRENCH if KNOWN[name].folder == "french_bench"])
def test_data_without_a_field_fails_with_the_field_s_name(name, tmp_path):
    """For each field that a task's template or metric reads: the task and the field are named."""
    config = _definition(name)
    dataset, subset = config["dataset_path"], config.get("dataset_name") or ""
    split = config.get("test_split") or config["validation_split"]
    rows = rows_of(dataset, subset, split, 4)
    for field in rows[0]:
        folder = tmp_path / field
        without = [{key: value for key, value in row.items() if key != field} for row in rows]
        write_rows(folder / name / f"{split}.jsonl", without)
        if field not in READ[name]:
            assert run_task(name, TinyLM(), shots=0, data=folder).num_items == 4
            continue
        with pytest.raises(FournilError, match=f"'{field}'") as caught:
            run_task(name, TinyLM(), shots=0, data=folder)
        assert name in str(caught.value)
        assert caught.value.fix


READ = {
    "french_bench_arc_challenge": {"question", "choices", "answerKey"},
    "french_bench_hellaswag": {"activity_label", "ctx_a", "ctx_b", "endings", "label"},
    "french_bench_grammar": {"question", "answer", *(f"answer{letter}" for letter in "ABCD")},
    "french_bench_vocab": {"question", "answer", *(f"answer{letter}" for letter in "ABCD")},
    "french_bench_reading_comp": {"question", "context", "answer", *(f"answer{letter}" for letter in "ABCD")},
    "french_bench_boolqa": {"passage", "question", "label"},
    "french_bench_fquadv2": {"context", "question", "answers"},
    "french_bench_fquadv2_bool": {"context", "question", "is_impossible"},
    "french_bench_fquadv2_genq": {"context", "question", "answers"},
    "french_bench_fquadv2_hasAns": {"context", "question", "answers"},
    "french_bench_multifquad": {"context", "question", "answers"},
    "french_bench_orangesum_abstract": {"text", "summary"},
    "french_bench_orangesum_title": {"text", "summary"},
    "french_bench_topic_based_nli": {"text", "topic", "polarity"},
    "french_bench_trivia": {"Question", "Answer"},
    "french_bench_xnli": {"premise", "hypothesis", "label"},
    "french_bench_opus_perplexity": {"text"},
    "french_bench_wikitext_fr": {"paragraph"},
}


def _definition(name: str):
    from fournil.parts.harness import load

    with load.quietly(), load._standing_in():
        entry = load._manager(KNOWN[name].folder).task_index[name]
        return load._definition(entry.yaml_path)


def test_data_that_does_not_fit_fails_that_task_only(data, tmp_path):
    rows = rows_of("manu/topic_based_nli_test", "", "test", 4)
    rows[2]["polarity"] = "mixte"
    write_rows(tmp_path / "french_bench_topic_based_nli" / "test.jsonl", rows)
    with pytest.raises(FournilError, match="french_bench_topic_based_nli cannot use its data") as caught:
        run_task("french_bench_topic_based_nli", TinyLM(), shots=0, data=tmp_path)
    assert caught.value.fix
    with pytest.raises(FournilError, match="exceeds the 7 that are available"):
        run_task("french_bench_boolqa", TinyLM(), shots=8, data=data)
    assert run_task("french_bench_boolqa", TinyLM(), shots=7, data=data).num_items == COUNT


def test_what_a_definition_draws_is_what_lm_eval_draws(data, in_memory, monkeypatch):
    import numpy as np
    from lm_eval.api.task import ConfigurableTask
    from lm_eval.evaluator import simple_evaluate

    from fournil.parts.harness.load import _manager

    def drawn(task, doc, template=None):
        return f"{random.random()} {np.random.random()}"

    monkeypatch.setattr(ConfigurableTask, "doc_to_text", drawn)
    name = "french_bench_boolqa"
    random.seed(5)
    np.random.seed(5)
    ours, again = TinyLM(), TinyLM()
    first = run_task(name, ours, shots=0, data=data)
    drawn_after = random.random(), np.random.random()
    assert run_task(name, again, shots=0, data=data) == first
    assert again.asked == ours.asked
    assert drawn_after == (random.Random(5).random(), np.random.RandomState(5).random()), "others' draws are theirs"
    theirs = TinyLM()
    simple_evaluate(theirs, tasks=[name], task_manager=_manager(KNOWN[name].folder), bootstrap_iters=2)
    assert ours.asked == theirs.asked


def test_answers_are_only_kept_where_somebody_asks(data, monkeypatch):
    from fournil.parts.harness import run

    keys = []
    key = run._key
    monkeypatch.setattr(run, "_key", lambda *given: keys.append(key(*given)) or keys[-1])
    plain = TinyLM()
    first = run_task("french_bench_boolqa", plain, shots=0, data=data)
    assert not keys
    model, answers = TinyLM(), run.Answers()
    runs = [run_task("french_bench_boolqa", model, shots=0, data=data, answers=answers) for _ in range(2)]
    assert runs == [first, first]
    assert model.asked == plain.asked, "the second time, all is known"
    assert {type(one) for one in keys} == {bytes}
    assert len(keys) == 2 * len(plain.asked)


def test_metrics_without_a_name_and_items_without_a_score(data, monkeypatch):
    """As squadv2 has them: an aggregation made by `partial`, and one that raises on what one item gives."""
    from lm_eval.api.task import ConfigurableTask

    def of_all(key, values):
        if len(values) < 2:
            raise TypeError("two at least")
        return float(len(values)) if key == "number" else 0.0

    monkeypatch.setattr(ConfigurableTask, "process_results", lambda *given: {"number": ("a", "b"), "acc": 1.0})
    monkeypatch.setattr(ConfigurableTask, "aggregation", lambda self: {"number": partial(of_all, "number")})
    monkeypatch.setattr(ConfigurableTask, "higher_is_better", lambda self: {})
    run = run_task("french_bench_boolqa", TinyLM(), shots=0, data=data)
    assert run.metrics["number"] == (COUNT, None)
    assert run.aggregations == {"number": "partial", "acc": "mean"}
    assert [item["values"] for item in run.items] == [{"acc": 1.0}] * COUNT


def test_no_memory_is_no_fault_of_the_data(data, monkeypatch):
    from lm_eval.api.task import ConfigurableTask

    def spent(*given):
        raise MemoryError

    monkeypatch.setattr(ConfigurableTask, "process_results", spent)
    with pytest.raises(MemoryError):
        run_task("french_bench_boolqa", TinyLM(), shots=0, data=data)


def test_unknown_tasks_and_editions_are_named(data):
    from fournil.parts.harness.names import Named

    # As if lm_eval had dropped a task, or a name were mistyped: all of its folders take seconds to read.
    with pytest.raises(FournilError, match="lm_eval has no task 'belebele_fre_Latn'.*'belebele_fra_Latn'") as caught:
        run_task(Named("belebele_fre_Latn", "fr", "acc", "french_bench"), TinyLM(), data=data)
    assert caught.value.code == EXIT_USAGE
    with pytest.raises(FournilError, match="french_bench_xnli has no fixed edition"):
        run_task("french_bench_xnli", TinyLM(), data=data, edition="fixed")


def test_without_the_extra(data, monkeypatch):
    from fournil.parts.harness import load

    monkeypatch.setattr(load, "find_spec", lambda name: None)
    load._manager.cache_clear()
    with pytest.raises(FournilError, match="not installed") as caught:
        run_task("french_bench_xnli", TinyLM(), data=data)
    assert "fournil[bench]" in str(caught.value)


def test_neither_datasets_nor_evaluate_is_imported(data):
    """They cost seconds: a process that scores local data does without, and finds them if it asks for them itself."""
    code = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parents[2] / "tools")!r})
from pathlib import Path
from tiny_lm import TinyLM
from fournil.parts.harness.run import run_task
for name in ("french_bench_hellaswag", "french_bench_trivia", "wikitext"):
    run_task(name, TinyLM(), shots=2, data=Path({str(data)!r}))
assert not {{"datasets", "evaluate", "nltk", "rouge_score", "torch"}} & set(sys.modules), "imported"
import lm_eval.api.task
assert lm_eval.api.task.datasets.Features.__module__ == "datasets.features.features"
import datasets
assert datasets.Dataset.__module__ == "datasets.arrow_dataset"
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
