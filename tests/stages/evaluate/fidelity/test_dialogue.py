import pytest

from fournil.stages.evaluate.fidelity.dialogue import form_of

NUMBERED = "[Intervenant 1:] Il reste du pain\u202f?\n[Intervenant 2:] Une demi-baguette.\n[Intervenant 1:]"
NAMED = "[Camille:] Tu viens\u202f?\n[M.\xa0Koné:] Peut-être.\n[Camille:]"
BARE = "Lucie\xa0: Tu viens\u202f?\nOmar\xa0: Peut-être.\nLucie\xa0:"
ENGLISH = "Lucy: Are you coming?\nOmar: Perhaps.\nLucy:"


@pytest.mark.parametrize(
    ("prompt", "text"),
    [
        (NUMBERED, " Donne-la-moi.\n[Intervenant 2:] Tiens.\n[Intervenant 1:] Merci\u202f!"),
        (NUMBERED, " Donne.\n\n[Intervenant 2:] Tiens.\n\n[Intervenant 3:] Bonjour\u202f!\n"),
        (NUMBERED, "\n[Intervenant 2:]"),
        (NAMED, " Alors\u202f?\n[M.\xa0Koné:] D’accord.\n[Une voix\xa0:] Attendez-moi\u202f!"),
        (BARE, " Alors\u202f?\nOmar\xa0: D’accord.\nLe chien\xa0: Ouah\u202f!"),
        (BARE, " Alors\u202f?\nOmar: D’accord."),
        (ENGLISH, " Well?\nOmar: All right.\nMr O’Neill: Wait!"),
    ],
)
def test_kept(prompt, text):
    assert form_of(prompt, text, cut=False).state == "kept"


@pytest.mark.parametrize(
    ("prompt", "text", "lost_at"),
    [
        (NUMBERED, " Donne.\nIl prit le pain et sortit.", "Il prit"),
        (NUMBERED, " Donne.\n[Intervenant 2:] Tiens.\nIl prit le pain.\n[Intervenant 1:] Merci.", "Il prit"),
        (NUMBERED, " Donne.\n[Speaker 2:] Here you are.", "[Speaker"),
        (NUMBERED, " Donne.\nIntervenant 2\xa0: Tiens.", "Intervenant"),
        (NUMBERED, " Donne.\n- Tiens.", "- Tiens"),
        (NAMED, " Alors\u202f?\n[rire]", "[rire]"),
        (NAMED, " Alors\u202f?\nM.\xa0Koné\xa0: D’accord.", "M."),
        (BARE, " Alors\u202f?\n[Omar:] D’accord.", "[Omar"),
        (BARE, " Alors\u202f?\nIl ne répondit pas.", "Il ne"),
        (BARE, " Alors\u202f?\nhttps://exemple.fr", "https"),
        (ENGLISH, " Well?\n# Chapter 2\n", "# Ch"),
        (ENGLISH, " Well?\n12:30", "12:30"),
    ],
)
def test_lost(prompt, text, lost_at):
    form = form_of(prompt, text, cut=False)
    assert form.state == "lost"
    assert form.lost_at is not None
    assert text[form.lost_at :].startswith(lost_at)


@pytest.mark.parametrize("text", ["", " Oui, et je le garde pour demain matin", "\n\n", " Oui.\n"])
def test_no_new_turn_tells_nothing(text):
    assert form_of(NUMBERED, text, cut=True).state == "no turn"


@pytest.mark.parametrize(("prompt", "last"), [(NUMBERED, "[Interv"), (NAMED, "[M."), (BARE, "Om"), (ENGLISH, "Omar")])
def test_a_tag_that_had_to_stop_is_not_held_against_it(prompt, last):
    assert form_of(prompt, f" Oui.\n{last}", cut=True).state == "no turn"
    assert form_of(prompt, f" Oui.\n{last}", cut=False).state == "lost"
    assert form_of(prompt, f" Oui.\n{last}\nEncore.", cut=True).state == "lost"


def test_where_the_tags_are():
    text = " Donne.\n  [Intervenant 2:] Tiens."
    form = form_of(NUMBERED, text, cut=False)
    assert [text[start:end] for start, end in form.tags] == ["[Intervenant 2:]"]
