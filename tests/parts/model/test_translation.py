"""Choosing among translations with the help of the way back, with an engine whose chances are written down."""

from types import SimpleNamespace

import pytest
import torch

from fournil.parts.model import translation
from fournil.parts.model.cross_entropy import IGNORED

END = 1
WAYS = {"A": [(-0.1, "X"), (-0.4, "XY")], "B": [(-0.1, "Z")]}
BACK = {("X", "A"): 2.0, ("XY", "A"): 0.2}
"""Loss of each source token behind a prompt with this answer."""


class Known:
    """Texts are their code points; the loss of the way back comes from a table."""

    def __init__(self, context_length: int = 64) -> None:
        self.context_length, self.device, self.searches = context_length, "cpu", True
        self.tokenizer = self
        self.chat = SimpleNamespace(stop_ids=frozenset({END, 2}))
        self.asked_back: list[str] = []

    def token_to_id(self, token):
        return END

    def candidates(self, prompts, *, stop_ids, max_new_tokens, num_beams):
        return [[(score, list(map(ord, text))) for score, text in WAYS[chr(prompt[-1])]] for prompt in prompts]

    def decode_batch(self, ids, *, skip_special_tokens):
        return ["".join(map(chr, row)) for row in ids]

    def loss(self, ids_BT, targets_BT):
        out = torch.zeros(ids_BT.shape)
        for b in range(len(ids_BT)):
            learnt = targets_BT[b] != IGNORED
            first = int(learnt.nonzero()[0])
            answer = "".join(chr(i) for i in ids_BT[b, 1 : first + 1].tolist())
            source = "".join(chr(i) for i in targets_BT[b][learnt].tolist() if i != END)
            self.asked_back.append(answer)
            out[b][learnt] = BACK[answer, source]
        return out


@pytest.fixture(autouse=True)
def _codes(monkeypatch):
    monkeypatch.setattr(
        translation, "encode_batch", lambda _, texts, parse_special: [torch.tensor(list(map(ord, t))) for t in texts]
    )


def ask(engine, back):
    return translation.translate(engine, ["A", "B"], [[7, ord("A")], [7, ord("B")]], max_new_tokens=[9, 9], back=back)


def test_an_answer_that_leaves_things_out_loses_to_the_one_that_leads_back():
    engine = Known()
    assert ask(engine, lambda answer: [9, *map(ord, answer)]) == ["XY", "Z"]
    assert engine.asked_back == ["X", "XY"]


def test_without_a_way_back_the_search_decides():
    engine = Known()
    assert ask(engine, None) == ["X", "Z"]
    assert engine.asked_back == []


def test_a_way_back_that_does_not_fit_is_not_walked():
    assert ask(Known(context_length=4), lambda answer: [9, *map(ord, answer)]) == ["X", "Z"]


def test_when_the_way_back_is_indifferent_the_search_decides(monkeypatch):
    monkeypatch.setitem(BACK, ("XY", "A"), 2.0)
    assert ask(Known(), lambda answer: [9, *map(ord, answer)]) == ["X", "Z"]
