"""Our rules against datatrove's filters: the same verdict for the same reason, and the same text."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nasty_texts import NASTY, batch_of

from curating import peer
from fournil.parts.text.compat import settings as ours
from fournil.parts.text.compat.c4 import LINE_RULES, cut_c4
from fournil.parts.text.compat.fineweb import judge_fineweb
from fournil.parts.text.compat.gopher import judge_gopher
from fournil.parts.text.compat.judged import Judged
from fournil.parts.text.compat.repetition import judge_repetition

Answer = tuple[str | None, str]

REPETITION = ours.GopherRepetitionSettings()
GOPHER = ours.GopherQualitySettings()
C4 = ours.C4QualitySettings()
FINEWEB = ours.FineWebQualitySettings()
FEW = replace(GOPHER, min_doc_words=1, min_avg_word_length=0, max_avg_word_length=0)
NOTHING = dict.fromkeys(("dup_line_frac", "dup_para_frac", "dup_line_char_frac", "dup_para_char_frac"), 0.0)
LOOSE = replace(C4, min_num_sentences=0, min_words_per_line=-1, filter_no_terminal_punct=False)


def answers(judge: Callable[..., Judged], texts: list[str], asked: Any, *, elides: bool) -> list[Answer]:
    judged = judge(*batch_of(texts), asked, elides=elides)
    return [(judged.reason(number), text) for number, text in enumerate(texts)]


def c4_answers(texts: list[str], asked: ours.C4QualitySettings) -> list[Answer]:
    cut = cut_c4(*batch_of(texts), asked)
    data, bounds = cut.bytes_B.tobytes(), cut.bounds_D.tolist()
    reasons = [cut.judged.reason(number) for number in range(len(texts))]
    return [
        (reason, text if reason else data[bounds[number] : bounds[number + 1]].decode())
        for number, (reason, text) in enumerate(zip(reasons, texts, strict=True))
    ]


CASES = {
    "repetition": (judge_repetition, REPETITION, peer.repetition_filter),
    "repetition of words alone": (judge_repetition, replace(REPETITION, **NOTHING), peer.repetition_filter),
    "repetition of longer runs": (
        judge_repetition,
        replace(REPETITION, **NOTHING, top_n=(1, 7), top_n_frac=(0.6, 0.5), dup_n=(3, 12), dup_n_frac=(0.05, 0.1)),
        peer.repetition_filter,
    ),
    "repetition of letters parted otherwise": (
        judge_repetition,
        replace(REPETITION, **NOTHING, top_n=(), top_n_frac=(), dup_n=(2, 3), dup_n_frac=(0.3, 0.0)),
        peer.repetition_filter,
    ),
    "gopher": (judge_gopher, GOPHER, peer.gopher_filter),
    "gopher, short texts": (judge_gopher, FEW, peer.gopher_filter),
    "gopher, French": (
        judge_gopher,
        replace(FEW, stop_words=("l’", "de", "la", "d’", "qu'", "est"), max_symbol_word_ratio=0.0),
        peer.gopher_filter,
    ),
    "gopher, letters": (
        judge_gopher,
        replace(FEW, max_bullet_lines_ratio=0.0, max_ellipsis_lines_ratio=0.0, min_stop_words=0),
        peer.gopher_filter,
    ),
    "fineweb": (judge_fineweb, FINEWEB, peer.fineweb_filter),
    "fineweb, lines that end": (
        judge_fineweb,
        replace(FINEWEB, line_punct_exclude_zero=True, short_line_thr=1.0, char_duplicates_ratio=0.5),
        peer.fineweb_filter,
    ),
    "fineweb, other ends": (
        judge_fineweb,
        replace(FINEWEB, stop_chars=(".", "…", "\u2022"), line_punct_thr=0.01, short_line_length=12),
        peer.fineweb_filter,
    ),
}

C4_CASES = {
    "as published": C4,
    "as FineWeb asks": replace(C4, filter_no_terminal_punct=False),
    "loose": LOOSE,
    "sentences": replace(C4, split_paragraph=False, min_num_sentences=2),
    "sentences, loose": replace(LOOSE, split_paragraph=False),
    "citations stay": replace(LOOSE, remove_citations=False, filter_policy=False, filter_javascript=False),
    "code stays": replace(LOOSE, filter_curly_bracket=False, filter_lorem_ipsum=False, max_word_length=-1),
    "no sentences counted": replace(C4, min_num_sentences=-1),
}

# Lines that repeat, in words that repeat: what chance alone would seldom make.
_ENDS = (" ", " ", " ", "\n", "\n", "\n\n", "\n\n\n", "\r\n", "\r", "\x85", "\u2028", "\x0c", "\xa0", "\u3000", "\x1c")
_WORDS = ("a", "ab", "b", "c", "abc", "l’", "État", "é", "3,5", "mot", "de", "la", "LOREM", "javascript", "use cookies")
_SIGNS = ("...", "…", ".", "!", "-", "•", "#", "{", '"', "'", "»", "?", "\x00", "\U0001f600", "\u212a")
_LONGER = (
    "[1]",
    "[]",
    "[edit]",
    "[citation needed]",
    "[x]",
    "lorem ipsum",
    "une ligne assez longue pour n’être pas courte",
)
PIECES = st.sampled_from((*_ENDS, *_WORDS, *_SIGNS, *_LONGER))
TEXTS = st.lists(PIECES, max_size=60).map("".join)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("elides", [False, True])
def test_nasty_texts(case: str, elides: bool) -> None:
    judge, asked, make = CASES[case]
    made = make(asked, peer.SPLITTERS[elides])
    theirs = [peer.verdict(made, text) for text in NASTY]
    assert answers(judge, NASTY, asked, elides=elides) == theirs
    assert len({reason for reason, _ in theirs}) > 2


@pytest.mark.parametrize("case", C4_CASES)
def test_c4_on_nasty_texts(case: str) -> None:
    asked = C4_CASES[case]
    made = peer.c4_filter(asked, peer.SPLITTERS[False])
    assert c4_answers(NASTY, asked) == [peer.verdict(made, text) for text in NASTY]


@pytest.mark.parametrize("case", CASES)
@settings(max_examples=100, deadline=None)
@given(st.lists(TEXTS, max_size=4))
def test_texts_of_chance(case: str, texts: list[str]) -> None:
    judge, asked, make = CASES[case]
    made = make(asked, peer.SPLITTERS[True])
    texts = [text for text in texts if text.strip()]
    assert answers(judge, texts, asked, elides=True) == [peer.verdict(made, text) for text in texts]


@pytest.mark.parametrize("case", C4_CASES)
@settings(max_examples=100, deadline=None)
@given(st.lists(TEXTS, max_size=4))
def test_c4_on_texts_of_chance(case: str, texts: list[str]) -> None:
    asked = C4_CASES[case]
    made = peer.c4_filter(asked, peer.SPLITTERS[False])
    assert c4_answers(texts, asked) == [peer.verdict(made, text) for text in texts]


def test_where_datatrove_divides_by_zero() -> None:
    asked = replace(GOPHER, min_doc_words=0)
    made = peer.gopher_filter(asked, peer.SPLITTERS[False])
    with pytest.warns(RuntimeWarning), pytest.raises(ZeroDivisionError):
        peer.verdict(made, " \n ")
    assert answers(judge_gopher, [" \n ", ""], asked, elides=False) == [("empty", " \n "), ("empty", "")]


def test_only_the_documents_named_are_asked() -> None:
    bytes_B, bounds_D, _ = batch_of(NASTY)
    places = batch_of(NASTY[::3])[2] * 3
    judged = judge_fineweb(bytes_B, bounds_D, places, FINEWEB, elides=False)
    whole = judge_fineweb(*batch_of(NASTY), FINEWEB, elides=False)
    assert judged.code_D.tolist() == whole.code_D[::3].tolist()


def test_lines_that_c4_drops_are_named() -> None:
    text = "Une ligne de trois mots.\nDeux mots.\nUne ligne sans point\nIt uses cookies, yes.\nJavascript est là.\n"
    asked = replace(C4, min_num_sentences=1)
    bytes_B, bounds_D, places = batch_of(["x", text])
    cut = cut_c4(bytes_B, bounds_D, places, asked)
    lines = slice(cut.lines_D[1], cut.lines_D[2])
    rules = [LINE_RULES[rule] for rule in cut.rules_L[lines]]
    assert rules == ["kept", "too_few_words", "no_terminal_punc", "policy", "javascript"]
    starts, ends = cut.starts_L[lines].tolist(), cut.ends_L[lines].tolist()
    assert [bytes_B[start:end].tobytes().decode() for start, end in zip(starts, ends, strict=True)] == text.splitlines()
