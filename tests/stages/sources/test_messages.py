import pytest
from hypothesis import given
from hypothesis import strategies as st

from fournil.stages.sources.messages import judge, strip_mnemonics


@pytest.mark.parametrize(
    ("source", "target", "marker", "expected"),
    [
        ("_File", "_Fichier", "_", ("File", "Fichier")),
        ("Save _As…", "Enregistrer _sous…", "_", ("Save As…", "Enregistrer sous…")),
        ("E_xit", "Quitter", "_", ("Exit", "Quitter")),
        ("Set xml_file", "Définir xml_file", "_", ("Set xml_file", "Définir xml_file")),
        ("a _b _c", "_d", "_", ("a _b _c", "_d")),
        ("snake__case _Open", "snake__case _Ouvrir", "_", ("snake_case Open", "snake_case Ouvrir")),
        ("&Open &amp; close", "&Ouvrir &amp; fermer", "&", ("Open &amp; close", "Ouvrir &amp; fermer")),
        ("Cut && &Paste", "Couper && co&ller", "&", ("Cut & Paste", "Couper & coller")),
        ("R & D", "R & D", "&", ("R & D", "R & D")),
        ("~Insert", "~Insérer", "~", ("Insert", "Insérer")),
        ("in ~/Documents", "dans ~/Documents", "~", ("in ~/Documents", "dans ~/Documents")),
        ("_File", "_Fichier", "", ("_File", "_Fichier")),
    ],
)
def test_mnemonics_go_on_both_sides_or_on_none(source, target, marker, expected):
    assert strip_mnemonics(source, target, marker) == expected


@pytest.mark.parametrize(
    ("source", "target", "rule"),
    [
        ("Open the file", "Ouvrir le fichier", None),
        ("%d files", "%d fichiers", None),
        ("Format", "Format", "equal"),
        ("_Format", "Form_at", "equal"),
        ("100%", "100 %", "no-letter"),
        ("words", "", "empty"),
        ("  ", "mots", "empty"),
        ("translator-credits", "Jeanne Dupont", "credits"),
        ("broken", "cass\ufffd", "encoding"),
        ("a\x1b[1mb", "c", "control-character"),
    ],
)
def test_messages_of_no_use_are_refused_with_the_rule(source, target, rule):
    assert judge(source, target, None, "_").rule == rule


def test_white_space_outside_goes_and_the_rest_stays():
    verdict = judge("\tError: %s\n  twice\n", "Erreur\u00a0: %s\n  deux fois\n", None, "")
    assert (verdict.source, verdict.target) == ("Error: %s\n  twice", "Erreur\u00a0: %s\n  deux fois")


def test_a_context_before_a_bar_goes_only_when_the_translation_lacks_it():
    assert judge("keyboard label|Del", "Suppr", None, "").source == "Del"
    assert judge("either [-a|-b]", "soit [-a|-b]", None, "").source == "either [-a|-b]"


def test_translators_names_are_known_by_their_context_too():
    assert judge("Your names", "Jeanne", "NAME OF TRANSLATORS", "").rule == "credits"


@given(st.text(alphabet="_&~ aé;", max_size=20), st.text(alphabet="_&~ aé;", max_size=20), st.sampled_from("_&~"))
def test_stripping_takes_away_markers_only(source, target, marker):
    for before, after in zip((source, target), strip_mnemonics(source, target, marker), strict=True):
        assert before.replace(marker, "") == after.replace(marker, "")
        assert len(after) <= len(before)
