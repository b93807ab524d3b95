"""The figures of the quality rules against a slow implementation that is obviously right."""

import re
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fournil.core.languages import language
from fournil.parts.text.codepoints import decode
from fournil.parts.text.lines import BULLETS, SHORTEST_REPEAT
from fournil.parts.text.ngrams import ngram_hashes, repetition
from fournil.parts.text.statistics import code_statistics, text_statistics
from fournil.parts.text.words import split_words

BREAD = """Le pain de campagne

Prenez un kilo de farine, du sel et de l’eau. Mélangez le tout !
Laissez reposer la pâte… Puis, façonnez-la.

- une poignée de graines
- une poignée de graines
- du levain (« naturel » de préférence).

Laissez reposer la pâte… Puis, façonnez-la.
Combien de temps ?
Attendez..."""


def words_of(text: str, tag: str) -> list[str]:
    words = split_words(decode(pa.array([text])), language=language(tag))
    return [text[start:end].lower() for start, end in zip(words.starts_W, words.ends_W, strict=True)]


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
        "stop_words": sum(word in known.stop_words for word in plain),
        "hash_ratio": text.count("#") / num,
        "ellipsis_ratio": (text.count("…") + len(re.findall(r"\.{3,}", text))) / num,
        "newline_ratio": text.count("\n") / num,
        "longest_token": max(map(len, text.split()), default=0),
        "num_lines": len(lines),
        "duplicate_lines": len(later) / max(len(lines), 1),
        "duplicate_line_characters": sum(map(len, later)) / characters,
        "duplicate_paragraphs": len(repeated) / max(len(paragraphs), 1),
        "bullet_lines": sum(line[0] in BULLETS for line in lines) / max(len(lines), 1),
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
    values = text_statistics(decode(pa.array(texts, pa.string())), language=language(tag)).values
    for place, text in enumerate(texts):
        for name, figure in (slow_figures(text, tag) | slow_repetition(words_of(text, tag))).items():
            assert values[name][place] == pytest.approx(figure), (name, text)


def test_figures_of_a_french_text():
    check([BREAD], "fr")
    values = text_statistics(decode(pa.array([BREAD])), language=language("fr")).values
    assert values["sentences"][0] == 9
    assert values["lettered_words"][0] == 1.0
    assert values["bullet_lines"][0] == pytest.approx(3 / 9)


@given(st.lists(st.text("ab l’#.\n…-»!é ", max_size=60), min_size=1, max_size=4), st.sampled_from(["fr", "en"]))
def test_figures_of_any_text(texts: list[str], tag: str):
    check(texts, tag)


@given(st.lists(st.lists(st.sampled_from(["a", "bb", "ccc"]), max_size=40), min_size=1, max_size=4))
def test_repetition_of_any_words(texts: list[list[str]]):
    joined = [" ".join(words) for words in texts]
    shares = repetition(split_words(decode(pa.array(joined, pa.string())), language=language("en")))
    for place, words in enumerate(texts):
        for name, share in slow_repetition(words).items():
            assert shares[name][place] == pytest.approx(share), name


def test_company_does_not_change_figures(shared: Path):
    texts = [path.read_text("utf-8") for path in sorted((shared / "facts").glob("*.md"))]
    together = text_statistics(decode(pa.array(texts)), language=language("en")).values
    for place, text in enumerate(texts):
        alone = text_statistics(decode(pa.array([text])), language=language("en")).values
        for name, figures in alone.items():
            assert together[name][place] == figures[0], name


def test_no_text_and_empty_texts_give_zeros():
    for texts in ([], [""], ["", "\n \n", ""]):
        values = text_statistics(decode(pa.array(texts, pa.string())), language=language("fr")).values
        assert all(len(figures) == len(texts) for figures in values.values())
        assert np.all(values["num_words"] == 0)


def test_a_short_text_is_one_shingle():
    words = split_words(
        decode(pa.array(["un deux", "un deux trois quatre cinq six", "", "un deux"])), language=language("fr")
    )
    hashes, bounds = ngram_hashes(words, 5)
    assert np.diff(bounds).tolist() == [1, 2, 0, 1]
    assert hashes[0] == hashes[3]


def test_code_is_measured_by_its_lines():
    values = code_statistics(decode(pa.array(["def f(x):\n    return x\n", "{}();"])), language=language("code")).values
    assert values["longest_line"].tolist() == [9, 5]
    assert values["alphanumeric"].tolist() == [pytest.approx(12 / 15), 0.0]
