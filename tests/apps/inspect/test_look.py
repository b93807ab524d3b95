"""Samples of what was refused, kept and changed: which are drawn, what is highlighted, how they are shown."""

import io
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from strict_html import Page

from fournil.apps.inspect.look import evidence
from fournil.apps.inspect.look.command import Looking, look
from fournil.apps.inspect.look.page import html_page
from fournil.apps.inspect.look.sample import Part, Shown, Specimen, Wanted, choose_sample
from fournil.apps.inspect.look.terminal import Style, draw, harmless
from fournil.cli import main
from fournil.core.document import (
    DOCUMENTS,
    EDITS,
    PAIRS,
    REFUSED_DOCUMENTS,
    REFUSED_PAIRS,
    document_row,
    pair_row,
    refused_row,
)
from fournil.core.errors import FournilError
from fournil.core.ledger import append
from fournil.core.record import Record

KEPT_TEXT = "Le chat dort sur le mur du jardin et la pluie tombe sur les toits de la ville."
NEAR_TEXT = "Hier, le chat dort sur le mur du jardin et la neige tombe."
PLAIN = Style(80, 1000, colour=False)


def document(name: str, text: str, source: str = "s", tag: str | None = "fr") -> dict[str, Any]:
    return document_row(name, text, source=source, licence="MIT", language=tag)


def write(run: Path, place: str, rows: list[dict[str, Any]], schema: pa.Schema, name: str = "documents") -> None:
    (run / place).mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), run / place / f"{name}-000.parquet")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("runs") / "run"
    run.mkdir()
    append(run, Record("curate", "curate", 1, {}, {}, {"sha256": "", "bytes": 1, "files": {}}))
    kept = [document(f"kept-{number}", f"{KEPT_TEXT} {number}", source="st"[number % 2]) for number in range(20)]
    kept.append(document("masked", "Écrivez à [E-MAIL] ou à [E-MAIL]."))
    write(run, "02-curate/documents", kept, DOCUMENTS)
    refused = [
        refused_row(
            document("near", NEAR_TEXT),
            step="duplicates",
            rule="near-duplicate",
            value=0.85,
            bound=0.8,
            kept_id="kept-0",
        ),
        refused_row(document("spans", "abc def ghi"), step="toxicity", rule="words", value=1, spans=[[4, 7]]),
        *(
            refused_row(document(f"few-{number:02}", "Trop court."), step="quality", rule="gopher-few-words", value=2)
            for number in range(30)
        ),
    ]
    write(run, "02-curate/refused", refused, REFUSED_DOCUMENTS)
    pair = pair_row("pair", {"en": "No", "fr": "Non, jamais de la vie\x1b[31m"}, source="po", licence="MIT")
    pairs = [refused_row(pair, step="quality", rule="length-ratio", value=5.0, bound=3.0)]
    write(run, "02-curate/refused", pairs, REFUSED_PAIRS, "pairs")
    write(run, "02-curate/pairs", [{**pair, "id": "good"}], PAIRS, "pairs")
    edit = {"id": "masked", "step": "personal-data", "rule": "e-mail", "start": 10, "end": 20, "now": "[E-MAIL]"}
    write(run, "02-curate/edits", [edit, edit], EDITS)
    return run


def said(run: Path, **asked: Any) -> str:
    out = io.StringIO()
    assert look(run, Looking(**asked), out) == 0
    return out.getvalue()


def highlighted(part: Part) -> list[str]:
    return [part.text[start:end] for start, end in part.spans]


def test_a_near_duplicate_stands_beside_the_one_that_was_kept(run: Path):
    (specimen,) = choose_sample(run, Wanted("duplicates", None, 5, 0))
    assert specimen.same
    assert specimen.kept is not None
    assert specimen.kept.id == "kept-0"
    assert highlighted(specimen.row.parts[0]) == ["le chat dort sur le mur du jardin et la"]
    assert highlighted(specimen.kept.parts[0]) == ["Le chat dort sur le mur du jardin et la"]


def test_spans_of_a_rule_are_highlighted(run: Path):
    (specimen,) = choose_sample(run, Wanted("toxicity", None, 5, 0))
    assert highlighted(specimen.row.parts[0]) == ["def"]
    assert specimen.kept is not None
    assert not specimen.same


def test_a_sample_is_drawn_by_its_seed(run: Path):
    def drawn(seed: int) -> list[str]:
        return [specimen.row.id for specimen in choose_sample(run, Wanted("quality", "gopher-few-words", 5, seed))]

    assert len(drawn(0)) == 5
    assert drawn(0) == drawn(0) == sorted(drawn(0))
    assert drawn(0) != drawn(1)


def test_those_beside_are_several_and_of_the_same_source(run: Path):
    beside = [each.kept for each in choose_sample(run, Wanted("quality", "gopher-few-words", 5, 0))]
    assert {shown.source for shown in beside if shown} == {"s"}
    assert len({shown.id for shown in beside if shown}) == 5


def test_pairs_show_both_sides_beside_a_pair(run: Path):
    (specimen,) = choose_sample(run, Wanted(None, "length-ratio", 5, 0))
    assert [part.language for part in specimen.row.parts] == ["en", "fr"]
    assert specimen.kept is not None
    assert specimen.kept.id == "good"


def test_changes_show_what_was_put_there(run: Path):
    (specimen,) = choose_sample(run, Wanted("personal-data", None, 5, 0))
    assert highlighted(specimen.row.parts[0]) == ["[E-MAIL]", "[E-MAIL]"]
    lines = list(draw([specimen], PLAIN))
    assert lines[0] == "personal-data / e-mail, 2 changes"
    assert "  Écrivez à ⟦[E-MAIL]⟧ ou à ⟦[E-MAIL]⟧." in lines
    assert "  (not kept) → '[E-MAIL]'" in lines


def test_all_steps_are_shown_where_none_is_named(run: Path):
    found = {(each.step, each.rule) for each in choose_sample(run, Wanted(None, None, 100, 0))}
    assert len(found) == 5


def test_what_nobody_did_is_an_error_that_names_what_there_is(run: Path):
    with pytest.raises(FournilError) as error:
        choose_sample(run, Wanted("language", None, 5, 0))
    assert "quality (31)" in str(error.value)
    with pytest.raises(FournilError) as error:
        choose_sample(run, Wanted("quality", "nope", 5, 0))
    assert "gopher-few-words (30), length-ratio (1)" in str(error.value)
    with pytest.raises(FournilError):
        look(run / "elsewhere", Looking(), io.StringIO())
    with pytest.raises(FournilError):
        look(run, Looking(num=0), io.StringIO())


def test_wide_terminals_have_two_columns(run: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("COLUMNS", "120")
    lines = said(run, step="duplicates").splitlines()
    assert lines[0] == "duplicates / near-duplicate, value 0.85, bound 0.8"
    assert lines[1].startswith("refused: near (s)")
    assert "│ kept in its place: kept-0 (s)" in lines[1]
    assert all(len(line) <= 120 for line in lines)
    monkeypatch.setenv("COLUMNS", "60")
    narrow = said(run, step="duplicates")
    assert "│" not in narrow
    assert all(len(line) <= 60 for line in narrow.splitlines())


def test_a_highlight_goes_on_in_the_next_line():
    row = Shown("x", "s", [Part("fr", "un deux trois quatre\n\ncinq six", [(3, 25)])])
    lines = list(draw([Specimen("step", "rule", row)], Style(14, 1000, colour=False)))
    assert lines[2:] == ["  un ⟦deux ⟧", "  ⟦trois ⟧", "  ⟦quatre⟧", "", "  ⟦cin⟧q six"]
    coloured = list(draw([Specimen("step", "rule", row)], Style(80, 1000, colour=True)))
    assert coloured[2] == "  un \x1b[7mdeux trois quatre\x1b[27m"


def test_a_text_cannot_steer_the_terminal(run: Path):
    assert harmless("a\x1b[2Jb\x07\u202ec\n\td\r") == "a\ufffd[2Jb\ufffd\ufffdc\n\td\ufffd"
    shown = said(run, rule="length-ratio")
    assert "\x1b" not in shown
    assert "la vie\ufffd[31m" in shown


def test_the_page_is_sound_and_escapes_what_it_shows(run: Path, tmp_path: Path):
    path = tmp_path / "pages" / "look.html"
    assert said(run, html=path, num=3) == f"Written: {path}\n"
    page = Page(path.read_text("utf-8"))
    assert page.wrong == []
    hostile = Shown("<i>", "&", [Part("fr", "<script>alert(1)</script> & co", [(0, 8)])])
    text = html_page([Specimen("a<b", "r", hostile, kept=hostile)], "<title>")
    assert Page(text).wrong == []
    assert "<script" not in text
    assert "<mark>&lt;script&gt;</mark>" in text


def test_the_verb_prints_a_sample(run: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["look", str(run), "--step", "toxicity"]) == 0
    assert "⟦def⟧" in capsys.readouterr().out
    assert main(["look", str(run), "--step", "nowhere"]) == 1
    assert "nothing in this run was refused or changed by 'nowhere'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("rule", "text", "found"),
    [
        ("gopher-top-2-gram", "le pain, le pain et le vin", ["le pain", "le pain"]),
        ("gopher-duplicate-5-grams", "a b c d e f a b c d e", ["a b c d e"]),
        ("top_2_gram", "a b a b c", ["a b", "a b"]),
        ("duplicated_5_n_grams", "a b c d e x a b c d e", ["a b c d e"]),
        ("gopher-duplicate-lines", "Oui.\nNon.\nOui.", ["Oui."]),
        ("gopher-duplicate-paragraph-characters", "a\nb\n\nc\n\na\nb", ["a\nb"]),
        ("gopher-bullet-lines", "- un\n– deux\ntrois - quatre", ["-", "–"]),
        ("gopher-ellipsis-lines", "Il partit…\nPuis… rien", ["…"]),
        ("gopher-ellipses", "Il… partit...", ["…", "..."]),
        ("gopher-hash-signs", "# a #b", ["#", "#"]),
        ("c4-curly-braces", "f { x }", ["{", "}"]),
        ("c4-lorem-ipsum", "Lorem Ipsum dolor", ["Lorem Ipsum"]),
        ("c4-long-token", "un anticonstitutionnellement bon", ["anticonstitutionnellement"]),
        ("code-long-line", "a\nlongest\nb", ["longest"]),
        ("fineweb-short-lines", f"court\n{'long ' * 10}", ["court"]),
        ("gopher-words-without-letters", "un 12 -- deux", ["12", "--"]),
        ("markup-only", "<b>%s</b>", ["<b>%s</b>"]),
        ("policy-line", "Bonjour\nNous utilisons des cookies\n", ["Nous utilisons des cookies"]),
        ("gopher-few-words", "Trop court.", []),
    ],
)
def test_evidence_is_found_by_the_rule_s_name(rule: str, text: str, found: list[str]):
    assert [text[start:end] for start, end in evidence.find_evidence(rule, text)] == found


def test_lines_in_another_language_are_evidence():
    text = "Le chat dort sur le mur et la pluie tombe.\nThe cat is on the wall and it was raining.\n"
    assert [text[a:b] for a, b in evidence.other_lines(text, "fr", ("en", "fr"))] == [text.splitlines()[1]]


def test_an_excerpt_shows_the_first_evidence():
    text = "x" * 500 + "HERE" + "y" * 500
    piece, spans = evidence.excerpt(text, [(500, 504)], 100)
    assert piece.startswith("… x")
    assert piece.endswith("y …")
    assert [piece[a:b] for a, b in spans] == ["HERE"]
    assert evidence.excerpt("short", [(0, 2)], 100) == ("short", [(0, 2)])
    assert evidence.merged([(5, 9), (0, 2), (2, 4), (8, 12), (3, 3)]) == [(0, 4), (5, 12)]


def test_records_of_a_broken_ledger_are_not_shown(run: Path, tmp_path: Path):
    broken = tmp_path / "broken"
    broken.mkdir()
    lines = (run / "ledger.jsonl").read_text("utf-8").splitlines()
    entry = json.loads(lines[0])
    entry["record"]["stage"] = "other"
    (broken / "ledger.jsonl").write_text(json.dumps(entry) + "\n", "utf-8")
    with pytest.raises(FournilError):
        look(broken, Looking(), io.StringIO())
