"""The command line as a person meets it."""

import subprocess
import sys

import pytest

from fournil import cli, flow, recipe
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


def test_help_does_not_load_what_it_does_not_need():
    code = "import sys; from fournil import cli; cli.build_parser().format_help(); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"torch", "numpy", "pyarrow", "pydantic", "rich", "transformers"} & set(loaded)


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
        (["evaluate", ".", "-o", "out"], 2, "evaluate on a model folder needs texts"),
        (["evaluate", ".", "--text", "fr", "-o", "out"], 2, "cannot read --text 'fr'"),
        (["evaluate", ".", "--text", "fr=absent.txt", "-o", "out"], 2, "no such file [absent.txt]"),
        (["tokenizer", "audit"], 2, "tokenizer takes `audit TOKENIZER`"),
        (["show", "nowhere"], 1, "this is no run: it has no ledger [nowhere]"),
        (["why", "nowhere", "x"], 1, "no such run [nowhere]"),
        (["verify", "nowhere"], 1, "this is no run"),
        (["frobnicate"], 2, "invalid choice"),
    ],
)
def test_wrong_use_is_answered_in_one_line(capsys, tmp_path, monkeypatch, arguments, code, message):
    monkeypatch.chdir(tmp_path)
    got, _, err = run(capsys, *arguments)
    assert message in err
    assert "Traceback" not in err
    assert got == code if code is not None else got != 0


def test_interrupting_leaves_with_a_sentence_and_130():
    slow = "import time\nfrom fournil import cli\n"
    slow += "cli._run = lambda _: (print('ready', flush=True), time.sleep(60))\n"
    code = slow + "raise SystemExit(cli.main(['show', 'x']))"
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.terminate()
    _, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "goes on from here" in err
