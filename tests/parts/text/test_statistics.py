"""The figures of the quality rules against a slow implementation that is obviously right."""

import re
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from words_by_definition import slow_words

from fournil.core.languages import language
from fournil.parts.text.kernels.scan import SHORTEST_REPEAT
from fournil.parts.text.ngrams import DUPLICATE_SIZES, TOP_SIZES, repetition, shingles
from fournil.parts.text.scan import BULLETS, Scan, function_words_of, scan
from fournil.parts.text.statistics import code_figures, prose_figures

BREAD = """Le pain de campagne

Prenez un kilo de farine, du sel et de l’eau. Mélangez le tout !
Laissez reposer la pâte… Puis, façonnez-la.

- une poignée de graines
- une poignée de graines
- du levain (« naturel » de préférence).

Laissez reposer la pâte… Puis, façonnez-la.
Combien de temps ?
Attendez..."""


def read(texts: list[str], tag: str) -> Scan:
    return scan(pa.array(texts, pa.string()), [tag] * len(texts))


def words_of(text: str, tag: str) -> list[str]:
    return [word.lower() for word in slow_words(text, elides=language(tag).apostrophe_ends_word)]


def figures_of(texts: list[str], tag: str) -> dict[str, np.ndarray]:
    found = read(texts, tag)
    return prose_figures(found) | repetition(found.words)


def slow_figures(text: str, tag: str) -> dict[str, float]:
    known = language(tag)
    words = words_of(text, tag)
    num = max(len(words), 1)
    plain = [word.replace("’", "'") for word in words]
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    paragraphs = [part.strip() for part in re.split(r"\n\s*\n", text) if part.strip()]
    characters = max(sum(map(len, lines)), 1)
    later = [line for place, line in enumerate(lines) if line in lines[:place] and len(line) >= SHORTEST_REPEAT]
    repeated = [part for place, part in enumerate(paragraphs) if part in paragraphs[:place]]

    def ends(line: str) -> bool:
        shorter = line
        for _ in range(3):
            if len(shorter) > 1 and (shorter[-1] in known.closing_marks or shorter[-1].isspace()):
                shorter = shorter[:-1]
        return shorter[-1] in known.terminal_punctuation

    return {
        "num_words": len(words),
        "mean_word": sum(map(len, words)) / num,
        "stop_words": sum(word in function_words_of(tag) for word in plain),
        "hash_ratio": text.count("#") / num,
        "ellipsis_ratio": (text.count("…") + len(re.findall(r"\.{3,}", text))) / num,
        "newline_ratio": text.count("\n") / num,
        "longest_token": max(map(len, text.split()), default=0),
        "num_lines": len(lines),
        "duplicate_lines": len(later) / max(len(lines), 1),
        "duplicate_line_characters": sum(map(len, later)) / characters,
        "duplicate_paragraphs": len(repeated) / max(len(paragraphs), 1),
        "bullet_lines": sum(
            line[0] in BULLETS and not (line[0] in known.speech_dashes and ends(line)) for line in lines
        )
        / max(len(lines), 1),
        "ellipsis_lines": sum(line.endswith(("…", "...")) for line in lines) / max(len(lines), 1),
        "ended_lines": sum(map(ends, lines)) / max(len(lines), 1),
        "short_lines": sum(len(line) < 30 for line in lines) / max(len(lines), 1),
        "longest_line": max(map(len, lines), default=0),
    }


def slow_repetition(words: list[str]) -> dict[str, float]:
    total = max(sum(map(len, words)), 1)
    shares: dict[str, float] = {}
    for size in range(2, 11):
        grams = [tuple(words[i : i + size]) for i in range(len(words) - size + 1)]
        counts = Counter(grams)
        if size <= 4:
            often = [(count, sum(map(len, gram))) for gram, count in counts.items() if count > 1]
            count, length = max(often, default=(0, 0))
            shares[f"top_{size}"] = count * length / total
        else:
            seen, covered = set(), set()
            for place, gram in enumerate(grams):
                if gram in seen:
                    covered |= set(range(place, place + size))
                seen.add(gram)
            shares[f"duplicate_{size}"] = sum(len(words[place]) for place in covered) / total
    return shares


def check(texts: list[str], tag: str) -> None:
    values = figures_of(texts, tag)
    for place, text in enumerate(texts):
        for name, figure in (slow_figures(text, tag) | slow_repetition(words_of(text, tag))).items():
            assert values[name][place] == pytest.approx(figure), (name, text)


def test_figures_of_a_french_text():
    check([BREAD], "fr")
    values = figures_of([BREAD], "fr")
    assert values["sentences"][0] == 9
    assert values["lettered_words"][0] == 1.0
    assert values["bullet_lines"][0] == pytest.approx(2 / 9)  # « - du levain […]. » ends a sentence, as speech does


@given(st.lists(st.text("ab l’#.\n…-—»!é ", max_size=60), min_size=1, max_size=4), st.sampled_from(["fr", "en"]))
def test_figures_of_any_text(texts: list[str], tag: str):
    check(texts, tag)


@given(st.lists(st.lists(st.sampled_from(["a", "bb", "ccc"]), max_size=40), min_size=1, max_size=4))
def test_repetition_of_any_words(texts: list[list[str]]):
    shares = repetition(read([" ".join(words) for words in texts], "en").words)
    for place, words in enumerate(texts):
        for name, share in slow_repetition(words).items():
            assert shares[name][place] == pytest.approx(share), name


@given(st.lists(st.sampled_from(["a", "bb", "ccc", "d", "e", "f"]), max_size=60), st.floats(0, 1))
def test_what_breaks_no_bound_is_not_searched_to_the_end(words: list[str], enough: float):
    found = read([" ".join(words)], "en").words
    whole, short = repetition(found), repetition(found, enough=enough)
    for size in DUPLICATE_SIZES:
        name = f"duplicate_{size}"
        assert (short[name][0] > enough) == (whole[name][0] > enough)
        assert short[name][0] >= whole[name][0]
    assert all(short[f"top_{size}"][0] == whole[f"top_{size}"][0] for size in TOP_SIZES)


def test_texts_that_nobody_asks_for_are_passed_over():
    texts = ["le pain et le pain et le pain", "le sel et le sel", "le pain et le pain et le pain"]
    found, wanted = read(texts, "fr").words, np.array([False, True, True])
    shares, whole = repetition(found, wanted=wanted), repetition(found)
    hashes, counts = shingles(found, 5, wanted=wanted)
    assert counts.tolist() == [0, 1, 4]
    assert hashes.tolist() == shingles(found, 5)[0].tolist()[4:]
    assert shares["top_2"].tolist() == [0.0, *whole["top_2"].tolist()[1:]]
    assert whole["top_2"][0] > 0


def test_company_does_not_change_figures(shared: Path):
    texts = [path.read_text("utf-8") for path in sorted((shared / "facts").glob("*.md"))]
    together = figures_of(texts, "en")
    for place, text in enumerate(texts):
        for name, figures in figures_of([text], "en").items():
            assert together[name][place] == figures[0], name


def test_no_text_and_empty_texts_give_zeros():
    for texts in ([], [""], ["", "\n \n", ""]):
        values = figures_of(texts, "fr")
        assert all(len(figures) == len(texts) for figures in values.values())
        assert np.all(values["num_words"] == 0)


def test_a_short_text_is_one_shingle():
    words = read(["un deux", "un deux trois quatre cinq six", "", "un deux"], "fr").words
    hashes, counts = shingles(words, 5)
    assert counts.tolist() == [1, 2, 0, 1]
    assert hashes[0] == hashes[3]
    assert len(set(hashes.tolist())) == 3


@pytest.mark.parametrize(
    ("text", "share"),
    [("Quoi ! « Oui » ; non ?", 1.0), ("x = 3 + y", 2 / 5), ("… — !", 1.0), ("", 1.0), ("12 345 kg", 1 / 3)],
)
def test_french_spaced_punctuation_is_no_word_without_letters(text: str, share: float):
    assert figures_of([text, "a"], "fr")["lettered_words"].tolist() == [pytest.approx(share), 1.0]


def test_code_is_measured_by_its_lines():
    values = code_figures(read(["def f(x):\n    return x\n", "{}();"], "code"))
    assert values["longest_line"].tolist() == [9, 5]
    assert values["alphanumeric"].tolist() == [pytest.approx(12 / 15), 0.0]
