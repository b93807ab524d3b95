import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from fournil import baking
from fournil.core.errors import FournilError
from fournil.core.record import Record, write_record
from fournil.core.speech import speak
from fournil.recipe import Head, Recipe


@pytest.fixture
def environment(monkeypatch):
    monkeypatch.setenv("OMP_WAIT_POLICY", "x")
    monkeypatch.delenv("OMP_WAIT_POLICY")
    return monkeypatch


@pytest.mark.parametrize(("running", "sleep"), [("1/200", False), ("2/200", True), ("nonsense", False)])
def test_threads_sleep_only_beside_another_program(tmp_path, environment, running, sleep):
    path = tmp_path / "loadavg"
    path.write_text(f"2.00 2.00 2.00 {running} 4711\n")
    assert baking.spare_other_programs(path) is sleep
    assert (baking.os.environ.get("OMP_WAIT_POLICY") == "passive") is sleep


def test_without_proc_nothing_is_changed(tmp_path, environment):
    assert baking.spare_other_programs(tmp_path / "none") is False
    assert "OMP_WAIT_POLICY" not in baking.os.environ


def test_what_somebody_chose_stays(tmp_path, environment):
    environment.setenv("OMP_WAIT_POLICY", "active")
    path = tmp_path / "loadavg"
    path.write_text("2.00 2.00 2.00 3/200 4711\n")
    baking.spare_other_programs(path)
    assert baking.os.environ["OMP_WAIT_POLICY"] == "active"


@pytest.fixture
def recipes(tmp_path, monkeypatch, repository):
    """Two recipes, and reasons for which their sources cannot be reached, by the recipe's name."""
    monkeypatch.chdir(tmp_path)
    for name in ("near", "far"):
        (tmp_path / f"{name}.toml").write_text(
            f'[recipe]\nname = "{name}"\nextends = "{repository / "recipes" / "mie.toml"}"\n'
            f"[sources]\nmin_letters = {7 if name == 'near' else 8}\n"
        )
    reasons = {"near": "", "far": ""}
    asked = []

    def reachable(config):
        name = "near" if config.min_letters == 7 else "far"
        asked.append(name)
        return reasons[name]

    monkeypatch.setitem(sys.modules, "fournil.stages.sources.reach", SimpleNamespace(reachable=reachable))
    return SimpleNamespace(paths=[tmp_path / "near.toml", tmp_path / "far.toml"], reasons=reasons, asked=asked)


def chosen(recipes, run=None) -> str:
    return baking.choose_recipe(recipes.paths, [], run).head.name


def test_a_single_recipe_is_taken_unasked(recipes):
    assert baking.choose_recipe(recipes.paths[1:], [], None).head.name == "far"
    assert recipes.asked == []


def test_of_several_recipes_the_first_that_can_be_reached_is_taken(recipes, capsys):
    assert chosen(recipes) == "near"
    assert capsys.readouterr().out == ""
    recipes.reasons["near"] = "apt knows no packages"
    assert chosen(recipes) == "far"
    assert capsys.readouterr().out == f"{recipes.paths[0]} cannot be baked here: apt knows no packages\n"


def test_of_several_recipes_one_that_was_begun_is_taken_unasked(recipes, tmp_path):
    run = tmp_path / "runs" / "far"
    write_run(run, "far")
    assert chosen(recipes) == "far"
    assert recipes.asked == []
    write_run(tmp_path / "elsewhere", "far")
    assert chosen(recipes, run=tmp_path / "elsewhere") == "far"
    write_run(tmp_path / "another", "another")
    assert chosen(recipes, run=tmp_path / "another") == "near"


def test_when_no_recipe_can_be_reached_the_error_holds_each_reason(recipes):
    recipes.reasons |= {"near": "apt knows no packages", "far": "no network"}
    with pytest.raises(FournilError, match=r"near.toml .*apt knows no packages; .*far.toml .*no network.*--mirror"):
        chosen(recipes)


def write_run(run, name):
    (run / "01-sources").mkdir(parents=True)
    (run / "recipe.lock.toml").write_text(f'[recipe]\nname = "{name}"\n')
    write_record(run / "01-sources", Record("sources", "sources", 1, {}, {}, {"sha256": "", "bytes": 0, "files": {}}))


def test_the_terminal_names_the_page_of_the_language_that_is_spoken(tmp_path):
    (tmp_path / "08-report").mkdir()
    speak("fr")
    assert baking.page_name(tmp_path) == "index.html"
    (tmp_path / "08-report" / "index.fr.html").touch()
    assert baking.page_name(tmp_path) == "index.fr.html"
    speak("en")
    assert baking.page_name(tmp_path) == "index.html"


def closing_lines(name: str, translations: list[dict[str, str]], *, languages=("fr", "en")) -> list[str]:
    """What is said at the end of a bake whose evaluate drew these samples."""
    recipe = Recipe(Head(name=name, languages=languages), {})
    records = [
        Record("finetune", "chat", 1, {}, {}, {}),
        Record("evaluate", "evaluate", 1, {}, {}, {}, facts={"translations": translations}),
    ]
    return baking.summary(recipe, Path("runs/x"), records)


DRAWN = [
    {"to": "en", "source": "Je lis."},
    {"to": "fr", "source": "I read a very long book today."},
    {"to": "fr", "source": "Bread"},
    {"to": "fr", "source": "I like bread."},
    {"to": "fr", "source": "I like\nit."},
]


def test_what_is_proposed_to_translate_is_what_the_model_was_taught():
    assert '  fournil translate runs/x --to fr "I like bread."' in closing_lines("atelier", DRAWN)
    assert '  fournil translate runs/x --to en "Je lis."' in closing_lines("atelier", DRAWN, languages=("en", "fr"))
    assert '  fournil translate runs/x --to fr "The file already exists."' in closing_lines("petit", DRAWN)
    quoted = closing_lines("atelier", [{"to": "fr", "source": 'Pay $5 "now"!'}])
    assert "  fournil translate runs/x --to fr 'Pay $5 \"now\"!'" in quoted
    without = "\n".join(closing_lines("atelier", []))
    assert "translate" not in without
    assert "  fournil chat runs/x" in without


def test_a_base_model_is_proposed_for_going_on_with_a_text():
    recipe = Recipe(Head(name="base"), {})
    lines = baking.summary(recipe, Path("runs/x"), [Record("pretrain", "pretrain", 1, {}, {}, {})])
    assert "  fournil chat runs/x     (it goes on with what is typed)" in lines


@pytest.mark.parametrize(("number", "start"), [(0, None), (1, "1 refused: what it names"), (1234, "1,234 refused: wh")])
def test_unknown_licences_are_hinted_at(number, start):
    counts = [{"step": "read", "refused": {"licence-unknown": number, "other": 5}}]
    hint = baking.unknown_licences(Record("sources", "sources", 1, {}, {}, {}, counts=counts))
    assert hint.startswith(start) if start else hint == ""
