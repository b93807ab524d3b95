"""Our reading of the language model against fastText's own, and the filter against datatrove's."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nasty_texts import NASTY, batch_of

from curating import peer
from fournil.parts.text.compat.language import MARGIN, judge_language
from fournil.parts.text.compat.settings import LanguageFilterSettings
from fournil.parts.text.fasttext_file import read_fasttext
from fournil.parts.text.language_model import all_confidences, language_model, model_path
from fournil.parts.text.language_scores import confidences

SENTENCES = (
    "Le roi dort dans son château, et la reine compte les étoiles.",
    "The king sleeps in his castle, and the queen counts the stars.",
    "Der König schläft in seinem Schloss, und die Königin zählt die Sterne.",
    "El rey duerme en su castillo, y la reina cuenta las estrellas.",
    "Wa a ka dòmi nan palè li, epi larenn lan ap konte zetwal yo.",
    "Король спит в своём замке, а королева считает звёзды.",
    "王は城で眠り、女王は星を数える。",
    "</s> Le roi dort.",
    "Le roi </s> sleeps in his castle",
    "__label__fr The king sleeps",
    "a\tb\vc\fd\re\0f",
    "Oui.",
    "OK",
    "3.14159",
)
TEXTS = st.lists(
    st.one_of(
        st.sampled_from(" ".join(SENTENCES).split()),
        st.sampled_from((" ", "\n", "\t", "\0", "\x85", "\xa0", "</s>", "__label__en", "__label__", "é" * 40)),
        st.text(st.characters(exclude_categories=["Cs"]), max_size=6),
    ),
    max_size=30,
).map(" ".join)


def theirs(texts: list[str]) -> np.ndarray:
    labels = read_fasttext(model_path()).labels
    rows = []
    for text in texts:
        said = dict(all_confidences(text.replace("\n", " ")))
        rows.append([said.get(label, 0.0) for label in labels])
    return np.array(rows)


def test_confidences_are_fasttexts() -> None:
    # fastText gives none at all below 1e-5, so that two that lie about there may differ by as much.
    texts = [*SENTENCES, *NASTY, " ".join(SENTENCES)]
    assert np.abs(confidences(*batch_of(texts)) - theirs(texts)).max() < 2e-5


@settings(deadline=None)
@given(st.lists(TEXTS, min_size=1, max_size=4))
def test_confidences_of_texts_of_chance_are_fasttexts(texts: list[str]) -> None:
    assert np.abs(confidences(*batch_of(texts)) - theirs(texts)).max() < 1e-4


@pytest.mark.parametrize("languages", [("fr",), ("fr", "en"), ("ht", "xx")])
@pytest.mark.parametrize("threshold", [0.0, 0.3, 0.65, 0.9])
def test_verdicts_are_datatroves(languages: tuple[str, ...], threshold: float) -> None:
    texts = [*SENTENCES, *NASTY]
    asked = LanguageFilterSettings(language_threshold=threshold)
    made = peer.language_filter(asked, languages, language_model())
    found = judge_language(*batch_of(texts), languages=languages, threshold=threshold)
    assert (found.judged.code_D == 0).tolist() == [peer.verdict(made, text)[0] is None for text in texts]


def test_what_is_near_the_bound_is_fasttexts_own(monkeypatch: pytest.MonkeyPatch) -> None:
    text = SENTENCES[1]
    own = dict(all_confidences(text))["en"]
    asked: list[str] = []

    def ask(line: str) -> list[tuple[str, float]]:
        asked.append(line)
        return all_confidences(line)

    monkeypatch.setattr("fournil.parts.text.compat.language.all_confidences", ask)
    for threshold, refused in ((own, True), (own - 1e-9, False)):
        found = judge_language(*batch_of([text]), languages=("en",), threshold=threshold)
        assert found.judged.code_D.tolist() == [int(refused)]
    assert asked == [text, text]
    judge_language(*batch_of([text]), languages=("en",), threshold=own - 2 * MARGIN)
    assert asked == [text, text]


def test_tags_are_the_likeliest_languages() -> None:
    found = judge_language(*batch_of(list(SENTENCES[:4])), languages=("fr", "en"), threshold=0.65)
    assert found.tags == ["fr", "en", "de", "es"]
    assert found.judged.code_D.tolist() == [0, 0, 1, 1]
    assert found.judged.reason(2) == "language"


@pytest.mark.parametrize(
    "damage", [lambda data: data[:4], lambda data: b"\0" * 200, lambda data: data[:8] + b"\0" * 200]
)
def test_other_files_are_refused(tmp_path, damage) -> None:
    path = tmp_path / "model.ftz"
    path.write_bytes(damage(model_path().read_bytes()))
    with pytest.raises(ValueError, match=r"fastText|classifier"):
        read_fasttext(path)
