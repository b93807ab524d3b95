"""`fournil publish`, and the page with its model, of a real bake."""

import json
import re
import shutil
from pathlib import Path

import pytest

from fournil import flow
from fournil.cli import main
from fournil.recipe import read_recipe


@pytest.fixture
def run(mie: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(mie, tmp_path / "mie"))


def test_a_run_is_published(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "a b" / "web"
    assert main(["publish", str(run), "--page", str(out)]) == 0
    said = capsys.readouterr().out
    names = sorted(path.name for path in out.iterdir())
    assert names[:2] == ["index.fr.html", "index.html"]
    assert re.fullmatch(r"model-[0-9a-f]{16}\.bin", names[2])
    assert all(f"{out / name}: " in said for name in names)
    assert "python3 -m http.server" in said
    page = (out / "index.html").read_text("utf-8")
    assert f'data-src="{names[2]}"' in page
    baked = (run / "08-report" / "index.html").read_text("utf-8")
    (digest,) = re.findall(r'data-sha256="([0-9a-f]{64})"', baked)
    assert f'data-sha256="{digest}"' in page
    assert main(["publish", str(run), "--page", str(out), "--quiet"]) == 0
    assert capsys.readouterr().out == ""


def test_what_cannot_be_published_is_said_in_a_line(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def refused(code: int, *words: str) -> str:
        assert main(["publish", *words]) == code
        error = capsys.readouterr().err
        assert error.count("\n") == 1
        return error

    out = str(tmp_path / "web")
    assert "this is no run" in refused(1, str(tmp_path / "nowhere"), "--page", out)
    weights = run / "07-export" / "huggingface" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-4] + b"abcd")
    assert "its files are not what the ledger says" in refused(1, str(run), "--page", out)
    shutil.rmtree(run / "07-export")
    assert "this run has no exported model" in refused(2, str(run), "--page", out)
    assert not Path(out).exists()


def test_the_page_of_a_bake_is_stale_when_its_model_is_another(run: Path, repository: Path) -> None:
    recipe = read_recipe(repository / "recipes" / "mie.toml")
    step = next(step for step in flow.steps_of(recipe) if step.stage == "report")
    assert step.inputs == {"export": "07-export"}
    assert flow.state_of(step, recipe, run).fresh
    record = run / "07-export" / "record.json"
    content = json.loads(record.read_text())
    content["outputs"]["sha256"] = "0" * 64
    record.write_text(json.dumps(content))
    state = flow.state_of(step, recipe, run)
    assert (state.fresh, state.why) == (False, "changed input: export")


def test_a_recipe_without_export_has_a_page_without_inputs(repository: Path) -> None:
    recipe = read_recipe(repository / "recipes" / "mie.toml", ['recipe.stages=["sources","curate","report"]'])
    step = next(step for step in flow.steps_of(recipe) if step.stage == "report")
    assert step.inputs == {}


def test_the_record_of_a_bake_holds_what_8_bits_change(run: Path) -> None:
    facts = json.loads((run / "06-evaluate" / "record.json").read_text())["facts"]["rounding"]
    assert [row["language"] for row in facts["text"]] == ["fr", "en"]
    assert [row["language"] for row in facts["translation"]] == ["fr-en", "en-fr"]
    for row in facts["text"]:
        assert 0.8 < row["same"] <= 1
        assert abs(row["bits_per_byte"]["rounded"] - row["bits_per_byte"]["exact"]) < 0.05
    page = (run / "08-report" / "index.html").read_text("utf-8")
    assert "the likeliest token stayed the same in" in page
    held = json.loads((run / "08-report" / "record.json").read_text())["facts"]["model"]
    assert f'data-sha256="{held["sha256"]}"' in page
    # The budget of a page: 1.4 times its weights, and 300 kB for all else.
    assert len(page.encode()) <= 1.4 * held["weight_bytes"] + 300_000
