import json
import lzma
import random
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import fournil
from fournil.core.context import Artifact, Context
from fournil.core.document import DOCUMENTS, EDITS, PAIRS, REFUSED_DOCUMENTS, document_row
from fournil.core.errors import FournilError
from fournil.core.files import hash_tree
from fournil.core.shards import ShardWriter, read_all
from fournil.parts.text.classifier import ClassifierSettings as TrainedAs
from fournil.parts.text.classifier import save_classifier, train_classifier
from fournil.parts.text.ngram_lm import TrainSettings, load_model, save_model, train_model
from fournil.stages.curate import Config, run
from fournil.stages.curate.sections.heldout import HeldoutSettings
from fournil.stages.curate.sections.models import (
    ClassifierSettings,
    ModelSettings,
    OcrSettings,
    PerplexitySettings,
)

MIE = Path(fournil.__file__).parent / "data" / "mie"
FRENCH = [path.read_text("utf-8") for path in sorted((MIE / "fr").glob("*.txt"))]
CONTEXT = Context(languages=("fr", "en"), seed=7, threads=1)

STOCK_MARKET = """~s. < i A 'rr-oAtt—~—~—. --, 1 Sj| A TERME. I
Derniers cottrt IIDtrrétl 1-T-S.* J Tsox A TERME. cotés «l J^Ptant.
Liq. ! : -. précédentmrnt. et à démission II le, couro Pins liant. fPÎ.
bas. |Dera« cours. ^'c^^TTermèr] Dividendes. H22ii autre ■ «T.
67f33 40 45 30 55 60 63 60 „ fin coar. 67 50 67 75 S 67 45 67 70 67
30 67 37I | jPr.fteîc.] d 2n H S > ! | S | iPr.iinc. d lf,67 77% 68 d 50! 1
"""
"""A page that a machine read out of a newspaper's columns of figures: what must be refused."""


def row(name: str, text: str, **more: Any) -> dict[str, Any]:
    return document_row(f"notes/{name}", text, **{"source": "notes", "licence": "CC0-1.0", "language": "fr"} | more)


def page(name: str, text: str, **more: Any) -> dict[str, Any]:
    return row(name, text, category="ocr", **more)


class Curated:
    def __init__(self, folder: Path, artifact: Artifact) -> None:
        self.out, self.artifact = folder, artifact
        self.kept = {each["id"].split("/")[1]: each for each in read_all(folder / "documents", DOCUMENTS).to_pylist()}
        refused = read_all(folder / "refused", REFUSED_DOCUMENTS, prefix="documents").to_pylist()
        self.refused = {each["id"].split("/")[1]: each for each in refused}
        edits = read_all(folder / "edits", EDITS, prefix="documents").to_pylist()
        self.edits = [each for each in edits if each["step"] == "models"]

    def reason(self, name: str) -> tuple[str, str]:
        return self.refused[name]["step"], self.refused[name]["rule"]


def curate(folder: Path, documents: list[dict[str, Any]], settings: ModelSettings, **more: Any) -> Curated:
    for kind, schema, rows in (("documents", DOCUMENTS, documents), ("pairs", PAIRS, [])):
        with ShardWriter(folder / "in" / kind, schema) as writer:
            writer.write_rows(rows)
    config = Config(models=settings, heldout=HeldoutSettings(share=0, min_documents=0, min_pairs=0), **more)
    return Curated(folder / "out", run(config, {"sources": folder / "in"}, folder / "out", CONTEXT))


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> str:
    folder = tmp_path_factory.mktemp("model")
    save_model(train_model(FRENCH[:-12], "fr", TrainSettings(vocabulary=4096)), folder)
    return str(folder)


def misread(text: str, share: float) -> str:
    draw = random.Random(1)
    return "".join(draw.choice("abcdefghilmnorstuvéè|1I.;'") if draw.random() < share else each for each in text)


def book(num_pages: int, seed: int = 0) -> str:
    """Prose of new sentences, longer than one passage."""
    sentences = [line for text in FRENCH for line in text.split("\n") if len(line) > 40]
    draw = random.Random(seed)
    return "\n\n".join("\n".join(draw.sample(sentences, 60)) for _ in range(num_pages))


def test_without_models_nothing_is_asked(tmp_path):
    found = curate(tmp_path, [row("a", FRENCH[0])], ModelSettings())
    assert found.kept["a"]["extra"] is None
    assert "models" not in found.artifact.facts


def test_perplexity_is_bounded_and_written_down(tmp_path, model):
    settings = PerplexitySettings(models={"fr": model}, max_ratio=3.0, min_pieces=60)
    documents = [
        row("good", FRENCH[-1]),
        row("noisy", misread(FRENCH[-2], 0.25)),
        row(
            "short",
            "Le pain est cuit et le four est encore chaud. Il est tard, et toute la ville dort dans la nuit.",
        ),
        row("code", "def knead(dough):\n    return dough.fold(3)\n\n\n" * 9, language="code", category="code"),
        row("known", FRENCH[-3], extra='{"page": 3}'),
        row("words", FRENCH[-4], extra="a reader's words"),
        row("english", (MIE / "en" / "01-sunday-loaf.txt").read_text("utf-8"), language="en"),
    ]
    found = curate(tmp_path, documents, ModelSettings(perplexity=settings))
    reference = load_model(Path(model))
    assert found.reason("noisy") == ("models", "perplexity-high")
    assert float(found.refused["noisy"]["value"]) > float(found.refused["noisy"]["bound"])
    assert float(found.refused["noisy"]["bound"]) == pytest.approx(3 * reference.at(50), rel=1e-4)
    said = json.loads(found.kept["good"]["extra"])
    assert said["perplexity"] == round(float(reference.score(pa.array([found.kept["good"]["text"]]))[0]), 1)
    assert said["bucket"] in ("head", "middle", "tail")
    assert json.loads(found.kept["known"]["extra"])["page"] == 3
    assert "perplexity" in json.loads(found.kept["known"]["extra"])
    assert found.kept["words"]["extra"] == "a reader's words"
    assert all(found.kept[name]["extra"] is None for name in ("short", "code", "english"))


@pytest.mark.parametrize(
    ("settings", "rule"),
    [
        ({"max_perplexity": 30.0}, "perplexity-high"),
        ({"min_perplexity": 1e6}, "perplexity-low"),
        ({"min_ratio": 50.0}, "perplexity-low"),
        ({"max_percentile": 0.0, "max_perplexity": 2.0}, "perplexity-high"),
        ({"keep": ("head",), "bucket_percentiles": (0.0, 0.0), "max_ratio": 90.0}, "perplexity-bucket"),
        ({"skip": ("essay",), "max_perplexity": 30.0}, None),
        ({"min_pieces": 10_000, "max_perplexity": 30.0}, None),
    ],
)
def test_each_bound(tmp_path, model, settings, rule):
    wanted = ModelSettings(perplexity=PerplexitySettings(models={"fr": model}, **settings))
    found = curate(tmp_path, [row("a", misread(FRENCH[-1], 0.1), category="essay"), row("b", FRENCH[0])], wanted)
    assert ("a" in found.kept) == (rule is None)
    assert rule is None or found.reason("a") == ("models", rule)


def test_a_model_is_trained_on_text_that_the_settings_name(tmp_path):
    settings = PerplexitySettings(models={"fr": str(MIE / "fr")}, max_ratio=3.0)
    documents = [row("good", book(1)), row("bad", misread(book(1), 0.4))]
    first = curate(tmp_path / "1", documents, ModelSettings(perplexity=settings))
    again = curate(tmp_path / "2", documents, ModelSettings(perplexity=settings))
    assert (set(first.kept), set(first.refused)) == ({"good"}, {"bad"})
    assert hash_tree(first.out, trust_times=False)["files"] == hash_tree(again.out, trust_times=False)["files"]
    told = first.artifact.facts["models"]
    assert told == again.artifact.facts["models"]
    assert told["perplexity"]["fr"]["training"]["num_documents"] == len(FRENCH)
    (line,) = told["documents"]["perplexity"]
    assert (line["source"], line["num"], line["num_judged"], line["num_refused"]) == ("notes", 2, 2, 1)
    assert line["p10"] < line["p50"] < line["p90"]


@pytest.mark.parametrize("preset", ["croissant", "lucie"])
def test_columns_of_a_stock_market_are_refused_and_a_clean_page_is_kept(tmp_path, model, preset):
    settings = ModelSettings(perplexity=PerplexitySettings(models={"fr": model}), ocr=OcrSettings(preset=preset))
    clean = book(2)
    found = curate(
        tmp_path, [page("stock", STOCK_MARKET), page("market", STOCK_MARKET * 30), page("clean", clean)], settings
    )
    assert set(found.kept) == {"clean"}
    assert found.reason("stock")[0] == "models"
    assert found.kept["clean"]["text"] == clean if preset == "lucie" else len(found.kept["clean"]["text"]) > 5000


def test_lucie_cuts_passages_and_leaves_gaps(tmp_path, model):
    good, other = book(2, seed=1), book(2, seed=2)
    bad = misread(book(2, seed=3), 0.5)
    german = (
        "Der Bäcker steht vor der Sonne auf und heizt seinen Ofen, denn die Leute wollen frisches Brot haben.\n" * 160
    )
    text = "\n\n".join([good, bad, german, other])
    settings = ModelSettings(perplexity=PerplexitySettings(models={"fr": model}), ocr=OcrSettings(preset="lucie"))
    found = curate(tmp_path, [page("a", text.replace("four ", "f&oelig;ur ").replace("&", "&", 1))], settings)
    kept = found.kept["a"]["text"]
    assert kept.count("\n\n[...]\n\n") == 1
    assert kept.count("Bäcker") < 80  # a passage with more French than German stays whole
    assert "&oelig;" not in kept
    assert kept[:3000] == good.replace("four ", "fœur ")[:3000]
    assert kept[-3000:] == other.replace("four ", "fœur ")[-3000:]
    (cut,) = [each for each in found.edits if each["rule"] == "ocr-passage"]
    whole = text.replace("four ", "fœur ")
    assert whole[cut["start"] : cut["end"]] == cut["was"]
    assert whole[: cut["start"]] + cut["now"] + whole[cut["end"] :] == kept
    assert {each["rule"] for each in found.edits} == {"ocr-passage", "ocr-entity"}


def test_croissant_keeps_lines_of_prose(tmp_path, model):
    sentences = [line for text in FRENCH for line in text.split("\n") if len(line) > 60]
    lines = [
        "Titre du livre",
        "Bibliothèque",
        "Source : ailleurs",
        *sentences[:80],
        "12",
        "Chapitre II",
        *sentences[80:120],
        "fin",
    ]
    settings = ModelSettings(perplexity=PerplexitySettings(models={"fr": model}), ocr=OcrSettings(preset="croissant"))
    text = "\n".join(lines)
    documents = [
        page("book", text),
        page("leaflet", "\n".join(sentences[:45])),
        page("table", "\n".join(f"{number} 12 13 {number}" for number in range(200))),
        page("long", "\n".join(sentences * 120)),
        row("poem", FRENCH[0], category="essay"),
    ]
    found = curate(tmp_path, documents, settings)
    kept = found.kept["book"]["text"]
    assert kept.split("\n") == sentences[:120]
    for cut in (each for each in found.edits if each["id"] == "notes/book"):
        assert text[cut["start"] : cut["end"]] == cut["was"]
    assert found.reason("leaflet") == ("models", "ocr-few-lines")
    assert found.reason("table") == ("models", "ocr-kept-lines")
    assert found.reason("long") == ("models", "ocr-many-characters")
    assert found.kept["poem"]["text"] == FRENCH[0].strip()


@pytest.mark.parametrize(
    ("extra", "kept"),
    [
        ('{"ocr_confidence": 45}', False),
        ('{"ocr_confidence": 0.45}', False),
        ('{"ocr_confidence": 97.5}', True),
        ('{"ocr_confidence": 0.97}', True),
        ('{"ocr_confidence": "good"}', True),
        ('{"ocr_confidence": true}', True),
        ("ocr_confidence: 3", True),
        (None, True),
    ],
)
def test_the_readers_own_confidence(tmp_path, model, extra, kept):
    settings = ModelSettings(perplexity=PerplexitySettings(models={"fr": model}), ocr=OcrSettings(preset="lucie"))
    found = curate(tmp_path, [page("a", book(1), extra=extra), row("b", FRENCH[0])], settings)
    assert ("a" in found.kept) == kept
    assert kept or (found.reason("a"), found.refused["a"]["bound"]) == (("models", "ocr-score"), "90")


@pytest.fixture(scope="module")
def lessons(tmp_path_factory) -> str:
    rows = [(text, True) for text in FRENCH]
    rows += [(text.replace(" la ", " offre ").replace(" le ", " promo "), False) for text in FRENCH]
    folder = tmp_path_factory.mktemp("classifier")
    save_classifier(train_classifier(rows, TrainedAs(bits=14)), folder)
    return str(folder)


def test_a_classifier_refuses_what_its_bounds_say(tmp_path, lessons):
    advert = FRENCH[5].replace(" la ", " offre ").replace(" le ", " promo ")
    each = ClassifierSettings(name="educational", model=lessons, languages=("fr",), min_score=0.5)
    other = ClassifierSettings(name="plain", model=lessons, categories=("essay",), max_score=0.5)
    documents = [
        row("lesson", FRENCH[6]),
        row("advert", advert),
        row("essay", FRENCH[7], category="essay"),
        row("english", (MIE / "en" / "01-sunday-loaf.txt").read_text("utf-8"), language="en"),
    ]
    found = curate(tmp_path, documents, ModelSettings(classifier=(each, other)))
    assert set(found.kept) == {"lesson", "english"}
    assert found.reason("advert") == ("models", "educational-low")
    assert found.reason("essay") == ("models", "plain-high")
    assert json.loads(found.kept["lesson"]["extra"])["educational"] > 0.5
    assert found.kept["english"]["extra"] is None
    told = found.artifact.facts["models"]
    assert set(told["classifier"]) == {"educational", "plain"}
    assert told["documents"]["educational"][0]["num_refused"] == 1


def test_figures_are_not_written_where_they_are_not_wanted(tmp_path, model):
    settings = ModelSettings(perplexity=PerplexitySettings(models={"fr": model}), record=False)
    assert curate(tmp_path, [row("a", FRENCH[0])], settings).kept["a"]["extra"] is None


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (ModelSettings(ocr=OcrSettings(preset="lucie")), "needs a perplexity model"),
        (ModelSettings(perplexity=PerplexitySettings(models={"fr": "/nowhere"})), "no such file"),
        (ModelSettings(perplexity=PerplexitySettings(models={"en": "{model}"})), "this model is of 'fr', not of 'en'"),
        (ModelSettings(classifier=(ClassifierSettings(name="a", model="/nowhere"),)), "no classifier"),
    ],
)
def test_what_is_missing_is_said_before_anything_is_read(tmp_path, model, settings, message):
    if settings.perplexity.models == {"en": "{model}"}:
        settings = ModelSettings(perplexity=PerplexitySettings(models={"en": model}))
    with pytest.raises(FournilError, match=message):
        curate(tmp_path, [row("a", FRENCH[0])], settings)


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        (PerplexitySettings, {"max_percentile": 101.0}),
        (PerplexitySettings, {"keep": ("best",)}),
        (PerplexitySettings, {"keep": ()}),
        (PerplexitySettings, {"bucket_percentiles": (60.0, 30.0)}),
        (OcrSettings, {"preset": "gallica"}),
        (OcrSettings, {"min_confidence": 2.0}),
        (ClassifierSettings, {}),
        (ClassifierSettings, {"name": "a/b", "model": "x"}),
        (ClassifierSettings, {"name": "a", "model": "x", "min_score": 3.0}),
        (ModelSettings, {"classifier": (ClassifierSettings("a", "x"), ClassifierSettings("a", "y"))}),
    ],
)
def test_settings_that_make_no_sense(kind, given):
    with pytest.raises(ValueError, match="[a-z]"):
        kind(**given)


def test_real_pages(shared, tmp_path):
    """Charters of the fourteenth century, as people have written them and as a machine has read them."""

    def texts(name: str, key: str, num: int) -> list[str]:
        with lzma.open(next((shared / "data" / name).glob("*.jsonl.xz")), "rt", encoding="utf-8") as file:
            return [json.loads(line)[key] for _, line in zip(range(num), file, strict=False)]

    model = train_model([*texts("books_fr", "text", 150), *texts("theatre17_fr", "text", 12)], "fr")
    save_model(model, tmp_path / "model")
    settings = ModelSettings(
        perplexity=PerplexitySettings(models={"fr": str(tmp_path / "model")}), ocr=OcrSettings(preset="lucie")
    )
    clean = [text for text in texts("ocr_himanis_fr", "gt", 40) if len(text) > 1500][:8]
    documents = [page(f"clean-{number}", text) for number, text in enumerate(clean)]
    documents += [page("stock", STOCK_MARKET), page("worse", misread("\n".join(clean[0].split(". ")), 0.4))]
    found = curate(tmp_path, documents, settings)
    badly = {name for name, each in found.refused.items() if each["step"] == "models"}
    assert badly >= {"stock", "worse"}
    # Charters in Latin, or half in it, are no French; nothing else is refused for how it was read.
    others = [found.refused[name] for name in badly - {"stock", "worse"}]
    assert all(
        "tam presentibus" in each["text"] or " quod, cum " in each["text"] or "Datum" in each["text"] for each in others
    )
    assert len(found.kept) >= 4
