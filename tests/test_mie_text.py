"""The text of the recipe "mie": parallel line by line, right French typography, and no sentence frame used twice."""

import re
from collections import defaultdict
from collections.abc import Iterable
from importlib import resources

import pytest

LANGUAGES = ("en", "fr")
NARROW = "\u202f"
WIDE = "\u00a0"

WORD = re.compile(r"[^\W_]+")
# A sentence ends at its mark, with the quotation mark that closes it, where the next one starts high; "M." is a title.
SENTENCE_END = re.compile(r"(?<=[.!?…])(?<!\bM\.)(?:[\u00a0\u202f]?[»”’\")])?\s+(?=[«“‘\"(—]?\s?[^\W_a-zß-öø-ÿœ])")

# What each pattern finds is wrong in French text.
MISTAKES = {
    "straight apostrophe": r"'",
    "straight quotation mark": r"\"",
    "curly English quotation mark": r"[“”]",
    "three dots for an ellipsis": r"\.\.\.",
    "plain space before a double mark": r" [;:!?»]",
    "no space before ; ! or ?": r"[^\s\u00a0\u202f;!?][;!?]",
    "another space than U+202F before ; ! or ?": r"\u00a0[;!?]",
    "another space than U+00A0 before a colon": r"(?<!\u00a0):",
    "no U+00A0 after «": r"«(?!\u00a0)",
    "no U+00A0 before »": r"(?<!\u00a0)»",
    "capital without its accent": r"\bA (?=la\b|l’|qui\b|quoi\b|ce\b)|\b(?:Eta|Ete|Eté|Eco|Ecri|Evid|Egal)",
    "oe for œ": r"(?i)\b(?:s?oeurs?|coeurs?|oeufs?|oeil|oeuvres?|manoeuvre|noeuds?|voeux?|boeufs?|choeurs?)\b",
    "doubled space": r"[ \u00a0\u202f]{2}",
}


def read(language: str) -> dict[str, list[str]]:
    folder = resources.files("fournil.data.mie") / language
    return {
        file.name: file.read_text(encoding="utf-8").splitlines()
        for file in sorted(folder.iterdir(), key=lambda file: file.name)
        if file.name.endswith(".txt")
    }


def sentences(lines: Iterable[str]) -> list[str]:
    return [sentence.strip() for line in lines for sentence in SENTENCE_END.split(line) if sentence.strip()]


def frame(sentence: str) -> str | None:
    """What is left of a sentence without its numbers, names and long words; None where it is too short to have one."""
    words = WORD.findall(sentence)
    if len(words) < 5:
        return None
    parts: list[str] = []
    num_kept = 0
    for word in words:
        if word.isdecimal():
            part = "0"
        elif len(word) > 4 or word[0].isupper():
            part = "_"
        else:
            part = re.sub(r"\d+", "0", word)
            num_kept += 1
        if part != "_" or parts[-1:] != ["_"]:
            parts.append(part)
    return " ".join(parts) if num_kept >= 4 else sentence.lower()


def repeated(texts: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """Group (key, sentence) pairs by key and keep the keys that come more than once."""
    groups: dict[str, list[str]] = defaultdict(list)
    for key, sentence in texts:
        groups[key].append(sentence)
    return {key: group for key, group in groups.items() if len(group) > 1}


def repeated_frames(lines: Iterable[str]) -> dict[str, list[str]]:
    return repeated((key, sentence) for sentence in sentences(lines) if (key := frame(sentence)) is not None)


def all_lines(language: str) -> list[str]:
    return [line for lines in read(language).values() for line in lines]


def test_both_folders_hold_the_same_files() -> None:
    names = {language: list(read(language)) for language in LANGUAGES}
    assert names["en"] == names["fr"]
    assert names["en"], "no text at all"
    assert all(re.fullmatch(r"\d\d-[a-z0-9]+(-[a-z0-9]+)*\.txt", name) for name in names["en"])


def test_lines_answer_each_other() -> None:
    english, french = read("en"), read("fr")
    for name in english:
        blank_en = [not line.strip() for line in english[name]]
        blank_fr = [not line.strip() for line in french[name]]
        assert blank_en == blank_fr, name
        assert blank_en[:2] == [False, True], f"{name}: a title line comes first, then a blank one"
        assert not blank_en[-1], name


@pytest.mark.parametrize("language", LANGUAGES)
def test_files_are_clean_utf8(language: str) -> None:
    for file in (resources.files("fournil.data.mie") / language).iterdir():
        text = file.read_text(encoding="utf-8")
        assert text.endswith("\n"), file.name
        assert not re.search(r"[ \t\u00a0\u202f]\n|^[ \t]|[\r\ufeff\ufffd]", text, flags=re.MULTILINE), file.name


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_language_weighs_what_the_recipe_needs(language: str) -> None:
    num_bytes = sum(len("\n".join(lines).encode()) + 1 for lines in read(language).values())
    assert 50 * 1024 <= num_bytes <= 75 * 1024


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_sentence_comes_twice(language: str) -> None:
    assert not repeated((sentence.lower(), sentence) for sentence in sentences(all_lines(language)))


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_frame_comes_twice(language: str) -> None:
    assert not repeated_frames(all_lines(language))


def test_french_typography() -> None:
    found = [
        f"{name}:{number}: {mistake}: {line}"
        for name, lines in read("fr").items()
        for number, line in enumerate(lines, start=1)
        for mistake, pattern in MISTAKES.items()
        if re.search(pattern, line)
    ]
    assert not found, "\n".join(found)


def test_the_frame_counter_catches_a_template() -> None:
    lines = [
        "In the morning, Louise walks to the bakery with 3 baskets.",
        "Nobody knew why the bell rang.",
        "In the evening, Marcel walks to the library with 12 books that nobody reads.",
        "In the evening, Hector drives to the harbour with 40 crates.",
    ]
    assert list(repeated_frames(lines).values()) == [[lines[0], lines[3]]]


def test_the_frame_counter_splits_lines_and_spares_short_sentences() -> None:
    line = f"Il pleut. M. Tillac attend{NARROW}! «{WIDE}Ah{NARROW}?{WIDE}» Puis rien."
    assert sentences([line]) == ["Il pleut.", f"M. Tillac attend{NARROW}!", f"«{WIDE}Ah{NARROW}?", "Puis rien."]
    assert frame("Salt, pepper and nutmeg.") is None
    assert frame("Choose fresh butter, never cheap margarine.") == "choose fresh butter, never cheap margarine."
    assert frame("L’eau de la source a 12 degrés.") == "_ eau de la _ a 0 _"


@pytest.mark.parametrize(
    ("line", "mistake"),
    [
        ("l'eau", "straight apostrophe"),
        ("Pourquoi ?", "plain space before a double mark"),
        ("Pourquoi?", "no space before ; ! or ?"),
        (f"Pourquoi{WIDE}?", "another space than U+202F before ; ! or ?"),
        (f"Voici{NARROW}: rien", "another space than U+00A0 before a colon"),
        ("« oui »", "no U+00A0 after «"),
        ("A la mairie", "capital without its accent"),
        ("le coeur", "oe for œ"),
    ],
)
def test_the_typography_check_catches(line: str, mistake: str) -> None:
    assert re.search(MISTAKES[mistake], line)
