"""The verb lm-eval: which words reach lm_eval's own command line, and what becomes of its errors."""

import subprocess
import sys

import pytest

from fournil import cli
from fournil.apps.lm_eval.command import MODEL, NAME, harness_command, with_model
from fournil.core.errors import EXIT_USAGE, FournilError

ASKED = ["--tasks", "french_bench_grammar", "--limit", "2"]


@pytest.mark.parametrize("words", [ASKED, ["run", *ASKED]])
def test_our_engine_is_the_default_model(words):
    assert with_model(words) == ["run", "--model", "fournil", *ASKED]


def test_a_model_that_is_named_stands_behind_ours_and_so_counts():
    assert with_model(["--model", "hf", *ASKED]) == ["run", "--model", "fournil", "--model", "hf", *ASKED]


@pytest.mark.parametrize("words", [[], ["--help"], ["run"], ["run", "--help"], ["ls", "tasks"], ["validate", "-h"]])
def test_other_commands_are_left_as_they_are(words):
    assert with_model(words) == words


@pytest.mark.parametrize("form", [["--config", "{}"], ["--config={}"], ["-C", "{}"], ["-C{}"]])
def test_a_configuration_file_keeps_the_model_that_it_names(tmp_path, form):
    path = tmp_path / "config.yaml"
    words = [part.format(path) for part in form]
    path.write_text("model: hf\n")
    assert with_model(words) == ["run", *words]
    for text in ("tasks: [x]\n", "- x\n", "{\n"):
        path.write_text(text)
        assert with_model(words) == ["run", "--model", "fournil", *words]
    path.unlink()
    assert with_model(words) == ["run", "--model", "fournil", *words]


@pytest.mark.parametrize(
    ("line", "handed"),
    [
        (["lm-eval", "--tasks", "x", "--lang", "de", "-h"], ["--tasks", "x", "--lang", "de", "-h"]),
        (["--lang", "fr", "lm-eval", "ls", "tasks"], ["ls", "tasks"]),
        (["--lang=fr", "--traceback", "lm-eval"], []),
    ],
)
def test_what_stands_behind_the_verb_is_not_parsed_by_us(line, handed):
    options = cli.parse(line)
    assert (options.verb, options.words) == ("lm-eval", handed)


def test_the_word_elsewhere_is_no_verb():
    options = cli.parse(["why", "lm-eval", "abc"])
    assert (options.verb, str(options.run), options.id) == ("why", "lm-eval", "abc")


def test_without_the_extra_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "lm_eval.__main__", None)
    with pytest.raises(FournilError, match=r"pip install 'fournil\[bench\]'"):
        harness_command(ASKED)


def test_lm_eval_gets_its_words_and_knows_our_model(monkeypatch):
    from lm_eval import __main__ as theirs
    from lm_eval.api.registry import get_model

    from fournil.parts.harness.lm import FournilLM

    seen = []
    monkeypatch.setattr(theirs, "cli_evaluate", lambda: seen.append(list(sys.argv)))
    before = list(sys.argv)
    assert harness_command(ASKED) == 0
    assert seen == [["lm-eval", "run", "--model", "fournil", *ASKED]]
    assert sys.argv == before
    assert get_model(NAME) is FournilLM
    assert f"{FournilLM.__module__}:{FournilLM.__name__}" == MODEL


def test_an_error_of_lm_eval_is_one_line_and_whole_on_demand(monkeypatch):
    from lm_eval import __main__ as theirs

    def fail():
        raise ValueError("Tasks not found: grammer")

    monkeypatch.setattr(theirs, "cli_evaluate", fail)
    with pytest.raises(FournilError, match="ValueError: Tasks not found: grammer"):
        harness_command(ASKED)
    with pytest.raises(ValueError, match="Tasks not found"):
        harness_command(ASKED, whole=True)


def test_a_user_s_mistake_keeps_its_own_words_and_code(monkeypatch):
    from lm_eval import __main__ as theirs

    def fail():
        raise FournilError("no model is named", code=EXIT_USAGE)

    monkeypatch.setattr(theirs, "cli_evaluate", fail)
    with pytest.raises(FournilError, match="^no model is named$") as raised:
        harness_command(ASKED)
    assert raised.value.code == EXIT_USAGE


def test_neither_help_nor_a_parsed_line_imports_lm_eval():
    code = (
        "import sys; from fournil import cli; cli.parse(['lm-eval', 'ls']); import fournil.apps.lm_eval; "
        "cli.build_parser().format_help(); print([n for n in ('lm_eval', 'torch', 'yaml') if n in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
