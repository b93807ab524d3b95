"""Word lists: what counts, what its context clears, and lists that are broken."""

import random

import numpy as np
import pyarrow as pa
import pytest

from fournil.core.errors import FournilError
from fournil.parts.text.folded import folded_words
from fournil.parts.text.toxicity import GRADES, NEAR, find_words, known_lists, parse_list, word_list

MILD, STRONG, ADULT = (1, 0, 0), (0, 1, 0), (0, 0, 1)
NONE = (0, 0, 0)


def counts(text: str, tag: str = "fr") -> tuple[int, ...]:
    found = find_words(folded_words(pa.array([text])), word_list(tag))
    return tuple(found.counts_DG[0].tolist())


def test_there_is_a_list_for_each_language_of_ours():
    assert known_lists() == ("en", "fr")
    for tag in known_lists():
        listed = word_list(tag)
        assert all((listed.grade_E[listed.kind_E == 1] == grade).sum() > 30 for grade in range(len(GRADES)))


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Oh putain, quelle merde, il pleut encore.", (2, 0, 0)),
        ("Tabarnak, j'ai encore manqué mon autobus, câlisse !", (2, 0, 0)),
        ("Il a pas d'allure, ostie de char.", MILD),
        ("J'suis tannée en crisse de ce char-là.", MILD),
        ("La bitte d'amarrage du quai tient bon, et la bite d'amarrage aussi.", NONE),
        ("La chatte a eu quatre petits, et elle miaule devant ses croquettes.", NONE),
        ("Sa chatte dort sur le fauteuil.", NONE),
        ("Au fond du cul-de-sac, un cul-de-jatte vendait des culs de bouteille.", NONE),
        ("« Ô tons étranges », dit-il con brio, puis il partit.", NONE),
        ("On vous enverra le con-\nseil demain, et la con-\nduite à tenir.", NONE),
        ("Le raton laveur a mangé le chat du voisin.", NONE),
        ("De l'esclavage des nègres : Montesquieu y parle du colon et du planteur.", NONE),
        ("Le mot « nègre » est une insulte raciste, dit le dictionnaire.", NONE),
        ("Il travaillait comme nègre littéraire pour un ministre.", NONE),
        ("Le tribunal l'a condamné pour injure : il l'avait appelée « sale pute ».", NONE),
        ("La marche des fiertés est partie, les gouines en tête.", NONE),
        ("Le médecin a parlé à ses patients de la masturbation et de l'éjaculation.", NONE),
        ("Sale arabe, retourne dans ton pays.", (0, 2, 0)),
        ("Espèce d'enculé, fils de pute.", (0, 2, 0)),
        ("Vidéo porno gratuite : gros nichons et plan cul ce soir.", (0, 0, 3)),
        ("Il avait acheté le pain, le lait et les œufs avant la pluie.", NONE),
    ],
)
def test_french(text: str, wanted: tuple[int, ...]):
    assert counts(text) == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("The town of Scunthorpe, the Essex marshes and Penistone, by Dick and his cockatoo.", NONE),
        ("Well shit, that's a fucking mess.", (2, 0, 0)),
        ("A great tit and two blue tits came to the nest in the garden.", NONE),
        ("The rooster is a cock; its hens follow it about the farm.", NONE),
        ("She graduated magna cum laude; the pussy willow was in bloom.", NONE),
        ("My nigga, you still owe me for the tickets.", MILD),
        ("The bitch had six puppies, and the breeder sold four.", NONE),
        ("There was a chink in the armour and a chink of light in the wall.", NONE),
        ("He lit a fag and threw the packet of cigarettes away.", NONE),
        ("The word 'faggot' is a slur, and Scots faggots are meatballs in gravy.", NONE),
        ("Flame retardants retard the growth of the flame.", NONE),
        ("The bastard son of the king claimed the throne.", NONE),
        ("The defendant was convicted under the statute on sodomy.", NONE),
        ("Dirty jew, go back to your country.", (0, 2, 0)),
        ("Hot milf porn video: big tits, wet pussy.", (0, 0, 4)),
        ("Le retard du train et le con de service.", NONE),
    ],
)
def test_english(text: str, wanted: tuple[int, ...]):
    assert counts(text, "en") == wanted


def test_a_word_is_of_one_language():
    assert counts("Bite me, he said, and took a bite of bread.", "en") == NONE
    assert counts("Le train a du retard, con de service.", "en") == NONE


def test_a_document_about_something_clears_what_belongs_to_it():
    """Far from each other, as many words of the context as of the list: a treatise on slavery."""
    filler = " le vent tourne et la mer monte" * 5
    treatise = f"Les nègres vivaient là.{filler} Les esclaves aussi.{filler} Un nègre parla.{filler} Les colons rirent."
    assert counts(treatise) == NONE
    assert counts(f"Les nègres, dit-il.{filler} Un nègre.{filler} Encore un nègre.{filler} Et puis un colon.") == (
        0,
        3,
        0,
    )


LIST = """
# a comment
@sea | ship{,s}, quay
strong | grub{,s,by}, dirty grub | -@sea
mild | blast, blast it all   # another
adult | queue | +@sea
none | blast furnace, ship's grub
"""


def own(text: str) -> list[int]:
    listed = parse_list(LIST, where="own.txt")
    return find_words(folded_words(pa.array([text])), listed).counts_DG[0].tolist()


def test_contexts_clear_within_some_words_and_no_further():
    near = " word" * (NEAR - 1)
    assert own(f"grub{near} ship") == [0, 0, 0]
    assert own(f"ship{near} grub") == [0, 0, 0]
    assert own(f"grub grub{near} ship") == [0, 1, 0]
    assert own(f"ship{near} word grub grub") == [0, 2, 0]
    assert own(f"queue{near} word ship") == [0, 0, 0]
    assert own(f"queue{near} ship") == [0, 0, 1]


def test_the_longest_expression_counts_once():
    assert own("a dirty grub, blast it all, BLAST") == [2, 1, 0]
    assert own("the blast furnace of a blast") == [1, 0, 0]
    assert own("ship's grub is no grubby grub") == [0, 0, 0]


def test_contexts_stay_inside_their_document():
    listed = parse_list(LIST, where="own.txt")
    documents = ["grub", "ship", "a grub", "queue", "quay"]
    found = find_words(folded_words(pa.array(documents)), listed)
    assert found.counts_DG.tolist() == [[0, 1, 0], [0, 0, 0], [0, 1, 0], [0, 0, 0], [0, 0, 0]]
    assert found.document_F.tolist() == [0, 2]
    wanted = np.array([False, True, True, True, True])
    assert find_words(folded_words(pa.array(documents)), listed, wanted).counts_DG[:, 1].tolist() == [0, 0, 1, 0, 0]


def test_nothing_but_listed_words():
    found = find_words(folded_words(pa.array(["blast " * 5000, ""])), parse_list(LIST, where="own.txt"))
    assert found.counts_DG.tolist() == [[5000, 0, 0], [0, 0, 0]]
    assert len(found.words_F) == 5000


def naive(text: str) -> list[int]:
    """The same list, word by word."""
    words = text.split()
    listed = {
        ("grub",): 1,
        ("grubs",): 1,
        ("grubby",): 1,
        ("dirty", "grub"): 1,
        ("blast",): 0,
        ("blast", "it", "all"): 0,
    }
    listed[("queue",)] = 2
    exempt = [("blast", "furnace"), ("ship", "s", "grub")]
    at = [
        (i, i + len(e), e) for e in [*listed, *exempt] for i in range(len(words)) if tuple(words[i : i + len(e)]) == e
    ]
    sea = [i for i, word in enumerate(words) if word in ("ship", "ships", "quay")]
    clearable = [1 for *_, e in at if listed.get(e) == 1]
    subject = sea and len(sea) >= len(clearable)
    totals = [0, 0, 0]
    for start, end, e in at:
        if e not in listed or any(s <= start and end <= t and t - s > end - start for s, t, _ in at):
            continue
        near = any(start - NEAR <= i <= end - 1 + NEAR for i in sea)
        if (listed[e] == 1 and (near or subject)) or (listed[e] == 2 and not near):
            continue
        totals[listed[e]] += 1
    return totals


@pytest.mark.parametrize("seed", range(40))
def test_the_same_as_word_by_word(seed: int):
    draw = random.Random(seed)
    some = ["grub", "grubs", "dirty", "blast", "it", "all", "queue", "furnace", "s"] + ["word"] * draw.randint(1, 60)
    some += ["ship"] * (seed % 3)
    text = " ".join(draw.choices(some, k=400))
    assert own(text) == naive(text)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("mild", "two or three fields"),
        ("mild | a | -@b | c", "two or three fields"),
        ("rude | a", "there is no grade 'rude'"),
        ("mild | a | -@b", "there is no context '-@b'"),
        ("@b | c\nmild | a | @b", "there is no context '@b'"),
        ("@b | c\n@d | e | -@b", "there is no context '-@b'"),
        ("mild | a, !", "has no word, or more than 6"),
        ("mild | a b c d e f g", "has no word, or more than 6"),
        ("mild | été\nstrong | ete", "'ete' stands in the list twice"),
        ("\n".join(f"@g{n} | w{n}" for n in range(64)), "63 groups at most"),
    ],
)
def test_broken_lists(text: str, what: str):
    with pytest.raises(FournilError, match=what) as caught:
        parse_list(text, where="own.txt")
    assert str(caught.value.where).startswith("own.txt")


def test_a_list_that_is_not_there(tmp_path):
    with pytest.raises(FournilError, match="the word list cannot be read"):
        word_list("fr", str(tmp_path / "none.txt"))
    path = tmp_path / "one.txt"
    path.write_bytes("mild | caf\xe9".encode("latin-1"))
    with pytest.raises(FournilError, match="the word list cannot be read"):
        word_list("fr", str(path))
