"""Names of tasks, and what they stand for."""

from pathlib import Path

import pytest

from fournil.parts.harness.load import _manager, folder_of
from fournil.parts.harness.names import ALL, ENGLISH, FRENCH, KNOWN, TAGS, is_task, language_of, select


def names(*asked):
    return [task.name for task in select(asked)]


def test_frenchbench_is_every_task_of_lm_eval_s_folder_and_more():
    import lm_eval.tasks

    folder = Path(lm_eval.tasks.__file__).parent / "french_bench"
    files = {path.stem for path in folder.glob("*.yaml")}
    assert len(files) == 18
    assert files < set(FRENCH)
    assert set(FRENCH) - files == {"belebele_fra_Latn", "wmt14-en-fr", "wmt14-fr-en", "crows_pairs_french"}
    assert names(ALL) == [*FRENCH, *ENGLISH]


@pytest.mark.parametrize("name", KNOWN)
def test_every_task_is_found_where_it_is_said_to_be(name):
    manager = _manager(KNOWN[name].folder)
    assert name in manager.all_subtasks or name in manager.all_groups


@pytest.mark.parametrize("tag", TAGS)
def test_tags_are_lm_eval_s(tag):
    entry = _manager("french_bench").task_index[tag]
    french = [name for name in names(tag) if name in FRENCH]
    assert sorted(french) == sorted(entry.tags)


def test_the_english_counterparts_come_with_a_tag_and_not_with_a_task():
    assert names("french_bench_mc")[-2:] == ["arc_challenge", "hellaswag"]
    assert names("french_bench_perplexity") == [
        "french_bench_opus_perplexity",
        "french_bench_wikitext_fr",
        "wikitext",
    ]
    assert names("french_bench_hellaswag") == ["french_bench_hellaswag"]
    assert names("english") == list(ENGLISH)
    assert names("hellaswag", "french_bench_mc", "hellaswag")[0] == "hellaswag"
    assert len(names("hellaswag", "french_bench_mc")) == 6


def test_pairs_have_two_sides():
    for pair in {task.pair for task in KNOWN.values()} - {""}:
        assert len({task.language for task in KNOWN.values() if task.pair == pair}) == 2, pair


def test_other_names():
    (task,) = select(["xstorycloze_en"])
    assert (task.name, task.language, task.folder) == ("xstorycloze_en", "en", "")
    assert is_task("frenchbench")
    assert is_task("french_bench_mc")
    assert not is_task("xstorycloze_en")


@pytest.mark.parametrize(
    ("name", "folder"),
    [("arc_easy", "arc"), ("boolq", "super_glue/boolq"), ("mmlu", ""), ("french_bench", ""), ("boo", "")],
)
def test_a_single_task_s_folder_is_found_without_reading_them_all(name, folder):
    assert folder_of(name) == folder
    if folder:
        assert name in _manager(folder).all_subtasks


@pytest.mark.parametrize(
    ("name", "language"),
    [("mgsm_direct_fr", "fr"), ("m_mmlu_en", "en"), ("iwslt2017_en-fr", "und"), ("gsm8k", "und"), ("freq", "und")],
)
def test_languages_are_guessed_from_names_only_where_they_tell(name, language):
    assert language_of(name) == language
