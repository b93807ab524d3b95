"""The filters of pairs: one pair's rules, near duplicates of pairs, texts with several translations."""

import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fournil.core.context import Artifact, Context
from fournil.core.document import EDITS, PAIRS, REFUSED_PAIRS, pair_row
from fournil.core.shards import ShardWriter, read_all
from fournil.stages.curate import Config, run
from fournil.stages.curate.alone.parallel import Side, judge_pair, length_ratio, numbers_agree, numbers_of, same_words
from fournil.stages.curate.sections.heldout import HeldoutSettings
from fournil.stages.curate.sections.pairs import PairSettings

NO_BREAK, THIN = "\u00a0", "\u202f"
ENGLISH = "The baker opens the shop at dawn and sells the bread that he has baked during the night"
FRENCH = "Le boulanger ouvre la boutique à l’aube et vend le pain qu’il a cuit pendant la nuit"


def broken(english: str, french: str, score: float | None = None, **settings: Any) -> str | None:
    sides = [Side(tag, text, sum(map(str.isalpha, text))) for tag, text in (("en", english), ("fr", french))]
    found = judge_pair(sides, score, PairSettings(**settings))
    return None if found is None else found.rule


@pytest.mark.parametrize(
    ("english", "french", "rule"),
    [
        ("Save the file", "Enregistrer le fichier", None),
        ("Bonjour", "Bonjour", "equal-sides"),
        ("12", "13", "no-letter"),
        ("<b>%s</b>", "<i>%s</i>", "markup-only"),
        ("word " * 500, "mot " * 500, "over-long"),
        ("No", FRENCH, "length-ratio"),
        (ENGLISH, ENGLISH.replace("dawn", "noon"), "untranslated"),
        (ENGLISH.replace("dawn", "1830"), FRENCH.replace("l’aube", "1930"), "numbers"),
        # One side may write a number out, and small ones are not looked at.
        ("I paid 100 euros", "J’ai payé cent euros", None),
        ("Open at 9, until 17", "Ouvert à 8 h, jusqu’à 18 h", None),
        ("It costs 1,234,567.50 dollars", f"Cela coûte 1{THIN}234{THIN}567,50 dollars", None),
        # Names and code stay as they are.
        (
            "Charles Dickens met Victor Hugo in Paris with Mary Ann Evans",
            "Charles Dickens rencontra Victor Hugo à Paris avec Mary Ann Evans",
            None,
        ),
        ("--no-warn-explicit-parallel-conflicts turns it off", "--no-warn-explicit-parallel-conflicts le coupe", None),
        ("See `a.b(c)` and <x/> in foo_bar, x86, spam.eggs and a/b", "Voir `a.b(c)` et <x/> dans foo_bar, x86", None),
    ],
)
def test_rules_of_one_pair(english: str, french: str, rule: str | None):
    assert broken(english, french) == rule


def test_a_score_counts_only_where_there_is_one_and_a_bound():
    assert broken(ENGLISH, FRENCH, 0.2) is None
    assert broken(ENGLISH, FRENCH, 0.2, min_score=0.5) == "low-score"
    assert broken(ENGLISH, FRENCH, 0.5, min_score=0.5) is None
    assert broken(ENGLISH, FRENCH, None, min_score=0.5) is None


def test_bounds_can_be_put_aside():
    assert broken(ENGLISH, ENGLISH.replace("dawn", "noon"), max_same_words=1.0) is None
    assert broken(ENGLISH + " 1830", FRENCH + " 1930", min_numbers=0.0) is None


def test_lengths_are_held_against_what_a_language_takes():
    def ratio(english: int, french: int) -> float:
        return length_ratio([Side("en", "x" * english, 1), Side("fr", "x" * french, 1)])

    assert ratio(985, 1125) == pytest.approx(1.0)
    assert ratio(985, 3405) == pytest.approx(3.0)
    assert ratio(3405, 985) == pytest.approx(3.42 * 1.14)


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("in 1789 and 1793", ["1789", "1793"]),
        ("12 3,4 0.5 99", []),
        ("1,234", ["1234"]),
        (f"1{NO_BREAK}234{NO_BREAK}567 and 1.234.567", ["1234567"]),
        ("1'000", ["1000"]),
        ("10 000 and 20 000", ["10000", "20000"]),
        ("2001 2002", ["2001", "2002"]),
        ("[0,4294967295]", ["4294967295"]),
        ("paragraph 450(1)", ["450"]),
    ],
)
def test_numbers_are_read_however_they_are_grouped(text: str, numbers: list[str]):
    assert sorted(numbers_of(text)) == numbers


@given(st.integers(min_value=100, max_value=10**12))
def test_a_number_is_the_same_in_both_ways_of_writing(number: int):
    english, french = f"{number:,} men", f"{number:,} hommes".replace(",", THIN)
    assert numbers_agree([english, french]) == 1.0


@given(st.text(max_size=80), st.text(max_size=80))
def test_shares_lie_between_nothing_and_all(one: str, other: str):
    assert 0 <= same_words([one, other]) <= 1
    assert 0 <= numbers_agree([one, other]) <= 1


WORDS = {
    "en": "the baker of a village has an oven that and his bread is for us who warm flour river morning old mill",
    "fr": "le boulanger du village a un four que et son pain est pour nous qui chaud farine rivière matin moulin",
}


def sentence(tag: str, seed: str, num: int = 24) -> str:
    return " ".join(random.Random(f"{tag} {seed}").choices(WORDS[tag].split(), k=num)) + "."


def pair(name: str, english: str, french: str, **more: Any) -> dict[str, Any]:
    return pair_row(name, {"en": english, "fr": french}, source="po", licence="CC0-1.0", **more)


def curated(folder: Path, rows: list[dict[str, Any]], **config: Any) -> tuple[Artifact, dict[str, dict[str, Any]]]:
    with ShardWriter(folder / "sources" / "pairs", PAIRS) as writer:
        writer.write_rows(rows)
    context = Context(languages=("fr", "en"), seed=7, threads=1)
    settings = Config(heldout=HeldoutSettings(share=0.0), **config)
    artifact = run(settings, {"sources": folder / "sources"}, folder / "out", context)
    refused = read_all(folder / "out" / "refused", REFUSED_PAIRS, prefix="pairs").to_pylist()
    return artifact, {row["id"]: row for row in refused}


def nearly(text: str) -> str:
    return text.removesuffix(".") + " encore"


@pytest.fixture
def rows() -> list[dict[str, Any]]:
    long = [sentence("en", "long"), sentence("fr", "long")]
    return [
        pair("a-long", *long),
        pair("b-both-near", nearly(long[0]), nearly(long[1])),
        pair("c-one-near", nearly(long[0]), sentence("fr", "other")),
        pair("d-short", "Open the old file…", "Ouvrir le vieux fichier…"),
        pair("e-short-again", "OPEN THE OLD FILE", "Ouvrir le vieux fichier"),
        pair("f-short-other", "Open the old file", "Ouvrez donc l’ancien fichier"),
        pair("g-alone", sentence("en", "alone"), sentence("fr", "alone")),
    ]


def test_pairs_are_near_duplicates_when_all_their_sides_are(rows: list[dict[str, Any]], tmp_path: Path):
    artifact, refused = curated(tmp_path, rows)
    assert {name: (row["rule"], row["kept_id"]) for name, row in refused.items()} == {
        # The longest stays, which is the one with a word more.
        "a-long": ("near-duplicate", "b-both-near"),
        "e-short-again": ("near-duplicate", "d-short"),
    }
    assert 0.8 <= float(refused["a-long"]["value"]) < 1
    facts = artifact.facts["translations"]
    assert facts["en"] == {"num_texts": 3, "num_of_several": 2, "num_pairs": 4, "most": 2}
    assert facts["fr"]["num_of_several"] == 0


def test_the_order_of_pairs_changes_nothing(rows: list[dict[str, Any]], tmp_path: Path):
    _, forwards = curated(tmp_path / "forwards", rows)
    _, backwards = curated(tmp_path / "backwards", rows[::-1])
    assert forwards == backwards


def test_near_duplicates_of_pairs_can_be_kept(rows: list[dict[str, Any]], tmp_path: Path):
    _, refused = curated(tmp_path, rows, pairs=PairSettings(near=False))
    assert refused == {}


def test_sides_in_another_language_are_refused(tmp_path: Path):
    rows = [
        pair("good", sentence("en", "one"), sentence("fr", "one")),
        pair("english-twice", sentence("en", "two"), sentence("en", "three")),
        pair("swapped", sentence("fr", "four"), sentence("en", "four")),
        pair("short", "The baker has the oven that is old", "The mill is old and for us who warm it"),
        pair("too-short", "Open", "Open it"),
        pair("directives", "flags: %u, major: %u, minor: %u, x: %u", "fanions: %u, majeur: %u, mineur: %u, x: %u"),
    ]
    _, refused = curated(tmp_path, rows)
    assert {name: row["rule"] for name, row in refused.items()} == dict.fromkeys(
        ("english-twice", "swapped", "short"), "language-mismatch"
    )
    assert refused["short"]["value"].startswith("en ")


def test_personal_data_is_masked_on_both_sides(tmp_path: Path):
    english, french = sentence("en", "mail"), sentence("fr", "mail")
    curated(tmp_path, [pair("mail", f"{english} jo.lin@wanadoo.fr", f"{french} jo.lin@wanadoo.fr")])
    (row,) = read_all(tmp_path / "out" / "pairs", PAIRS).to_pylist()
    assert all("wanadoo" not in text for _, text in row["texts"])
    edits = read_all(tmp_path / "out" / "edits", EDITS, prefix="pairs").to_pylist()
    assert [edit["rule"] for edit in edits] == ["en:e-mail", "fr:e-mail"]
    assert [edit["was"] for edit in edits] == [None, None]
