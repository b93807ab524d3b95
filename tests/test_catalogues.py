"""The catalogues: every message has its translation, sound and set as its readers expect; none escapes collection."""

import argparse
import ast
import gettext
import sys
from pathlib import Path

import polib
import pytest

from fournil import cli, flow
from fournil.core.settings import settings_of
from fournil.core.speech import DOMAIN, LANGUAGES, LOCALES, speaking, tr
from fournil.recipe import stage_config

TONGUES = [language for language in LANGUAGES if language != "en"]


@pytest.fixture(scope="module")
def tool():
    folder = str(LOCALES.parents[3] / "tools")
    sys.path.insert(0, folder)
    import catalogues

    yield catalogues
    sys.path.remove(folder)
    del sys.modules["catalogues"]


@pytest.fixture(scope="module")
def messages(tool):
    return tool.collect()


def place(language: str):
    return LOCALES / language / "LC_MESSAGES" / f"{DOMAIN}.po"


def entry(text: str, translation: str, **more) -> polib.POEntry:
    return polib.POEntry(msgid=text, msgstr=translation, **more)


@pytest.mark.parametrize("language", TONGUES)
def test_every_message_has_a_sound_translation_and_none_is_left_over(tool, messages, language):
    catalogue = polib.pofile(str(place(language)))
    assert {(item.msgid, item.msgid_plural) for item in catalogue} == messages, "make catalogues"
    assert len(catalogue) == len(messages) > 1000
    wrong = {item.msgid: tool.faults(item, language) for item in catalogue if tool.faults(item, language)}
    assert wrong == {}


@pytest.mark.parametrize("language", TONGUES)
def test_catalogues_are_as_the_tool_writes_them(tool, messages, language, tmp_path):
    catalogue = tool.update(place(language), messages, [])
    catalogue.save(str(tmp_path / "x.po"))
    assert (tmp_path / "x.po").read_text("utf-8") == place(language).read_text("utf-8"), "make catalogues"
    catalogue.save_as_mofile(str(tmp_path / "x.mo"))
    assert (tmp_path / "x.mo").read_bytes() == place(language).with_suffix(".mo").read_bytes(), "make catalogues"


def test_every_language_has_its_catalogue():
    assert sorted(path.name for path in LOCALES.iterdir()) == sorted(TONGUES)


def test_no_message_escapes_collection(tool):
    assert tool.misuses() == []


def test_no_text_for_people_is_a_bare_literal(tool):
    assert tool.untranslated() == []
    for name in tool.DEVELOPERS:
        assert "raise ValueError" in (tool.SOURCES / name).read_text("utf-8"), f"{name} needs its exception no more"


@pytest.mark.parametrize("stage", flow.STAGES)
def test_the_text_of_every_setting_is_collected(messages, stage):
    for setting in settings_of(stage_config(stage)):
        assert (" ".join(setting.doc.split()), "") in messages


BROKEN = """
tr(f"of {name}")
tr(name)
trn("one", name, 3)
mark("half" + name)
markn("one")
"""


def test_calls_whose_message_is_no_literal_are_seen(tool, tmp_path):
    (tmp_path / "x.py").write_text(BROKEN + 'tr("sound")\ntrn("a", "b", 2)\nmark("a" "b", x=f"{y}")\n')
    assert [misuse.place for misuse in tool.misuses(tmp_path)] == [f"x.py:{line}" for line in range(2, 7)]


@pytest.mark.parametrize(
    "line",
    [
        'FournilError("no such thing")',
        'FournilError(tr("x"), fix=f"Give {name} whole.")',
        'print("done", file=file)',
        'print(f"{count} documents")',
        'progress.note("half way")',
        'progress.task(tr("reading"), unit="pages")',
        'raise ValueError("must be positive")',
    ],
)
def test_bare_texts_for_people_are_seen(tool, tmp_path, line):
    (tmp_path / "x.py").write_text(line + "\n")
    assert [misuse.place for misuse in tool.untranslated(tmp_path)] == ["x.py:1"]


@pytest.mark.parametrize(
    "line",
    ['print(f"  fournil chat {run}")', 'print(tr("x"), end="")', 'FournilError(tr("x"), where="a.b")', "print()"],
)
def test_commands_and_names_are_no_texts(tool, tmp_path, line):
    (tmp_path / "x.py").write_text(line + "\n")
    assert tool.untranslated(tmp_path) == []


def test_messages_of_all_kinds_are_collected(tool, tmp_path):
    config = tmp_path / "stages" / "x" / "config.py"
    config.parent.mkdir(parents=True)
    config.write_text('class Config:\n    seed: int = 0\n    """Where chance\n    begins."""\n')
    (tmp_path / "y.py").write_text('f(tr("a" " b", x=tr("inner")), trn("c", "d", 2), mark("e"), markn("g", "h", 1))')
    found = tool.collect(tmp_path)
    wanted = {("a b", ""), ("inner", ""), ("c", "d"), ("e", ""), ("g", "h"), ("Where chance begins.", "")}
    assert wanted <= found
    assert len(found) == len(wanted) + len(tool.ARGPARSE) + len(tool.ARGPARSE_COUNTED)


def test_a_changed_message_waits_for_its_translation(tool, tmp_path):
    path = tmp_path / "fr" / "LC_MESSAGES" / "x.po"
    path.parent.mkdir(parents=True)
    catalogue = polib.POFile()
    catalogue.metadata = {"Language": "fr"}
    catalogue += [entry("kept", "gardé"), entry("changed", "changé"), entry("guessed", "deviné", flags=["fuzzy"])]
    catalogue.save(str(path))
    other = tmp_path / "other.po"
    polib.POFile().save(str(other))
    more = polib.pofile(str(other))
    more += [entry("new", "l'été !"), entry("kept", "autre")]
    more.save(str(other))
    messages = {tool.Message(text) for text in ("kept", "changed a little", "guessed", "new")}
    found = {item.msgid: item.msgstr for item in tool.update(path, messages, [other])}
    assert found == {"changed a little": "", "guessed": "", "kept": "gardé", "new": "l’été\u202f!"}
    assert list(found) == sorted(found)


@pytest.mark.parametrize(
    ("item", "fault"),
    [
        (entry("a {count:,} b", "a {count:,} b"), None),
        (entry("of {name!r}", "de {name!r}"), None),
        (entry("", "x"), None),
        (entry("text", ""), "no translation"),
        (entry("text", "texte", flags=["fuzzy"]), "a guess"),
        (entry("a {count:,} b", "a b"), "places"),
        (entry("a {count:,} b", "a {count} b"), "places"),
        (entry("a {count:,} b", "a {nombre:,} b"), "places"),
        (entry("a {x} b", "a {x} {x} b"), "places"),
        (entry("a {x}", "a {x"), "places"),
        (entry("a %(x)s", "a %(y)s"), "places"),
        (entry("%s argument", "argument"), "places"),
        (entry("a %(x)r", "a « %(x)s »".replace(" »", "\xa0»").replace("« ", "«\xa0")), None),
        (entry("<b>a</b>", "<b>a</b>"), None),
        (entry("<b>a</b>", "<b>a"), "other tags"),
        (entry(" a", "a"), "white space"),
        (entry("a\n", "a"), "white space"),
        (polib.POEntry(msgid="{count} a", msgid_plural="{count} b", msgstr_plural={0: "un", 1: "{count} b"}), None),
        (polib.POEntry(msgid="{count} a", msgid_plural="{count} b", msgstr_plural={0: "un", 1: "b"}), "places"),
        (polib.POEntry(msgid="{count} a", msgid_plural="{count} b", msgstr_plural={0: "{count} a"}), "no translation"),
    ],
)
def test_faults_of_translations_are_seen(tool, item, fault):
    found = tool.faults(item, "fr")
    assert (not found) if fault is None else any(fault in text for text in found)


@pytest.mark.parametrize(
    ("typed", "printed"),
    [
        ("fin : là", "fin\xa0: là"),
        ("oui ; non !", "oui\u202f; non\u202f!"),
        ("lequel ?", "lequel\u202f?"),
        ("« mot »", "«\xa0mot\xa0»"),
        ("« mot » !", "«\xa0mot\xa0»\u202f!"),
        ("l'été d'{name}", "l’été d’{name}"),
        ("attendre...", "attendre…"),
        ("{share:.1f} % et 3 Mo", "{share:.1f}\u202f% et 3\xa0Mo"),
        ("{size:.1f} Go", "{size:.1f}\xa0Go"),
        ("voir `a : b` : c", "voir `a : b`\xa0: c"),
        ('<a href="x">mot</a> : oui', '<a href="x">mot</a>\xa0: oui'),
    ],
)
def test_french_is_set_as_it_is_printed(tool, typed, printed):
    assert tool.french_faults(typed)
    assert tool.french_typeset(typed) == printed
    assert tool.french_typeset(printed) == printed
    assert tool.french_faults(printed) == []


@pytest.mark.parametrize("text", ["a: b", "quoi?", "non;", "«mot»", "l'air", 'un "mot"', "12% ", "a..."])
def test_faults_of_typography_are_seen(tool, text):
    assert tool.french_faults(text)


@pytest.mark.parametrize("text", ["`a: b`", "{name!r}", "https://a.b/c?d=e", '<i class="a">b</i>', "10:30", "a/b%c"])
def test_code_has_no_typography(tool, text):
    assert tool.french_faults(text) == []


def french_help(capsys, *arguments: str) -> str:
    with pytest.raises(SystemExit):
        cli.main(["--lang", "fr", *arguments])
    out = capsys.readouterr()
    return out.out + out.err


VERBS = ["bake", *flow.STAGES, "plan", "show", "why", "verify", "compare", "chat", "translate", "publish"]


@pytest.mark.parametrize("verb", ["", *VERBS])
def test_help_is_wholly_in_french(capsys, verb):
    text = " ".join(french_help(capsys, *([verb] if verb else []), "--help").split(" "))
    assert text.startswith("utilisation\xa0: fournil")
    for word in ("usage:", "positional", "options:", " the ", " of ", "FOLDER", "RECIPE", "default"):
        assert word not in text, word


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["bake"], "fournil bake\xa0: erreur\xa0: arguments obligatoires manquants\xa0: RECETTE"),
        (["chat", "x", "--seed"], "un argument attendu"),
        (["chat", "x", "--seed", "y"], "valeur incorrecte\xa0: «\xa0y\xa0»"),
        (["frobnicate"], "pas de verbe «\xa0frobnicate\xa0»"),
        (["--lang", "de"], "choix incorrect\xa0: «\xa0de\xa0»"),
        (["show", "x", "--jsn"], "Serait-ce --json\u202f?"),
    ],
)
def test_wrong_use_is_said_in_french(capsys, arguments, sentence):
    text = french_help(capsys, *arguments)
    assert sentence in text
    assert text.startswith("utilisation\xa0: ")


def test_argparse_says_nothing_that_is_not_collected(tool):
    tree = ast.parse(Path(argparse.__file__).read_text("utf-8"))
    said = {
        node.args[0].value
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("_", "ngettext")
        if isinstance(node.args[0], ast.Constant)
    }
    assert said - set(tool.ARGPARSE) - {one for one, _ in tool.ARGPARSE_COUNTED} - UNREACHABLE == set()


UNREACHABLE = {
    "%(heading)s:",
    ".__call__() not defined",
    "%r is not callable",
    "'required' is an invalid argument for positionals",
    "ambiguous option: %(option)s could match %(matches)s",
    'argument "-" with mode %r',
    "can't open '%(filename)s': %(error)s",
    "cannot have multiple subparser arguments",
    "cannot merge actions - two groups are named %r",
    "conflicting option string: %s",
    "conflicting subparser alias: %s",
    "conflicting subparser: %s",
    "dest= is required for options like %r",
    "invalid conflict_resolution value: %r",
    "invalid option string %(option)r: must start with a character %(prefix_chars)r",
    "mutually exclusive arguments must be optional",
    "show this help message and exit",
    "show program's version number and exit",
    "subcommands",
    "unexpected option string: %s",
    "option '%(option)s' is deprecated",
    "command '%(parser_name)s' is deprecated",
    "argument '%(argument_name)s' is deprecated",
}
"""What argparse says only to whoever writes a parser, or where abbreviations or files are allowed."""


def test_gettext_finds_the_catalogues(monkeypatch):
    for language in TONGUES:
        assert gettext.find(DOMAIN, str(LOCALES), [language]) is not None
    with speaking("fr"):
        assert tr("up to date") == "à jour"
