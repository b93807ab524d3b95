"""Every shipped recipe is read; the crumb is baked whole, killed in each stage, and asked what it made."""

import json
import os
import signal
import subprocess
import sys
import time
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


@pytest.fixture(scope="session")
def mie(tmp_path_factory) -> Path:
    """The crumb, baked once, unbroken."""
    place = tmp_path_factory.mktemp("unbroken")
    done = subprocess.run(bake_mie(place), env=ONE_THREAD, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "index.html" in done.stdout
    return place / "mie"


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


def outputs(run: Path) -> dict[str, bytes]:
    """Every file that a bake makes, but for records and ledger; the page without what was measured."""
    from fournil.stages.report import without_measured

    found = {}
    for path in sorted(run.rglob("*")):
        name = path.relative_to(run)
        if path.is_dir() or any(part.startswith(".") for part in name.parts):
            continue
        if name.name in ("record.json", "ledger.jsonl", "ledger.head"):
            continue
        data = path.read_bytes()
        found[str(name)] = without_measured(data.decode()).encode() if name.suffix == ".html" else data
    return found


def kill_in(stage: str, place: Path) -> None:
    """Start a bake and kill -9 it as soon as the stage has written something of its own."""
    with (place / "log.txt").open("w") as log:
        process = subprocess.Popen(bake_mie(place), env=ONE_THREAD, stdout=log, stderr=subprocess.STDOUT)
    partial = place / "mie" / ".partial" / flow.folder_of(stage)
    deadline = time.monotonic() + 240
    while process.poll() is None and time.monotonic() < deadline:
        if any(path.is_file() and path.name != ".key" for path in partial.rglob("*")):
            break
        time.sleep(0.005)
    said = (place / "log.txt").read_text()
    assert process.poll() is None, f"the bake ended before {stage} was seen at work: {said}"
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (place / "mie" / flow.folder_of(stage) / "record.json").exists()


def test_killed_in_each_stage_it_goes_on_to_the_same_bytes(mie, tmp_path):
    for stage in flow.STAGES:
        kill_in(stage, tmp_path)
    done = subprocess.run(bake_mie(tmp_path), env=ONE_THREAD, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    broken, unbroken = outputs(tmp_path / "mie"), outputs(mie)
    assert sorted(broken) == sorted(unbroken)
    assert [name for name in unbroken if broken[name] != unbroken[name]] == []
    for one, two in zip(newest_records(tmp_path / "mie"), newest_records(mie), strict=True):
        if one.stage != "report":  # its input is the ledger, which holds the times
            assert one.stable() == two.stable()
