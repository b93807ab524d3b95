"""The command line as a person meets it."""

import argparse
import runpy
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import pytest

import fournil
from fournil import baking, cli, flow, leaving, recipe
from fournil.core import ledger
from fournil.core.record import Record
from fournil.core.settings import settings_of


def run(capsys, *arguments: str) -> tuple[int, str, str]:
    try:
        code = cli.main(list(arguments))
    except SystemExit as leaving:
        code = int(leaving.code or 0)
    out = capsys.readouterr()
    return code, out.out, out.err


def test_the_bare_command_draws_the_flow(capsys):
    code, out, _ = run(capsys)
    assert code == 0
    places = [out.index(f"{number} {stage}") for number, stage in enumerate(flow.STAGES, 1)]
    assert places == sorted(places)


def test_verbs_sections_folders_and_docs_show_one_order(repository):
    assert tuple(cli.STAGE_VERBS) == flow.STAGES == recipe.SECTIONS
    docs = sorted(path.stem for path in (repository / "docs").glob("0*.md"))
    assert docs == [flow.folder_of(stage) for stage in flow.STAGES]


def loaded_by(*arguments: str) -> set[str]:
    code = "import sys\nfrom fournil import cli\ntry:\n    cli.main(sys.argv[1:])\nfinally:\n    print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False)
    return set(done.stdout.split())


HEAVY = {"torch", "numpy", "pyarrow", "pydantic", "rich", "transformers", "tokenizers", "jinja2", "huggingface_hub"}


@pytest.mark.parametrize("arguments", [["--help"], ["bake", "--help", "--lang", "fr"], ["--version"], []])
def test_help_loads_nothing_heavy(arguments):
    loaded = loaded_by(*arguments)
    assert "fournil.cli" in loaded
    assert not (HEAVY | {"multiprocessing", "asyncio", "ssl", "tempfile", "tomllib", "fournil.recipe"}) & loaded


def test_show_loads_nothing_heavy(tmp_path):
    ledger.append(tmp_path, Record("sources", "sources", 1, {}, {}, {"sha256": "", "bytes": 1, "files": {}}))
    loaded = loaded_by("show", str(tmp_path))
    assert "fournil.apps.inspect.show" in loaded
    assert not HEAVY & loaded


@pytest.mark.parametrize("stage", flow.STAGES)
def test_every_setting_is_documented(capsys, stage):
    code, out, _ = run(capsys, stage, "--settings")
    assert code == 0
    for setting in settings_of(recipe.stage_config(stage)):
        assert setting.path in out
        assert setting.doc, f"{stage}.{setting.path} has no text under it"


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["bake", "nowhere.toml"], 2, "no such recipe [nowhere.toml]"),
        (["curate"], 2, "curate on files needs a folder for its result. Add -o FOLDER"),
        (["curate", "-o", "out"], 2, "curate needs files or --recipe"),
        (["curate", "nothing-*.txt", "--language", "fr", "-o", "out"], None, "nothing-*.txt"),
        (["pretrain"], 2, "pretrain needs a recipe"),
        (["evaluate", ".", "-o", "out"], 2, "evaluate on a model folder needs tasks or texts"),
        (["evaluate", ".", "--limit", "3", "-o", "out"], 2, "--limit is for tasks, and none is named"),
        (["evaluate", "absent", "--tasks", "fournil-mini", "-o", "out"], None, "no such folder [absent]"),
        (["evaluate", ".", "--text", "fr", "-o", "out"], 2, "cannot read --text 'fr'"),
        (["evaluate", ".", "--text", "fr=absent.txt", "-o", "out"], 2, "no such file [absent.txt]"),
        (["tokenizer", "audit"], 2, "tokenizer takes `audit TOKENIZER`"),
        (["show", "nowhere"], 1, "this is no run: it has no ledger [nowhere]"),
        (["why", "nowhere", "x"], 1, "no such run [nowhere]"),
        (["verify", "nowhere"], 1, "this is no run"),
        (["frobnicate"], 2, "no verb 'frobnicate'. Verbs: bake, plan, sources"),
        (["chatt"], 2, "no verb 'chatt'. Did you mean chat?"),
        (["--lang", "de"], 2, "invalid choice: 'de'"),
    ],
)
def test_wrong_use_is_answered_in_one_line(capsys, tmp_path, monkeypatch, arguments, code, message):
    monkeypatch.chdir(tmp_path)
    got, _, err = run(capsys, *arguments)
    assert message in err
    assert "Traceback" not in err
    assert got == code if code is not None else got != 0


@pytest.mark.parametrize("language", ["en", "fr"])
def test_without_a_verb_each_verb_but_those_of_stages_is_shown(capsys, language):
    code, drawn, _ = run(capsys, "--lang", language)
    assert code == 0
    verbs = next(a.choices for a in cli.build_parser()._actions if isinstance(a, argparse._SubParsersAction))
    assert [verb for verb in verbs if verb not in cli.STAGE_VERBS and f"fournil {verb} " not in drawn] == []
    assert "--lang" in drawn


DEAF = """
    while True:
        try:
            time.sleep(60)
        except KeyboardInterrupt:
            pass
"""
SLOW = {
    "in Python": "import time\ndef slow(_):\n    print('ready', flush=True)\n    time.sleep(60)\n",
    "where nothing comes through": f"import time\ndef slow(_):\n    print('ready', flush=True)\n{DEAF}",
}


def interrupted(slow: str, arguments: list[str], number: int, presses: int = 1) -> tuple[int, str]:
    code = f"{slow}\nfrom fournil import cli\ncli._run = slow\nraise SystemExit(cli.main({arguments}))"
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    for _ in range(presses):
        process.send_signal(number)
        time.sleep(0.05)
    _, err = process.communicate(timeout=30)
    return process.returncode, err


@pytest.mark.parametrize("slow", SLOW)
@pytest.mark.parametrize(
    ("arguments", "number", "sentence"),
    [
        (["bake", "x"], signal.SIGINT, "fournil: stopped. The same command goes on from here.\n"),
        (["curate", "x", "--lang=en"], signal.SIGTERM, "fournil: stopped. The same command goes on from here.\n"),
        (["chat", "x"], signal.SIGINT, "fournil: stopped.\n"),
        (["translate", "x", "--to", "fr"], signal.SIGTERM, "fournil: stopped.\n"),
    ],
)
def test_interrupting_leaves_with_a_sentence_and_130(slow, arguments, number, sentence):
    assert interrupted(SLOW[slow], arguments, number) == (130, f"\n{sentence}")


def test_interrupting_twice_says_it_once():
    assert interrupted(SLOW["in Python"], ["show", "x"], signal.SIGINT, presses=3) == (130, "\nfournil: stopped.\n")


def test_interrupting_ends_what_was_started(tmp_path):
    slow = (
        "import multiprocessing, time\n"
        "def slow(_):\n"
        "    child = multiprocessing.get_context('fork').Process(target=time.sleep, args=(60,))\n"
        f"    child.start()\n    open({str(tmp_path / 'pid')!r}, 'w').write(str(child.pid))\n"
        f"    print('ready', flush=True)\n{DEAF}"
    )
    assert interrupted(slow, ["bake", "x"], signal.SIGTERM)[0] == 130
    child = Path("/proc") / (tmp_path / "pid").read_text() / "stat"
    for _ in range(100):
        if not child.exists() or child.read_text().split()[2] == "Z":  # dead, its exit status unread
            return
        time.sleep(0.05)
    pytest.fail("a process that was started goes on")


def raising(monkeypatch, error: BaseException):
    def fail(_options):
        raise error

    monkeypatch.setattr(cli, "_run", fail)


def test_a_bug_is_said_in_one_line_and_its_traceback_kept(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    raising(monkeypatch, KeyError("x"))
    code, out, err = run(capsys, "show", "x")
    kept = list(tmp_path.iterdir())
    assert (code, out, len(kept), err.count("\n")) == (1, "", 1, 1)
    assert err.startswith("fournil: this is a bug in Fournil")
    assert str(kept[0]) in err
    assert "--traceback" in err
    assert "Traceback (most recent call last)" in kept[0].read_text()


@pytest.mark.parametrize("arguments", [("--traceback", "show", "x"), ("show", "x", "--traceback")])
def test_a_bug_shows_its_traceback_on_demand(capsys, monkeypatch, tmp_path, arguments):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    raising(monkeypatch, KeyError("x"))
    code, _, err = run(capsys, *arguments)
    assert code == 1
    assert err.startswith("Traceback")
    assert not list(tmp_path.iterdir())
    monkeypatch.setenv(leaving.SHOW_TRACEBACK, "1")
    assert run(capsys, "show", "x")[2].startswith("Traceback")


def test_a_bug_shows_its_traceback_where_nothing_can_be_written(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "absent"))
    raising(monkeypatch, KeyError("x"))
    assert run(capsys, "show", "x")[2].startswith("Traceback")


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (PermissionError(13, "Permission denied", "a/b"), "fournil: the system says no: Permission denied [a/b]\n"),
        (OSError(28, "No space left on device"), "fournil: the system says no: No space left on device\n"),
        (MemoryError(), "fournil: the memory of this machine is not enough for that\n"),
        (KeyboardInterrupt(), "\nfournil: stopped.\n"),
    ],
)
def test_what_is_no_bug_of_ours_has_its_sentence(capsys, monkeypatch, error, sentence):
    monkeypatch.setattr(leaving, "_said", threading.Event())
    raising(monkeypatch, error)
    code, out, err = run(capsys, "show", "x")
    assert (code, out, err) == (130 if isinstance(error, KeyboardInterrupt) else 1, "", sentence)


def test_a_reader_that_has_gone_is_no_failure_to_talk_about(repository):
    command = f"{sys.executable} -m fournil.cli finetune --settings | true; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("arguments", "language"),
    [
        ([], "fr"),
        (["--lang", "en"], "en"),
        (["--lang=en", "show"], "en"),
        (["show", "x", "--lang", "en"], "en"),
        (["show", "x", "--lang", "en", "--lang", "fr"], "fr"),
        (["translate", "--", "--lang", "en"], "fr"),
        (["show", "--lang"], "fr"),
        (["show", "--lang", "de"], "fr"),
        (["curate", "--language", "en"], "fr"),
    ],
)
def test_the_language_is_known_before_anything_is_parsed(arguments, language):
    assert cli.language_asked(arguments, {"LANG": "fr_FR.UTF-8"}) == language


def test_options_are_never_abbreviated_and_the_nearest_is_named(capsys):
    code, _, err = run(capsys, "curate", "x", "-o", "out", "--langu", "fr")
    assert code == 2
    assert "nothing takes these words: --langu" in err
    assert "Did you mean --lang" in err
    assert "usage: fournil curate" in err


@pytest.mark.parametrize(
    "arguments",
    [
        ["bake", "a.toml", "b.toml", "--quiet"],
        ["bake", "a.toml", "--quiet", "b.toml"],
        ["--lang", "en", "bake", "a.toml", "b.toml"],
    ],
)
def test_bake_takes_several_recipes(arguments):
    assert [str(path) for path in cli.parse(arguments).recipes] == ["a.toml", "b.toml"]


def test_a_mirror_is_a_change_of_the_recipe(monkeypatch):
    seen = []
    monkeypatch.setattr(baking, "choose_recipe", lambda paths, changes, run, quiet: seen.append(changes) or 1 / 0)
    monkeypatch.setattr(baking, "spare_other_programs", lambda: None)
    with pytest.raises(ZeroDivisionError):
        cli._run(cli.parse(["bake", "a.toml", "--mirror", "https://example.org/debian"]))
    assert seen == [['sources.fetch="mirror"', 'sources.mirror="https://example.org/debian"']]


def test_python_runs_the_package_as_a_module(capsys, monkeypatch):
    monkeypatch.setattr("sys.argv", ["fournil", "--version"])
    with pytest.raises(SystemExit) as left:
        runpy.run_module("fournil", run_name="__main__")
    assert left.value.code == 0
    assert fournil.__version__ in capsys.readouterr().out
