"""Every shipped recipe is read; the crumb is baked whole and asked what it made (faults/ kills it)."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from fournil import flow
from fournil.core.ledger import newest_records
from fournil.recipe import read_recipe

RECIPES = Path(__file__).resolve().parent.parent / "recipes"
FOURNIL = [sys.executable, "-m", "fournil.cli"]
ONE_THREAD = {**os.environ, "OMP_NUM_THREADS": "1"}


def fournil(*arguments: str, cwd: Path, **more) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*FOURNIL, *arguments], cwd=cwd, env=ONE_THREAD, capture_output=True, text=True, **more)


def bake_mie(cwd: Path) -> list[str]:
    return [*FOURNIL, "bake", str(RECIPES / "mie.toml"), "--run", str(cwd / "mie"), "--threads", "1"]


@pytest.mark.parametrize("path", sorted(RECIPES.glob("*.toml")), ids=lambda path: path.stem)
def test_a_shipped_recipe_is_read(path):
    recipe = read_recipe(path)
    assert recipe.head.name == path.stem
    assert recipe.head.description
    assert [step.stage for step in flow.steps_of(recipe)] == list(recipe.head.stages)


def test_the_crumb_has_every_stage(mie):
    assert [record.stage for record in newest_records(mie)] == list(flow.STAGES)
    assert flow.verify(mie) == []


def test_baked_again_there_is_nothing_to_do(mie):
    before = (mie / "ledger.jsonl").read_bytes()
    done = subprocess.run(bake_mie(mie.parent), env=ONE_THREAD, capture_output=True, text=True, check=True)
    assert done.stdout.count("up to date") == len(flow.STAGES)
    assert (mie / "ledger.jsonl").read_bytes() == before


def test_show_tells_each_stage(mie):
    out = fournil("show", str(mie), cwd=mie).stdout
    assert all(stage in out for stage in flow.STAGES)
    records = json.loads(fournil("show", str(mie), "--json", cwd=mie).stdout)
    assert [record["stage"] for record in records] == list(flow.STAGES)


def test_why_tells_a_refused_document(mie):
    refused = sorted((mie / "02-curate" / "refused").glob("*.parquet"))
    assert refused, "the crumb holds at least one text that curate refuses"
    from fournil.core.shards import read_batches

    row = next(iter(read_batches(refused[0]))).to_pylist()[0]
    out = fournil("why", str(mie), row["id"], cwd=mie).stdout
    assert "refused" in out
    assert f"rule {row['rule']}" in out
    assert row["source"] in out


def test_why_knows_what_it_does_not_know(mie):
    done = fournil("why", str(mie), "no-such-id", cwd=mie)
    assert done.returncode == 1
    assert "nothing in this run is called 'no-such-id'" in done.stderr


def test_it_translates_and_answers(mie):
    done = fournil("translate", str(mie), "--to", "fr", "The file already exists.", cwd=mie)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()
    done = fournil("chat", str(mie), "--temperature", "0", "--max-new-tokens", "8", cwd=mie, input="Bonjour\n")
    assert done.returncode == 0, done.stderr
