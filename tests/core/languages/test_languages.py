import pytest

from fournil.core.errors import FournilError
from fournil.core.languages import CODE, known_languages, language, primary


def test_each_file_describes_the_language_of_its_name():
    assert set(known_languages()) >= {"fr", "en", CODE}
    for tag in known_languages():
        assert language(tag).tag == tag


def test_a_region_does_not_change_the_language():
    assert language("fr-CA") is language("fr")
    assert primary("EN_gb") == "en"


def test_an_unknown_language_names_the_known_ones():
    with pytest.raises(FournilError, match="code, en, fr"):
        language("oc")


def test_stop_words_are_lower_case_with_plain_apostrophes():
    for tag in known_languages():
        for word in language(tag).stop_words:
            assert word == word.lower()
            assert "’" not in word
    assert {"l'", "qu'", "à"} <= language("fr").stop_words
    assert "the" in language("en").stop_words


def test_code_has_no_words_of_its_own():
    assert not language(CODE).stop_words
