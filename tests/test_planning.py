"""Recipes made ready to be planned: sizes from catalogue, files, hub and runs; and what a bake foretells."""

import dataclasses
import gzip
import json
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fournil import baking, planning
from fournil.apps.plan import Config, make_plan
from fournil.apps.plan.rates import Speed
from fournil.cli import main
from fournil.core import ledger
from fournil.core.errors import FournilError
from fournil.core.record import Record, write_record
from fournil.flow import steps_of
from fournil.planning import foretold, order_of
from fournil.recipe import check_recipe, freeze, read_recipe

RECIPES = Path(__file__).resolve().parent.parent / "recipes"


def texts_of(source: dict, languages=("fr", "en")):
    recipe = check_recipe(
        {"recipe": {"name": "essai", "languages": list(languages)}, "sources": {"files": [source]}}, where="a test"
    )
    return {(text.key, text.group): text for text in order_of(recipe, None).texts}


def files(tmp_path, pattern: str, **more) -> dict:
    return {"key": "own", "paths": [str(tmp_path / pattern)], "licence": "CC0-1.0", **more}


@pytest.mark.parametrize("path", sorted(RECIPES.glob("*.toml")), ids=lambda path: path.stem)
def test_every_shipped_recipe_can_be_planned(path):
    recipe = read_recipe(path)
    plan = make_plan(order_of(recipe, None), threads=2, speed=Speed())
    assert {estimate.folder for estimate in plan.estimates} == {step.folder for step in steps_of(recipe)}
    assert plan.shape is not None
    assert next(e.seconds for e in plan.estimates if e.stage == "pretrain")


def test_other_hardware_is_planned_without_torch_and_without_the_hub():
    program = (
        "import sys, socket\n"
        "def refused(*a, **k): raise OSError('no network')\n"
        "socket.socket.connect = refused\n"
        "from fournil.cli import main\n"
        f"code = main(['plan', {str(RECIPES / 'croissant.toml')!r}])\n"
        "assert 'torch' not in sys.modules, 'torch was loaded'\n"
        "assert 'huggingface_hub' not in sys.modules, 'the hub was asked'\n"
        "sys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "17.4 days" in done.stdout.replace("\u00a0", " ")


def test_text_files_are_counted(tmp_path):
    for language, words in (("fr", "pain et sel"), ("en", "bread and salt, twice")):
        (tmp_path / language).mkdir()
        (tmp_path / language / "a.txt").write_text(f"{words}\n\n{words}\n")
        (tmp_path / language / "b.txt").write_text(words + "\n" * (1 + (language == "fr")) + "fin")
    found = texts_of(files(tmp_path, "{language}/*.txt", parallel_lines=True))
    sizes = {language: sum(p.stat().st_size for p in (tmp_path / language).iterdir()) for language in ("fr", "en")}
    assert {group: (text.number, text.num_bytes) for (_, group), text in found.items() if group != "parallel"} == {
        language: (2, size) for language, size in sizes.items()
    }
    pairs = found["own", "parallel"]
    assert (pairs.number, pairs.num_bytes) == (4, 3 * (11 + 21) + 6)
    assert {text.origin for text in found.values()} == {"counted"}


def test_rows_of_tables_are_counted(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"text": "un"}\n{"text": "deux"}\n\n')
    (tmp_path / "b.tsv").write_text("bread\tpain\nsalt\tsel\nflour\tfarine\n")
    column = ["".join(map(chr, range(97, 97 + 26))) * 400, "un autre texte " * 700]
    pq.write_table(pa.table({"text": column, "note": ["x" * 9_000] * 2}), tmp_path / "c.parquet")
    one = texts_of(files(tmp_path, "a.jsonl", language="fr"))["own", "fr"]
    assert (one.number, one.at_least) == (2, False)
    assert texts_of(files(tmp_path, "b.tsv"))["own", "parallel"].number == 3
    rows = texts_of(files(tmp_path, "c.parquet", language="fr"))["own", "fr"]
    assert rows.number == 2
    assert rows.num_bytes == pytest.approx(sum(map(len, column)), rel=0.1)  # the other column is not text


def test_packed_files_are_a_lower_bound(tmp_path):
    (tmp_path / "a.txt.gz").write_bytes(gzip.compress(b"un texte " * 999))
    text = texts_of(files(tmp_path, "*.gz", language="fr"))["own", "fr"]
    assert text.at_least
    assert text.number is None
    assert text.num_bytes == (tmp_path / "a.txt.gz").stat().st_size


def test_stated_sizes_of_files_go_before_counting(tmp_path):
    (tmp_path / "a.txt").write_text("un")
    found = texts_of(files(tmp_path, "a.txt", language="fr", stated_bytes=5e9, stated_documents=7))
    assert (found["own", "fr"].num_bytes, found["own", "fr"].number) == (5e9, 7)


def test_the_catalogue_says_how_much_there_is(tmp_path):
    recipe = check_recipe(
        {"recipe": {"name": "essai"}, "sources": {"use": ["debian-messages-apt", "debian-handbook-fr"]}}, where="a test"
    )
    apt, handbook = order_of(recipe, None).texts
    assert (apt.group, apt.number, apt.num_bytes, apt.origin) == ("parallel", 371, 39_583, "catalogue")
    assert (handbook.group, handbook.num_bytes, handbook.origin) == ("fr", None, "unknown")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--hardware", "H10"], "no hardware 'H10' [plan.hardware]. Did you mean 'H100'?"),
        (["--hardware", "abacus"], "no hardware 'abacus' [plan.hardware]. Known: here, A100, H100, H200."),
        (["--set", "plan.utilisation=0"], "plan: utilisation is a part of the peak: above 0, at most 1"),
        (["--set", "plan.utilisation=40"], "plan: utilisation is a part of the peak: above 0, at most 1"),
        (["--set", "plan.num_devices=0"], "plan: num_devices is at least 1"),
        (["--set", "plan.pue=0.9"], "plan: pue is at least 1"),
        (["--set", "plan.kept_share=1.2"], "plan: kept_share is a part"),
        (["--set", "plan.bytes_per_token=0.0"], "plan: bytes_per_token is above 0"),
        (["--set", "plan.eur_per_kwh=-1.0"], "plan: watts, cores, prices and emissions are not below 0"),
        (["--set", "plan.wats=3"], "unknown setting plan.wats"),
        (["--set", 'sources.files.0.paths=["nowhere/*.txt"]'], "no file matches 'nowhere/*.txt'"),
        (["--set", "pretrain.model.num_attention_heads=5"], "hidden_size 96 is no multiple"),
    ],
)
def test_what_cannot_be_planned_is_said_in_one_line(tmp_path, capsys, arguments, message):
    code = main(["plan", str(RECIPES / "mie.toml"), "--run", str(tmp_path), *arguments])
    said = capsys.readouterr()
    assert code != 0
    assert message in said.err
    assert said.err.count("\n") == 1
    assert said.out == ""


def test_json_from_the_command_line(tmp_path, capsys):
    recipe = str(RECIPES / "croissant.toml")
    assert main(["plan", recipe, "--json", "--hardware", "H200", "--run", str(tmp_path)]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["recipe"], found["hardware"]["name"]) == ("croissant", "H200")


def test_no_stage_depends_on_what_is_planned():
    """The section reaches no step: so no freshness key can hold it."""
    plain, planned = (read_recipe(RECIPES / "mie.toml", changes) for changes in ((), ("plan.utilisation=0.1",)))
    assert planned.plan == Config(utilisation=0.1)
    assert plain.plan is None
    assert steps_of(plain) == steps_of(planned)


def test_a_frozen_recipe_can_be_planned_again(tmp_path):
    recipe = read_recipe(RECIPES / "croissant.toml")
    freeze(recipe, tmp_path / "recipe.lock.toml")
    again = read_recipe(tmp_path / "recipe.lock.toml")
    assert (again.plan, again.stages) == (recipe.plan, recipe.stages)


def record_of(stage: str, facts: dict, config: dict | None = None) -> Record:
    fields = {field.name: field for field in dataclasses.fields(Record)}
    values = {
        name: value
        for name, value in {
            "stage": stage,
            "name": stage,
            "format": 1,
            "inputs": {},
            "config": config or {},
            "outputs": {"sha256": "0", "bytes": 0, "files": {}},
            "code": {},
            "machine": {},
            "seconds": 1.0,
            "peak_memory_bytes": 1,
            "energy": {},
            "finished": "",
            "counts": [],
            "facts": facts,
            "measured": {},
        }.items()
        if name in fields
    }
    return Record(**values)


def test_a_run_tells_what_was_read_and_kept(tmp_path):
    recipe = read_recipe(RECIPES / "mie.toml")
    part = {"number": 10, "bytes": 2_000}
    source = {"key": "mie", "documents": {"languages": {"fr": part}}, "pairs": {"number": 30, "bytes": 900}}
    tokens = {"by_language": {"fr": {"num_bytes": 3_000, "num_tokens": 1_000}}}
    kept = {"source": "mie", "language": "fr", "bytes_train": 1_500}
    records = [
        record_of("sources", {"sources": [source]}),
        record_of("curate", {"documents": {"by_source": [kept]}, "pairs": {"by_source": []}}),
        record_of("tokenizer", {"shards": {"train-documents": tokens}}, {"vocab_size": 1024}),
    ]
    for record in records:
        folder = tmp_path / f"{record.stage}"
        folder.mkdir()
        write_record(folder, record)
        ledger.append(tmp_path, record)
    order = order_of(recipe, tmp_path)
    found = {(text.key, text.group): text for text in order.texts}
    french = found["mie", "fr"]
    assert (french.number, french.num_bytes, french.kept_bytes, french.origin) == (10, 2_000, 1_500, "run")
    assert (found["mie", "parallel"].number, found["mie", "en"].origin) == (30, "counted")
    assert order.bytes_per_token == {"fr": 3.0}
    plan = make_plan(order, threads=2, speed=Speed())
    row = next(row for row in plan.tokens.sources if row.text == french)
    assert (row.kept_bytes, row.tokens) == (1_500, 500)
    other = read_recipe(RECIPES / "mie.toml", ["tokenizer.vocab_size=2048"])
    assert order_of(other, tmp_path).bytes_per_token == {}


def test_all_steps_of_a_new_run_are_foretold(tmp_path):
    recipe = read_recipe(RECIPES / "mie.toml", ['plan.hardware="A100"'])  # a bake happens here all the same
    found = foretold(recipe, tmp_path, threads=2, measuring=False)
    assert set(found) == {step.folder for step in steps_of(recipe)}
    assert all(set(step) == {"seconds", "memory_bytes"} and min(step.values()) > 0 for step in found.values())
    until = foretold(recipe, tmp_path, threads=2, until="tokenizer", measuring=False)
    assert set(until) == {"01-sources", "02-curate", "03-tokenizer"}


def test_only_stale_steps_are_foretold(tmp_path, monkeypatch):
    recipe = read_recipe(RECIPES / "mie.toml")
    fresh = {"01-sources", "02-curate", "03-tokenizer", "04-pretrain", "06-evaluate", "07-export"}

    class Said:
        def __init__(self, fresh):
            self.fresh = fresh

    monkeypatch.setattr(planning, "state_of", lambda step, recipe, run: Said(step.folder in fresh))
    found = foretold(recipe, tmp_path, threads=2, measuring=False)
    # what reads the finetuned model goes stale with it, and the page with everything
    assert set(found) == {"05-finetune/translator", "06-evaluate", "07-export", "08-report"}
    monkeypatch.setattr(planning, "state_of", lambda step, recipe, run: Said(True))
    assert foretold(recipe, tmp_path, threads=2) == {}


def test_what_cannot_be_foretold_does_not_stop_a_bake(tmp_path):
    recipe = read_recipe(RECIPES / "mie.toml", ['sources.files.0.paths=["nowhere/*.txt"]'])
    assert foretold(recipe, tmp_path, threads=2, measuring=False) == {}
    with pytest.raises(FournilError, match="no file matches"):
        order_of(recipe, None)


def test_a_bake_hands_on_what_was_foretold(tmp_path, monkeypatch, capsys):
    handed = {}

    def baked(recipe, run, context, tell, *, until, planned):
        handed.update(planned)
        return []

    monkeypatch.setattr(baking, "bake", baked)
    recipe = read_recipe(RECIPES / "mie.toml")
    baking.bake_and_tell(recipe, tmp_path, threads=1)
    assert set(handed) == {step.folder for step in steps_of(recipe)}
    assert "Foretold: about" in capsys.readouterr().out
