import re
from collections import Counter

import pytest

from fournil.stages.evaluate.fidelity.dialogue import KEPT, form_of
from fournil.stages.evaluate.fidelity.prompts import DIALOGUE, KINDS, LANGUAGES, PROSE, QUESTION, TRANSLATION, prompts
from fournil.stages.evaluate.fidelity.sentences import pieces
from fournil.stages.evaluate.fidelity.signs import sign_of

WRONG = {
    "fr": re.compile(
        r"['\"“”]"  # straight, or English
        r"|[^\u202f][;!?]"  # a narrow no-break space before
        r"|(?<![\xa0\d])(?<!\[Intervenant )(?<!\w):(?!\])"
        r"|«[^\xa0]|[^\xa0]»"
        r"|  |\.\.\.| ,| \."
    ),
    "en": re.compile(r"['\"]|  |\.\.\.| [,.;!?:]"),
}
QUOTED = re.compile(r"[«“]\xa0?([^»”]+?)\xa0?[»”]")


@pytest.mark.parametrize("language", LANGUAGES)
def test_there_are_fifty_of_each_kind_and_none_twice(language):
    found = prompts(language)
    assert Counter(prompt.kind for prompt in found) == dict.fromkeys(KINDS, 50)
    for part in ("id", "text", "sha256"):
        assert len({getattr(prompt, part) for prompt in found}) == 200
    assert {prompt.language for prompt in found} == {language}
    assert [prompt.id for prompt in found[:2]] == [f"{language}-prose-01", f"{language}-prose-02"]


def test_there_are_prompts_in_these_languages_only():
    with pytest.raises(KeyError):
        prompts("de")


def typographic(language: str, text: str) -> list[str]:
    """What is wrong with a text's typography; in a request for translation, the sentence quoted is in the other."""
    text = re.sub(r"\[[^\]\n]+:\]", "", text)
    quoted = QUOTED.findall(text)
    bare = QUOTED.sub("X", text)
    other = "en" if language == "fr" else "fr"
    found = WRONG[language].findall(bare)
    if "Tradui" in text or "nglish" in text or "ranslat" in text or "rançais" in text:
        found += [mistake for part in quoted for mistake in WRONG[other].findall(part)]
    return found


@pytest.mark.parametrize("language", LANGUAGES)
def test_typography(language):
    assert not [(prompt.id, found) for prompt in prompts(language) if (found := typographic(language, prompt.text))]


def test_typography_is_looked_at():
    assert typographic("fr", "Que fait-il ?")
    assert typographic("fr", "Il s'en va.")
    assert typographic("fr", "Il dit : oui.")
    assert typographic("fr", "Traduis en français\xa0: «\xa0It's late.\xa0»")
    assert typographic("en", "Translate into English: “Où vas-tu ?”")
    assert not typographic("en", "Translate into English: “Où vas-tu\u202f?”")


@pytest.mark.parametrize("language", LANGUAGES)
def test_prompts_pass_their_own_judgement(language):
    """Prose, dialogues and questions are in their language for the identification that judges what follows them."""
    for prompt in prompts(language):
        if prompt.kind != TRANSLATION:
            skip = [match.span() for match in re.finditer(r"(?m)^\[[^\]\n]+\]|^[^:\n]{1,20}\xa0?:", prompt.text)]
            kinds = {piece.kind for piece in pieces(prompt.text, skip if prompt.kind == DIALOGUE else [])}
            assert kinds <= {language, "short", "unclear"}, prompt.id
            assert language in kinds or prompt.kind == QUESTION, prompt.id
        assert not any(sign_of(line) for line in prompt.framed.splitlines()), prompt.id


@pytest.mark.parametrize("language", LANGUAGES)
def test_dialogues_have_one_form_each(language):
    dialogues = [prompt for prompt in prompts(language) if prompt.kind == DIALOGUE]
    begins = Counter(re.sub(r"\d", "1", prompt.text.split(":")[0]) for prompt in dialogues)
    assert begins.most_common(1) == [("[Intervenant 1" if language == "fr" else "[Speaker 1", 20)]
    assert sum(prompt.text.startswith("[") for prompt in dialogues) == 35
    for prompt in dialogues:
        turns = prompt.text.split("\n")
        assert len(turns) == 3, prompt.id
        assert len({turn.split(":")[0] for turn in turns}) == 2, prompt.id
        form = form_of(prompt.text, prompt.text, cut=False)
        assert (form.state, len(form.tags)) == (KEPT, 2), prompt.id
    num_open = sum(prompt.text.rstrip().endswith((":", ":]")) for prompt in dialogues)
    assert 24 <= num_open <= 26


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_translation_quotes_the_other_language_and_wants_its_own(language):
    for prompt in prompts(language):
        if prompt.kind == TRANSLATION:
            assert QUOTED.search(prompt.text), prompt.id
            assert ("français" if language == "fr" else "English") in prompt.text.replace("française", "français")
            assert prompt.framed.startswith(("Demande", "Request"))
            assert prompt.framed.endswith((":", "\xa0:"))


def test_prose_ends_without_a_space():
    for language in LANGUAGES:
        for prompt in prompts(language):
            assert prompt.text == prompt.text.strip()
            if prompt.kind == PROSE:
                assert prompt.framed == prompt.text
