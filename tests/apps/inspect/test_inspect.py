"""What looking into a run prints, in English and in French, and as JSON."""

import io
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fournil.apps.inspect.flow_picture import CAPTIONS, draw_flow, print_settings
from fournil.apps.inspect.show import show
from fournil.apps.inspect.why import why
from fournil.core.errors import FournilError
from fournil.core.ledger import FILE_NAME, append
from fournil.core.record import Record
from fournil.core.settings import settings_of
from fournil.core.speech import mark, markn, speak
from fournil.flow import STAGES
from fournil.recipe import stage_config

TEXT = "Le chat dort sur le mur. " * 30


@pytest.fixture
def run(tmp_path):
    """A run of two stages with one document kept and edited, one refused."""
    run = tmp_path / "run"
    run.mkdir()
    outputs = {"sha256": "", "bytes": 2_500_000, "files": {}}
    rules = {f"rule-{number}": number for number in range(1, 9)}
    counts = [{"step": "quality", "refused": rules | {"rule-9": 1234}}]
    headline = [markn("{count:,} document", "{count:,} documents", 4321), mark("a share of {share:.1f}", share=1.5)]
    shared = {"format": 1, "inputs": {}, "config": {}, "outputs": outputs, "seconds": 3725.0, "energy": {"kwh": 0.0015}}
    append(run, Record("sources", "sources", facts={"headline": headline}, counts=counts, **shared))
    append(run, Record("finetune", "chat", facts={"headline": "an old headline, as it stood"}, **shared))
    row = {"source": "s", "licence": "MIT", "url": "https://example.org", "title": "Le chat", "evidence": "e1"}
    write(run / "01-sources/documents", [{"id": "s:one", "text": TEXT, **row}, {"id": "s:two", "text": TEXT, **row}])
    write(run / "02-curate/documents", [{"id": "s:one", "text": TEXT, **row}])
    why_not = {"step": "quality", "rule": "few-words", "value": 3.5, "bound": 5.0, "kept_id": "s:one"}
    write(run / "02-curate/refused", [{"id": "s:two", "text": TEXT, **row, **why_not, "spans": [[3, 7]]}])
    edit = {"id": "s:one", "step": "mask", "rule": "e-mail", "start": 4, "was": None, "now": "<e-mail>"}
    whole = {"id": "s:one", "step": "clean", "rule": "spaces", "start": None, "was": "a  b", "now": "a b"}
    write(run / "02-curate/edits", [edit, whole])
    evidence = [{"key": "e1", "grade": "stated", "file": "copyright", "paragraph": "License:\n MIT", "statement": None}]
    pq.write_table(pa.Table.from_pylist(evidence), run / "01-sources/evidence.parquet")
    return run


def write(folder, rows):
    folder.mkdir(parents=True)
    pq.write_table(pa.Table.from_pylist(rows), folder / "000.parquet")


def said(command, *arguments, **options) -> str:
    out = io.StringIO()
    assert command(*arguments, out, **options) == 0
    return out.getvalue()


def test_show_says_what_each_stage_made(run):
    lines = said(show, run).splitlines()
    assert lines[0] == str(run)
    assert lines[2] == "  sources                1 h 02 min        2.5 MB  4,321 documents; a share of 1.5"
    assert lines[3].strip() == (
        "refused: 1,234 quality/rule-9, 8 quality/rule-8, 7 quality/rule-7, 6 quality/rule-6, 5 quality/rule-5, "
        "4 quality/rule-4, and 3 more rules"
    )
    assert lines[4] == "  finetune/chat          1 h 02 min        2.5 MB  an old headline, as it stood"
    assert lines[-1] == "  in all    2 h 04 min, 3.0 Wh"


def test_show_takes_a_headline_whose_figures_vary_from_what_was_measured(run):
    outputs = {"sha256": "", "bytes": 9, "files": {}}
    append(run, Record("report", "report", 1, {}, {}, outputs, measured={"headline": mark("a page of {n} MB", n=2)}))
    assert said(show, run).splitlines()[5].endswith("  a page of 2 MB")


def test_show_writes_french_figures_in_french(run):
    english = said(show, run)
    speak("fr")
    french = said(show, run)
    assert "1\u202f234 quality/rule-9" in french
    assert len(french.splitlines()) == len(english.splitlines())


def test_show_prints_records_that_do_not_depend_on_the_language(run):
    english = said(show, run, as_json=True)
    speak("fr")
    assert said(show, run, as_json=True) == english
    assert [record["stage"] for record in json.loads(english)] == ["sources", "finetune"]


def test_why_tells_that_a_document_was_kept_and_edited(run):
    lines = said(why, run, "one").splitlines()
    assert lines[:4] == [
        "s:one",
        "  title      Le chat",
        "  source     s, https://example.org",
        "  licence    MIT (stated: copyright: License: MIT)",
    ]
    assert "  02-curate/documents: kept for training" in lines
    assert "  edited in 2 places:" in lines
    assert "    mask/e-mail at 4: (not kept) → '<e-mail>'" in lines
    assert "    clean/spaces 'a  b' → 'a b'" in lines
    assert lines[-1] == f"  | … ({len(TEXT)} characters)"


def test_why_tells_no_story_of_a_run_whose_ledger_was_altered(run):
    path = run / FILE_NAME
    path.write_text(path.read_text().replace("4321", "4322", 1))
    with pytest.raises(FournilError, match="the ledger was altered at line 1 or 2"):
        why(run, "s:one", io.StringIO())


def test_why_tells_for_what_a_document_was_refused(run):
    lines = said(why, run, "s:two").splitlines()
    at = lines.index("  02-curate/refused: refused")
    assert lines[at + 1] == "    step quality, rule few-words, value 3.5, bound 5.0, kept instead: s:one"
    assert lines[at + 2] == "    at 3: 'chat'"


def test_why_prints_json_that_does_not_depend_on_the_language(run):
    english = said(why, run, "s:two", as_json=True)
    speak("fr")
    assert said(why, run, "s:two", as_json=True) == english
    assert [item["verdict"] for item in json.loads(english)["found"]] == ["read from its source", "refused"]


@pytest.mark.parametrize(("id", "message"), [("s:", "fits several: s:one, s:two"), ("zebra", "nothing in this run")])
def test_why_says_what_it_cannot_find(run, id, message):
    with pytest.raises(FournilError, match=message):
        why(run, id, io.StringIO())


@pytest.mark.parametrize("language", ["en", "fr"])
def test_the_flow_is_drawn_with_its_captions_under_their_stages(language):
    speak(language)
    lines = said(draw_flow).splitlines()
    row = next(number for number, line in enumerate(lines) if "1 sources" in line)
    assert list(CAPTIONS) == list(STAGES)
    starts = [lines[row].index(f"{number} {stage}") for number, stage in enumerate(STAGES, 1)]
    for start in starts:
        for line in lines[row + 1 : row + 3]:
            assert not line[start : start + 2].strip()
    assert [line[start + 2 : start + 3] != " " for line in lines[row + 1 : row + 2] for start in starts] == [True] * 8
    assert max(map(len, lines)) <= 140


@pytest.mark.parametrize("stage", STAGES)
def test_settings_are_listed_in_each_language(stage):
    english = said(print_settings, stage)
    speak("fr")
    french = said(print_settings, stage)
    for setting in settings_of(stage_config(stage)):
        assert f"  {setting.path}: " in english
        assert f"  {setting.path}: " in french
