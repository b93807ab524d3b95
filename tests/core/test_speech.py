"""What is said in French and English: figures, plurals, quotes, kept messages, and which language is wanted."""

import gettext
import json

import pytest

from fournil.core import speech
from fournil.core.speech import figure, mark, markn, preferred, retell, speak, speaking, tr, trn

CATALOGUE = {
    "no such recipe: {path}": "pas de recette ici : {path}",
    "read {size:,} bytes, {share:.1f} MB": "{size:,} octets lus, {share:.1f} Mo",
    "stopped by {why}": "arrêt : {why}",
    "not {name!r}": "pas {name!r}",
}
PLURALS = {("{count:,} document", "{count:,} documents"): ("{count:,} document fr", "{count:,} documents fr")}


class French(gettext.NullTranslations):
    def gettext(self, message):
        return CATALOGUE.get(message, message)

    def ngettext(self, msgid1, msgid2, n):
        one, many = PLURALS.get((msgid1, msgid2), (msgid1, msgid2))
        return many if n > 1 else one


@pytest.fixture
def french(monkeypatch):
    real = speech._catalogue
    monkeypatch.setattr(speech, "_catalogue", lambda tag: French() if tag == "fr" else real(tag))
    speak("fr")


def test_english_is_said_as_it_is_written():
    assert tr("no such recipe: {path}", path="x") == "no such recipe: x"
    assert tr("read {size:,} bytes, {share:.1f} MB", size=12345, share=1.25) == "read 12,345 bytes, 1.2 MB"
    assert tr("a brace { and no values") == "a brace { and no values"


def test_french_is_looked_up_and_its_figures_are_french(french):
    assert tr("no such recipe: {path}", path="a.b,c") == "pas de recette ici : a.b,c"
    assert tr("read {size:,} bytes, {share:.1f} MB", size=12345, share=1.25) == "12\u202f345 octets lus, 1,2 Mo"


def test_what_no_catalogue_holds_is_said_in_english(french):
    assert tr("nobody translated {this}", this="x") == "nobody translated x"
    assert tr("") == ""
    assert retell({"message": "", "values": {}}) == ""


@pytest.mark.parametrize(
    ("count", "english", "in_french"),
    [
        (0, "0 documents", "0 document fr"),
        (1, "1 document", "1 document fr"),
        (1.5, "1.5 documents", "1,5 document fr"),
        (2, "2 documents", "2 documents fr"),
        (1234, "1,234 documents", "1\u202f234 documents fr"),
    ],
)
def test_plurals_follow_each_grammar(french, count, english, in_french):
    assert trn("{count:,} document", "{count:,} documents", count) == in_french
    with speaking("en"):
        assert trn("{count:,} document", "{count:,} documents", count) == english


def test_names_stand_in_the_language_s_quotes(french):
    assert tr("not {name!r}", name="l'été") == "pas «\xa0l'été\xa0»"
    assert tr("not {name!r}", name="a\nb") == "pas «\xa0a\\nb\xa0»"
    assert tr("not {name!r}", name=["x"]) == "pas ['x']"
    with speaking("en"):
        assert tr("not {name!r}", name="x") == "not 'x'"


def test_numbers_without_a_format_stay_as_they_are(french):
    assert tr("{number} {truth} {share}", number=12345, truth=True, share=0.5) == "12345 True 0,5"


def test_kept_messages_survive_json_and_are_put_into_words_when_shown(french):
    kept = json.loads(json.dumps(mark("stopped by {why}", why=markn("{count:,} document", "{count:,} documents", 2))))
    assert retell(kept) == "arrêt : 2 documents fr"
    with speaking("en"):
        assert retell(kept) == "stopped by 2 documents"
    assert retell("an old plain headline, 1.5") == "an old plain headline, 1.5"
    assert retell([mark("stopped by {why}", why="x"), "y, z"]) == "arrêt : x\u202f; y, z"
    with speaking("en"):
        assert retell([mark("stopped by {why}", why="x"), "y, z"]) == "stopped by x; y, z"


def test_figures(french):
    assert figure("1,234.5 and 12%") == "1\u202f234,5 and 12\u202f%"
    with speaking("en"):
        assert figure("1,234.5 and 12%") == "1,234.5 and 12%"


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({}, "en"),
        ({"LANG": "fr_FR.UTF-8"}, "fr"),
        ({"LANG": "fr"}, "fr"),
        ({"LANG": "fr_CA@euro"}, "fr"),
        ({"LANG": "de_DE.UTF-8"}, "en"),
        ({"LANG": "fr_FR.UTF-8", "LC_ALL": "en_GB.UTF-8"}, "en"),
        ({"LANG": "en_GB.UTF-8", "LC_MESSAGES": "fr_FR.UTF-8"}, "fr"),
        ({"LANG": "en_GB.UTF-8", "LC_MESSAGES": "en_GB", "LC_ALL": "fr_FR"}, "fr"),
        ({"LANG": "en_GB.UTF-8", "LANGUAGE": "fr"}, "fr"),
        ({"LANG": "en_GB.UTF-8", "LANGUAGE": "br:fr:en"}, "fr"),
        ({"LANG": "fr_FR.UTF-8", "LANGUAGE": "br"}, "fr"),
        ({"LC_ALL": "", "LANG": "fr_FR.UTF-8"}, "fr"),
        ({"LC_ALL": "C", "LANG": "fr_FR.UTF-8"}, "en"),
        ({"LANG": "C.UTF-8", "LANGUAGE": "fr"}, "en"),
        ({"LANG": "POSIX"}, "en"),
        ({"LANGUAGE": "fr"}, "fr"),
    ],
)
def test_the_environment_says_which_language(environment, language):
    assert preferred(environment) == language


def test_a_language_without_a_catalogue_is_refused():
    with pytest.raises(ValueError, match="'de'"):
        speak("de")
    with pytest.raises(ValueError, match="'de'"), speaking("de"):
        raise AssertionError
    assert speech.spoken() == "en"


def test_speaking_ends_with_the_block():
    with speaking("fr"):
        assert speech.spoken() == "fr"
    assert speech.spoken() == "en"
    with pytest.raises(KeyError), speaking("fr"):
        raise KeyError
    assert speech.spoken() == "en"


def test_the_catalogue_of_every_language_is_there():
    for language in speech.LANGUAGES[1:]:
        assert speech._catalogue(language).info()["language"] == language
