"""The step toxicity: what is refused, what is only counted, and whom it silences."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from fournil.core.context import Artifact, Context
from fournil.core.document import DOCUMENTS, REFUSED_DOCUMENTS, document_row
from fournil.core.errors import FournilError
from fournil.core.shards import ShardWriter, read_all
from fournil.parts.text.folded import folded_words
from fournil.parts.text.toxicity import find_words, word_list
from fournil.stages.curate import Config, run
from fournil.stages.curate.sections.contamination import ContaminationSettings
from fournil.stages.curate.sections.heldout import HeldoutSettings
from fournil.stages.curate.sections.toxicity import ToxicitySettings

CONTEXT = Context(languages=("fr", "en"), seed=7, threads=1)
CALM = (
    "Le boulanger se lève avant le jour et chauffe son four avec le bois de la semaine passée. "
    "Sa voisine lui apporte du beurre, quand les vaches en donnent assez pour tout le village. "
)
TEXTS = {
    "calm": CALM,
    "hateful": CALM[:90] + "Alors il a crié : sale arabe, retourne dans ton pays, et les autres ont ri dans la rue. ",
    "sexual": "Vidéo porno gratuite, gros nichons et plan cul ce soir dans la ville, avec les photos de la semaine. "
    * 2,
    "spoken": (
        "Ah ben tabarnak, j'ai encore manqué mon autobus, pis là il mouille. "
        "Ma mère a dit que c'était pas grave, mais moi je trouve ça plate, j'suis tannée en crisse de ce char-là. "
    ),
    "sworn": "Putain de merde, quel bordel, fais chier, connard, ta gueule, va te faire foutre, salaud ! " * 2,
    "treatise": (
        "Montesquieu parle de l'esclavage des nègres, et le planteur y défend la traite. "
        "L'esclave, dit-il, travaille pour le colon, et le Code noir règle le sort des nègres dans la colonie. "
    ),
}


def document(name: str, **more: Any) -> dict[str, Any]:
    settings = {"source": "web", "licence": "CC0-1.0", "language": "fr"} | more
    return document_row(f"{settings['source']}/{name}", TEXTS[name], **settings)


def curate(folder: Path, rows: list[dict[str, Any]], **more: Any) -> Artifact:
    with ShardWriter(folder / "in" / "documents", DOCUMENTS) as writer:
        writer.write_rows(rows)
    config = Config(
        toxicity=ToxicitySettings(**more),
        contamination=ContaminationSettings(sets=()),
        heldout=HeldoutSettings(share=0.0, min_pairs=0),
    )
    return run(config, {"sources": folder / "in"}, folder / "out", CONTEXT)


def refused(folder: Path) -> dict[str, dict[str, Any]]:
    rows = read_all(folder / "out" / "refused", REFUSED_DOCUMENTS, prefix="documents").to_pylist()
    return {row["id"].split("/")[1]: row for row in rows}


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Artifact]:
    folder = tmp_path_factory.mktemp("toxic")
    rows = [document(name) for name in TEXTS if name != "spoken"]
    rows.append(document("spoken", source="balado", language="fr-CA", category="speech"))
    rows.append(document("calm", source="livres"))
    return folder, curate(folder, rows)


def test_what_is_refused_and_why(judged: tuple[Path, Artifact]):
    folder, artifact = judged
    found = {name: (row["step"], row["rule"]) for name, row in refused(folder).items() if row["step"] == "toxicity"}
    assert found == {
        "hateful": ("toxicity", "strong-words"),
        "sexual": ("toxicity", "adult-words"),
        "sworn": ("toxicity", "mild-words"),
    }
    hateful = refused(folder)["hateful"]
    assert [hateful["text"][start:end] for start, end in hateful["spans"]] == ["sale arabe", "retourne dans ton pays"]
    assert float(hateful["value"]) > float(hateful["bound"]) == 0.01
    count = next(each for each in artifact.counts if each.step == "toxicity")
    assert count.refused == {"adult-words": 1, "mild-words": 1, "strong-words": 1}


def test_the_record_shows_whom_it_silences(judged: tuple[Path, Artifact]):
    table = {(line["source"], line["variety"]): line for line in judged[1].facts["toxicity"]}
    spoken, web, books = (table[key] for key in (("balado", "fr-CA"), ("web", "fr"), ("livres", "fr")))
    assert (spoken["category"], spoken["num_documents"], spoken["num_mild"], spoken["num_refused"]) == (
        "speech",
        1,
        1,
        0,
    )
    assert spoken["words_mild"] == 2
    assert (web["num_documents"], web["num_refused"], web["share_refused"]) == (5, 3, 0.6)
    assert (web["num_strong"], web["num_adult"], web["words_adult"]) == (1, 1, 6)
    assert (books["num_mild"], books["num_refused"], books["words"]) == (0, 0, 34)


@pytest.mark.parametrize("more", [{"action": "count"}, {"skip": ("web",)}, {"skip_sources": ("web",)}])
def test_who_is_counted_and_never_refused(tmp_path: Path, more: dict[str, Any]):
    rows = [document("hateful", category="web"), document("calm", category="web")]
    artifact = curate(tmp_path, rows, **more)
    assert not any(row["step"] == "toxicity" for row in refused(tmp_path).values())
    assert [line["num_strong"] for line in artifact.facts["toxicity"]] == [1]


def test_marks_in_place_of_refusals(tmp_path: Path):
    curate(tmp_path, [document("hateful"), document("calm")], action="mark")
    rows = {row["id"]: row for row in read_all(tmp_path / "out" / "documents", DOCUMENTS).to_pylist()}
    assert json.loads(rows["web/hateful"]["extra"]) == {"toxicity": "strong"}
    assert rows["web/calm"]["extra"] is None


def test_bounds_and_the_least_number(tmp_path: Path):
    rows = [document("spoken"), document("hateful"), document("calm")]
    curate(tmp_path / "strict", rows, max_mild=0.0)
    assert refused(tmp_path / "strict")["spoken"]["rule"] == "mild-words"
    curate(tmp_path / "three", rows, max_mild=0.0, min_found=3)
    assert not any(row["step"] == "toxicity" for row in refused(tmp_path / "three").values())


def test_a_list_of_ones_own(tmp_path: Path):
    own = tmp_path / "own.txt"
    own.write_text("strong | beurre, vaches\n")
    curate(tmp_path, [document("calm"), document("hateful")], lists={"fr": str(own)})
    assert {name: row["rule"] for name, row in refused(tmp_path).items()} == {"calm": "strong-words"}
    own.write_text("strong\n")
    with pytest.raises(FournilError, match="a line of a word list has two or three fields"):
        curate(tmp_path / "broken", [document("calm")], lists={"fr": str(tmp_path / "own.txt"), "en": str(own)})


@pytest.fixture(scope="module")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny network that calls everything with the word « pluie » toxic, more or less."""
    torch = pytest.importorskip("torch")
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("classifier")
    words = {"[PAD]": 0, "[UNK]": 1, "pluie": 2}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]").save_pretrained(folder)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=3, hidden_size=8, num_hidden_layers=1, num_attention_heads=1, intermediate_size=8,
        id2label={0: "calm", 1: "Toxic"}, label2id={"calm": 0, "Toxic": 1}, max_position_embeddings=512,
    )  # fmt: skip
    BertForSequenceClassification(config).save_pretrained(folder, safe_serialization=True)
    return folder


def test_a_classifier_of_ones_own(tmp_path: Path, classifier: Path):
    curate(tmp_path / "one", [document("calm"), document("treatise")], classifier=str(classifier), max_score=0.0)
    assert {row["rule"] for row in refused(tmp_path / "one").values()} == {"classifier"}
    curate(tmp_path / "two", [document("calm")], classifier=str(classifier), max_score=1.0)
    assert refused(tmp_path / "two") == {}
    with pytest.raises(FournilError, match="the classifier has no label 'rude'"):
        curate(tmp_path / "three", [document("calm")], classifier=str(classifier), classifier_label="rude")
    with pytest.raises(FournilError, match="there is no classifier in this folder"):
        curate(tmp_path / "four", [document("calm")], classifier=str(tmp_path))


def test_a_long_text_is_asked_about_at_several_places(classifier: Path):
    from fournil.parts.text.toxic_classifier import _windows, load_toxic_classifier

    text = "".join(chr(0x4E00 + number % 5000) for number in range(50_000))
    pieces = _windows(text)
    assert len(pieces) == 8
    assert (text.startswith(pieces[0]), text.endswith(pieces[-1])) == (True, True)
    assert _windows("court") == ["court"]
    scores = load_toxic_classifier(str(classifier), "toxic")(["pluie " * 3000, "neige"])
    assert scores.shape == (2,)
    assert ((scores > 0) & (scores < 1)).all()


DATA = Path(__file__).parents[2] / "data"


def refused_among(rows: list[dict[str, Any]]) -> set[str]:
    """Ids of French texts that the default bounds refuse."""
    settings = ToxicitySettings()
    words = folded_words(pa.array([row["text"] for row in rows]))
    counts = find_words(words, word_list("fr")).counts_DG
    shares = counts / np.maximum(np.diff(words.bounds_D), 1)[:, None]
    bounds = np.array([settings.max_mild, settings.max_strong, settings.max_adult])
    beyond = ((shares > bounds) & (counts >= settings.min_found)).any(axis=1)
    return {rows[place]["id"] for place in np.flatnonzero(beyond).tolist()}


def read_lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_hard_cases_and_varieties_that_a_reader_keeps_are_not_refused():
    """Theatre, SMS, Québécois, Creole, Old French, oaths in a novel; and what is nothing but an advertisement is."""
    cases = read_lines(DATA / "hard_cases" / "fr.jsonl")
    found = refused_among(cases)
    assert found <= {case["id"] for case in cases if case["verdict"] == "refuse"}
    assert found >= {"hard-fr-165", "hard-fr-166", "hard-fr-168"}
    varieties = [row for name in ("fr", "other") for row in read_lines(DATA / "varieties" / f"{name}.jsonl")]
    assert refused_among(varieties) == set()
    assert len(varieties) > 100


@pytest.mark.parametrize("wrong", [{"max_mild": 1.5}, {"max_strong": -0.1}, {"min_found": 0}, {"action": "erase"}])
def test_settings_that_make_no_sense(wrong: dict[str, Any]):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        ToxicitySettings(**wrong)
