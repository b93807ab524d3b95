"""Recipes: strict keys and values with their full path, extension, changes, freezing; with a small stage config."""

import contextlib
import dataclasses
import tomllib

import pytest
import tomli_w
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fournil import recipe
from fournil.core.errors import EXIT_USAGE, FournilError
from fournil.core.settings import settings_of


@dataclasses.dataclass(frozen=True)
class Heldout:
    share: float = 0.02
    """Share of what is held out."""

    def __post_init__(self) -> None:
        if not 0 <= self.share <= 0.5:
            raise ValueError("a share lies between 0 and 0.5")


@dataclasses.dataclass(frozen=True)
class Phase:
    steps: int
    """How many steps."""


@dataclasses.dataclass(frozen=True)
class Small:
    name: str = "x"
    """A name."""
    use: tuple[str, ...] = ()
    """Names of sources."""
    heldout: Heldout = Heldout()
    phase: tuple[Phase, ...] = (Phase(1),)


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    monkeypatch.setattr(recipe, "stage_config", lambda _: Small)


def read(tmp_path, text, *changes):
    path = tmp_path / "a.toml"
    path.write_text('[recipe]\nname = "essai"\n' + text)
    return recipe.read_recipe(path, changes)


def test_values_and_defaults(tmp_path):
    got = read(
        tmp_path, "[curate.heldout]\nshare = 0.1\n[[pretrain.phase]]\nsteps = 3\n[[pretrain.phase]]\nsteps = 4\n"
    )
    assert got.stages["curate"][0].heldout.share == 0.1
    assert [phase.steps for phase in got.stages["pretrain"][0].phase] == [3, 4]
    assert got.stages["sources"][0] == Small()
    assert got.stages["finetune"] == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[curat]\n", r"unknown section \[curat\] .*Did you mean \[curate\]"),
        ("[curate.heldout]\nshar = 0.1\n", r"unknown setting curate.heldout.shar .*Did you mean curate.heldout.share"),
        ("[[pretrain.phase]]\nsteps = 1\nstep = 2\n", r"unknown setting pretrain.phase\[0\].step "),
        ("[[finetune]]\nnam = 'a'\n", r"unknown setting finetune\[0\].nam "),
        ("[curate.heldout]\nshare = '0.1'\n", r"curate.heldout.share must be a number, not '0.1'"),
        ("[curate.heldout]\nshare = 0.9\n", r"curate.heldout: a share lies between"),
        ("[[pretrain.phase]]\n", r"pretrain.phase\[0\].steps is missing"),
        ("[pretrain.phase]\nsteps = 1\n", r"pretrain.phase must be an array of tables"),
        ("[finetune]\nname = 'a'\n", r"finetune must be written \[\[finetune\]\]"),
        ("[sources]\nuse = 'a'\n", r"sources.use must be an array \[ … \], not 'a'"),
        ("[sources]\nuse = [1]\n", r"sources.use\[0\] must be text in quotes, not 1"),
        ("[sources]\nname = 2024-02-01\n", r"sources.name holds a value of a type"),
        ("[sources\n", r"not valid TOML"),
        ("[curate.heldout]\nshare = nan\n", r"curate.heldout.share must be a finite number, not nan"),
        ("[[pretrain.phase]]\nsteps = 99999999999999999999\n", r"pretrain.phase\[0\].steps is a number beyond 64 bits"),
        ("[[pretrain.phase]]\nsteps = 1.5\n", r"pretrain.phase\[0\].steps must be a whole number, not 1.5"),
        ("[[pretrain.phase]]\nsteps = true\n", r"pretrain.phase\[0\].steps must be a whole number, not true"),
    ],
)
def test_mistakes_are_named_with_their_full_path(tmp_path, text, message):
    with pytest.raises(FournilError, match=message) as caught:
        read(tmp_path, text)
    assert caught.value.code == EXIT_USAGE
    assert "a.toml" in str(caught.value)


def test_a_missing_recipe(tmp_path):
    with pytest.raises(FournilError, match="no such recipe"):
        recipe.read_recipe(tmp_path / "none.toml")


def test_changes_reach_into_tables_and_arrays(tmp_path):
    text = "[[pretrain.phase]]\nsteps = 3\n"
    got = read(tmp_path, text, "pretrain.phase[0].steps=9", "curate.heldout.share=0.5", "sources.name=pain")
    assert got.stages["pretrain"][0].phase[0].steps == 9
    assert got.stages["curate"][0].heldout.share == 0.5
    assert got.stages["sources"][0].name == "pain"
    with pytest.raises(FournilError, match="no such table"):
        read(tmp_path, text, "pretrain.phase[5].steps=9")
    with pytest.raises(FournilError, match="cannot read the setting"):
        read(tmp_path, text, "pretrain")
    with pytest.raises(FournilError, match="no such table: recipe.name.x"):
        read(tmp_path, text, "recipe.name.x=1")
    with pytest.raises(FournilError, match="no such table"):
        read(tmp_path, text, "pretrain.phase[²].steps=9")


def test_a_change_of_an_array_s_entry_is_not_lost(tmp_path):
    assert read(tmp_path, '[sources]\nuse = ["a", "b"]\n', 'sources.use[1]="c"').stages["sources"][0].use == ("a", "c")


def test_a_second_line_in_a_change_sets_nothing(tmp_path):
    assert read(tmp_path, "", "sources.name=1\nuse = 2").stages["sources"][0].name == "1\nuse = 2"


def test_a_section_that_is_not_run_is_checked_all_the_same(tmp_path):
    got = read(tmp_path, "[curate.heldout]\nshare = 0.1\n", 'recipe.stages=["sources"]')
    assert list(got.stages) == ["sources"]
    with pytest.raises(FournilError, match="unknown setting curate.heldout.shar "):
        read(tmp_path, "[curate.heldout]\nshar = 0.1\n", 'recipe.stages=["sources"]')


def test_a_recipe_extends_another(tmp_path):
    (tmp_path / "base.toml").write_text(
        '[recipe]\nname = "base"\nseed = 7\n[curate.heldout]\nshare = 0.1\n[sources]\nuse = ["a", "b"]\n'
    )
    (tmp_path / "top.toml").write_text('[recipe]\nname = "top"\nextends = "base.toml"\n[sources]\nuse = ["c"]\n')
    got = recipe.read_recipe(tmp_path / "top.toml")
    assert (got.head.name, got.head.seed) == ("top", 7)
    assert got.stages["curate"][0].heldout.share == 0.1
    assert got.stages["sources"][0].use == ("c",)
    (tmp_path / "base.toml").write_text('[recipe]\nname = "base"\nextends = "top.toml"\n')
    with pytest.raises(FournilError, match="in a circle"):
        recipe.read_recipe(tmp_path / "top.toml")


def test_a_frozen_recipe_is_the_same_recipe(tmp_path):
    first = read(tmp_path, "[curate.heldout]\nshare = 0.1\n[[finetune]]\nname = 'a'\n")
    recipe.freeze(first, tmp_path / "recipe.lock.toml")
    again = recipe.read_recipe(tmp_path / "recipe.lock.toml")
    assert again.stages == first.stages
    assert tomllib.loads((tmp_path / "recipe.lock.toml").read_text())["curate"]["heldout"] == {"share": 0.1}


def test_a_name_that_no_folder_can_have(tmp_path):
    with pytest.raises(FournilError, match=r"recipe.name cannot be '\.\./x'"):
        read(tmp_path, "", "recipe.name=../x")


def test_settings_carry_their_documentation():
    found = {setting.path: setting for setting in settings_of(Small)}
    assert found["heldout.share"].doc == "Share of what is held out."
    assert found["phase[].steps"].default == ""
    assert list(found) == ["name", "use", "heldout.share", "phase[].steps"]


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary())
def test_any_bytes_are_a_recipe_or_an_error_of_ours(tmp_path, data):
    (tmp_path / "a.toml").write_bytes(data)
    with contextlib.suppress(FournilError):
        recipe.read_recipe(tmp_path / "a.toml")


WORDS = st.sampled_from(
    [
        "recipe",
        "name",
        "extends",
        "stages",
        "seed",
        "languages",
        "sources",
        "use",
        "curate",
        "heldout",
        "share",
        "pretrain",
        "phase",
        "steps",
        "finetune",
    ]
)
VALUES = st.recursive(
    st.booleans() | st.integers() | st.floats() | st.text(max_size=6) | st.dates() | st.datetimes() | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=8,
)


@settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(WORDS, VALUES, max_size=4), VALUES)
def test_any_table_is_a_recipe_or_an_error_of_ours(tmp_path, table, head):
    tables = {key: value for key, value in table.items() if isinstance(value, dict | list)}
    text = tomli_w.dumps({"recipe": head if isinstance(head, dict) else {"name": "essai"}} | tables)
    (tmp_path / "a.toml").write_text(text, "utf-8")
    with contextlib.suppress(FournilError):
        recipe.read_recipe(tmp_path / "a.toml")


@settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.one_of(
        st.text(), st.tuples(st.lists(WORDS, max_size=4), st.text(max_size=8)).map(lambda t: f"{'.'.join(t[0])}={t[1]}")
    )
)
def test_any_change_is_applied_or_an_error_of_ours(change):
    with contextlib.suppress(FournilError):
        recipe.apply_change({"recipe": {"name": "a"}, "pretrain": {"phase": [{"steps": 1}]}, "finetune": []}, change)
