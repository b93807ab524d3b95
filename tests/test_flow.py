"""The flow with small made-up stages: freshness, killing, resuming, holding a folder."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace

import pytest

from fournil import flow
from fournil.core import ledger
from fournil.core.context import Artifact, Context, Count
from fournil.core.errors import EXIT_FAILED, EXIT_USAGE, FournilError
from fournil.core.files import write_text
from fournil.core.record import read_record
from fournil.recipe import Head, Recipe


@dataclasses.dataclass(frozen=True)
class Words:
    text: str = "pain"


class Kitchen:
    """Stands in for the stages: `sources` writes two files one by one, `curate` joins them."""

    def __init__(self) -> None:
        self.ran: list[str] = []
        self.die_after = 99
        self.format = 1
        self.reuses = False
        self.found: dict[str, list[str]] = {}

    def module(self, stage: str) -> SimpleNamespace:
        run = {"sources": self.sources, "curate": self.curate, "report": self.report}[stage]
        return SimpleNamespace(FORMAT=self.format, run=run, REUSES=self.reuses)

    def sources(self, config: Words, inputs: Mapping[str, Path], out: Path, context: Context) -> Artifact:
        earlier = [role for role in ("before", "killed") if role in inputs]
        self.found = {role: sorted(path.name for path in inputs[role].iterdir()) for role in earlier}
        for number, letter in enumerate(config.text):
            path = out / f"{number}.txt"
            if path.exists():
                continue
            if self.die_after == 0:
                raise KeyboardInterrupt
            self.die_after -= 1
            self.ran.append(f"write {number}")
            write_text(path, letter)
            write_text(out / ".work" / "state", str(number))
        return Artifact([Count("read", 2, 2)], {"headline": config.text})

    def curate(self, config: Words, inputs: Mapping[str, Path], out: Path, context: Context) -> Artifact:
        self.ran.append("curate")
        write_text(
            out / "all.txt", "".join(p.read_text() for p in sorted(inputs["sources"].glob("*.txt"))) + config.text
        )
        return Artifact()

    def report(self, config: Words, inputs: Mapping[str, Path], out: Path, context: Context) -> Artifact:
        self.ran.append("report")
        write_text(out / "index.html", str(len(ledger.read_ledger(inputs["run"]))))
        return Artifact()


@pytest.fixture
def kitchen(monkeypatch):
    kitchen = Kitchen()
    monkeypatch.setattr(flow, "stage_module", kitchen.module)
    return kitchen


def recipe(text: str = "pain", glaze: str = "!") -> Recipe:
    stages = {"sources": (Words(text),), "curate": (Words(glaze),), "report": (Words(),)}
    return Recipe(Head("essai", stages=tuple(stages)), stages)


def bake(run: Path, what: Recipe, **more) -> list[str]:
    events: list[str] = []
    flow.bake(what, run, Context(), lambda step, event, _: events.append(f"{event} {step.stage}"), **more)
    return [event for event in events if not event.startswith("start")]


def test_a_second_bake_has_nothing_to_do(kitchen, tmp_path):
    assert bake(tmp_path, recipe()) == ["done sources", "done curate", "done report"]
    kitchen.ran.clear()
    assert bake(tmp_path, recipe()) == ["fresh sources", "fresh curate", "fresh report"]
    assert kitchen.ran == []
    assert flow.verify(tmp_path) == []


def test_only_what_depends_on_a_change_runs_again(kitchen, tmp_path):
    bake(tmp_path, recipe())
    kitchen.ran.clear()
    assert bake(tmp_path, recipe(glaze="?")) == ["fresh sources", "done curate", "done report"]
    assert (tmp_path / "02-curate" / "all.txt").read_text() == "pain?"


def test_a_section_that_says_where_the_work_is_done_makes_nothing_stale(kitchen, tmp_path, monkeypatch):
    @dataclasses.dataclass(frozen=True)
    class Placed(Words):
        place: str = "here"

    def placed(place: str) -> Recipe:
        stages = {"sources": (Placed("pain", place),), "curate": (Placed("!", place),), "report": (Words(),)}
        return Recipe(Head("essai", stages=tuple(stages)), stages)

    module = kitchen.module
    monkeypatch.setattr(
        flow, "stage_module", lambda stage: SimpleNamespace(**vars(module(stage)), WHERE_ONLY=("place",))
    )
    bake(tmp_path, placed("here"))
    assert bake(tmp_path, placed("there")) == ["fresh sources", "fresh curate", "fresh report"]
    monkeypatch.setattr(flow, "stage_module", module)
    assert bake(tmp_path, placed("there")) == ["done sources", "done curate", "done report"]


def test_a_change_with_the_same_result_stops_there(kitchen, tmp_path):
    bake(tmp_path, recipe())
    kitchen.format = 2
    assert bake(tmp_path, recipe())[0] == "done sources"


def test_a_killed_stage_goes_on_from_its_last_file(kitchen, tmp_path):
    kitchen.die_after = 2
    with pytest.raises(KeyboardInterrupt):
        bake(tmp_path, recipe())
    assert not (tmp_path / "01-sources").exists()
    kitchen.die_after = 99
    assert bake(tmp_path, recipe()) == ["resume sources", "done sources", "done curate", "done report"]
    assert kitchen.ran[:4] == ["write 0", "write 1", "write 2", "write 3"]
    broken, unbroken = tmp_path, tmp_path / "unbroken"
    bake(unbroken, recipe())
    for stage in ("01-sources", "02-curate"):
        one, two = read_record(broken / stage), read_record(unbroken / stage)
        assert one is not None
        assert two is not None
        assert one.stable() == two.stable()


def test_a_file_that_a_kill_left_half_written_is_gone_after_resuming(kitchen, tmp_path):
    kitchen.die_after = 2
    with pytest.raises(KeyboardInterrupt):
        bake(tmp_path, recipe())
    write_text(tmp_path / ".partial" / "01-sources" / ".tmp-1-2.txt", "ha")
    write_text(tmp_path / ".partial" / "01-sources" / ".work" / ".tmp-000000" / "a.npy", "ha")
    kitchen.die_after = 99
    bake(tmp_path, recipe())
    assert not list(tmp_path.rglob(".tmp-*"))


def test_what_a_changed_recipe_left_half_made_is_not_used(kitchen, tmp_path):
    kitchen.die_after = 2
    with pytest.raises(KeyboardInterrupt):
        bake(tmp_path, recipe())
    kitchen.die_after = 99
    bake(tmp_path, recipe(text="brie"))
    assert (tmp_path / "02-curate" / "all.txt").read_text() == "brie!"


def test_a_stage_that_reuses_gets_what_killed_tries_by_other_settings_left(kitchen, tmp_path):
    kitchen.reuses = True
    for text, after in (("pain", 1), ("brie", 2)):
        kitchen.die_after = after
        with pytest.raises(KeyboardInterrupt):
            bake(tmp_path, recipe(text=text))
        write_text(tmp_path / ".partial" / "01-sources" / ".tmp-1-2.txt", "ha")
    assert kitchen.found == {"killed": ["0.txt"]}
    kitchen.die_after = 99
    bake(tmp_path, recipe(text="miel"))
    assert kitchen.found == {"killed": ["0.txt", "1.txt"]}
    assert (tmp_path / "02-curate" / "all.txt").read_text() == "miel!"
    bake(tmp_path, recipe(text="lait"), until="sources")
    assert kitchen.found == {"before": ["0.txt", "1.txt", "2.txt", "3.txt", "record.json"]}
    assert not list((tmp_path / ".partial").rglob("*.txt"))


def test_an_altered_output_is_made_again_and_verify_names_it(kitchen, tmp_path):
    bake(tmp_path, recipe())
    (tmp_path / "02-curate" / "all.txt").write_text("gâteau")
    (tmp_path / "02-curate" / "more.txt").write_text("x")
    assert flow.verify(tmp_path) == ["02-curate/all.txt: altered", "02-curate/more.txt: not in the record"]
    assert "done curate" in bake(tmp_path, recipe())
    assert flow.verify(tmp_path) == []


def test_killed_before_the_ledger_was_written_the_record_is_entered_later(kitchen, tmp_path, monkeypatch):
    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(flow, "_settle", die)
        bake(tmp_path, recipe())
    assert ledger.read_ledger(tmp_path) == []
    assert bake(tmp_path, recipe())[0] == "fresh sources"
    assert [r.stage for r in ledger.read_ledger(tmp_path)] == ["sources", "curate", "report"]


def test_two_bakes_in_one_folder(kitchen, tmp_path):
    with (
        flow.holding(tmp_path),
        pytest.raises(FournilError, match=r"process \d+ on \S+ has been baking in this folder since \d{4}-"),
    ):
        bake(tmp_path, recipe())


def test_values_that_json_cannot_hold_are_refused(kitchen, tmp_path, monkeypatch):
    monkeypatch.setattr(kitchen, "report", lambda *_: Artifact(facts={"loss": float("nan")}))
    with pytest.raises(ValueError, match="JSON"):
        bake(tmp_path, recipe())
    assert not (tmp_path / "08-report").exists()


def test_models_are_found_by_name_and_a_wrong_name_is_answered(tmp_path):
    named = SimpleNamespace(name="traducteur", model="")
    evaluate = SimpleNamespace(model="traducteu", tasks=(), fidelity=False, checkpoints="")
    stages = {"pretrain": (SimpleNamespace(),), "finetune": (named,), "evaluate": (evaluate,)}
    what = Recipe(Head("essai", stages=tuple(stages)), stages)
    with pytest.raises(FournilError, match=r"no model 'traducteu' \[evaluate.model\].*base, traducteur"):
        flow.steps_of(what)
    evaluate.model = "base"
    assert flow.steps_of(what)[-1].inputs["model"] == "04-pretrain"
    evaluate.model = ""
    assert flow.steps_of(what)[-1].inputs["model"] == "05-finetune/traducteur"


def test_what_was_planned_is_kept_beside_what_it_took(kitchen, tmp_path):
    planned = {"02-curate": {"seconds": 12.5, "memory_bytes": 1e9}}
    bake(tmp_path, recipe(), planned=planned)
    curate, sources = read_record(tmp_path / "02-curate"), read_record(tmp_path / "01-sources")
    assert curate is not None
    assert sources is not None
    assert curate.measured["planned"] == planned["02-curate"]
    assert "planned" not in sources.measured
    kitchen.ran.clear()
    assert "fresh curate" in bake(tmp_path, recipe(), planned={"02-curate": {"seconds": 13.0}})


@pytest.mark.parametrize("code", [EXIT_USAGE, EXIT_FAILED])
@pytest.mark.parametrize("was_there", [False, True])
@pytest.mark.parametrize("work", [False, True])
def test_wrong_use_leaves_no_run_folder_that_it_made_and_in_which_nothing_was_done(tmp_path, code, was_there, work):
    run = tmp_path / "runs" / "pain"
    if was_there:
        run.mkdir(parents=True)
    with pytest.raises(FournilError), flow.leaving_nothing(run), flow.holding(run):
        write_text(run / flow.RECIPE_NAME, "")
        out = run / ".partial" / "01-sources"
        (out / ".work").mkdir(parents=True)
        write_text(out / flow.KEY, "")
        if work:
            write_text(out / "0.txt", "p")
        raise FournilError("wrong", code=code)
    gone = code == EXIT_USAGE and not was_there and not work
    assert run.exists() is not gone
    assert (tmp_path / "runs").exists() is not gone


def test_wrong_use_takes_away_only_its_own(tmp_path):
    with pytest.raises(FournilError), flow.leaving_nothing(tmp_path / "runs" / "pain"):
        write_text(tmp_path / "runs" / "other" / "record.json", "{}")
        raise FournilError("wrong", code=EXIT_USAGE)
    assert (tmp_path / "runs" / "other" / "record.json").is_file()
