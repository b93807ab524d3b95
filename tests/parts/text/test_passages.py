import random

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fournil.parts.text.passages import Pieces, find_pieces, united

compiling = settings(deadline=None)  # the first call compiles
WORDS = [f"mot{number}" for number in range(5000)]
LINE = "Tous droits réservés, voyez nos conditions générales."


def pieces_of(*texts: str, **more: int) -> Pieces:
    asked = {"line_characters": 0, "paragraph_characters": 0, "passage_words": 0, **more}
    return find_pieces(pa.array(texts, pa.string()), **asked)


def covered(pieces: Pieces, *texts: str) -> list[str]:
    return [
        texts[text].encode()[start:stop].decode()
        for text, (start, stop) in zip(pieces.texts.tolist(), pieces.spans.tolist(), strict=True)
    ]


def test_a_line_is_the_same_wherever_it_stands():
    texts = f"Un\n  {LINE}\t\nDeux", LINE, f"Trois\n{LINE} \n"
    found = pieces_of(*texts, line_characters=20)
    assert covered(found, *texts) == [f"  {LINE}\t\n", LINE, f"{LINE} \n"]
    assert len(set(found.keys.tolist())) == 1


def test_characters_are_counted_not_bytes():
    assert len(pieces_of("é" * 10, line_characters=10).keys) == 1
    assert len(pieces_of("é" * 10, line_characters=11).keys) == 0


def test_a_paragraph_takes_the_blank_lines_behind_it():
    texts = f"Un\nDeux\n\n\n{LINE}\nQuatre\n \nCinq", f"{LINE}\nQuatre"
    found = pieces_of(*texts, paragraph_characters=40)
    assert covered(found, *texts) == [f"{LINE}\nQuatre\n \n", f"{LINE}\nQuatre"]
    assert len(set(found.keys.tolist())) == 1


def test_kinds_are_never_taken_for_each_other():
    found = pieces_of(LINE, line_characters=20, paragraph_characters=20)
    assert sorted((found.keys & 3).tolist()) == [0, 1]


@pytest.mark.parametrize("passage_words", [20, 50])
def test_two_texts_that_share_a_passage_share_a_piece(passage_words: int):
    draw = random.Random(passage_words)
    for _ in range(100):
        passage = draw.choices(WORDS, k=passage_words)
        texts = [
            " ".join(
                [*draw.choices(WORDS, k=draw.randint(0, 90)), *passage, *draw.choices(WORDS, k=draw.randint(0, 90))]
            )
            for _ in range(2)
        ]
        found = pieces_of(*texts, passage_words=passage_words)
        one, other = (set(found.keys[found.texts == text].tolist()) for text in range(2))
        assert one & other


def test_shorter_texts_have_no_passages():
    assert len(pieces_of(" ".join(WORDS[:49]), passage_words=50).keys) == 0
    assert len(pieces_of(" ".join(WORDS[:50]), passage_words=50).keys) == 1


@compiling
@given(st.lists(st.text(alphabet="aé \n\t«", max_size=60), max_size=6))
def test_pieces_lie_in_their_texts_and_spans_do_not_overlap(texts: list[str]):
    found = pieces_of(*texts, line_characters=3, paragraph_characters=5, passage_words=10)
    values = pa.array(texts, pa.string())
    for text, (start, stop) in zip(found.texts.tolist(), found.spans.tolist(), strict=True):
        assert 0 <= start < stop <= len(texts[text].encode())
        texts[text].encode()[start:stop].decode()
    at, spans, kinds = united(found, values)
    assert len(at) == len(spans) == len(kinds)
    for text in range(len(texts)):
        edges = spans[at == text].ravel().tolist()
        assert edges == sorted(edges)
        data = texts[text].encode()
        for start, stop in spans[at == text].tolist():
            data[start:stop].decode()


def test_a_span_at_the_end_takes_no_space_that_the_span_before_has():
    text = f"{LINE}\n\n{LINE}"
    found = pieces_of(text, line_characters=20)
    _, spans, _ = united(found, pa.array([text]))
    length = len(LINE.encode())
    assert spans.tolist() == [[0, length + 1], [length + 1, 2 * length + 2]]


def test_touching_pieces_become_one_and_spaces_go_along():
    text = f"Début\n{LINE}\n{LINE[::-1]}\n"
    found = pieces_of(text, line_characters=20)
    _, spans, kinds = united(found, pa.array([text]))
    assert spans.tolist() == [[len("Début".encode()), len(text.encode())]]
    assert kinds.tolist() == [1]
    words = " ".join(WORDS[:10])
    text = f"avant {words} après"
    at = text.index(words)
    piece = Pieces(
        pieces_of(words, passage_words=10).keys, found.texts[:1] * 0, found.spans[:1] * 0 + [at, at + len(words)]
    )
    _, spans, _ = united(piece, pa.array([text]))
    assert text[: spans[0, 0]] + text[spans[0, 1] :] == "avant après"
