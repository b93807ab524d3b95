"""A small corpus with everything in it that curate has to see."""

import json
import random
from pathlib import Path
from typing import Any

import pytest

from fournil.core.document import DOCUMENTS, PAIRS, document_row, pair_row
from fournil.core.shards import ShardWriter

FRENCH = """
le la les un une des du et ou que qui dans pour avec sans sur sous chez vers mais donc elle il nous vous leur sa son
boulanger farine levain fournil pétrit chauffe apporte raconte demande oublie retrouve maison rivière montagne
jardin fenêtre lumière soirée matinée voisine enfant cheval bateau lettre chanson hiver automne printemps été
longtemps toujours souvent jamais doucement vite ancien nouveau petite grande blanche noire heureux fatigué
"""
ENGLISH = """
the a an and or that which in for with without on under near toward but so she he we you their her his its
baker flour leaven bakehouse kneads warms brings tells asks forgets finds house river mountain
garden window light evening morning neighbour child horse boat letter song winter autumn spring summer
long always often never softly quickly old new little large white black happy weary
"""
WORDS = {"fr": FRENCH.split(), "en": ENGLISH.split()}


def text_in(tag: str, seed: object, *, num_sentences: int = 8) -> str:
    """Sentences in no sense but in the language."""
    draw = random.Random(f"{tag} {seed}")
    sentences = []
    for _ in range(num_sentences):
        words = draw.choices(WORDS[tag], k=draw.randint(8, 14))
        sentences.append(" ".join(words).capitalize() + ("\u00a0!" if tag == "fr" and draw.random() < 0.3 else "."))
    return "\n".join(sentences)


def message_in(tag: str, seed: object) -> str:
    """A short message."""
    draw = random.Random(f"message {tag} {seed}")
    return " ".join(draw.choices(WORDS[tag], k=4)).capitalize()[:44]


def document(name: str, text: str, tag: str | None, **more: str) -> dict[str, Any]:
    source = f"livres-{tag or 'x'}"
    return document_row(f"{source}/{name}", text, source=source, licence="CC0-1.0", language=tag, **more)


def make_documents() -> list[dict[str, Any]]:
    rows = []
    for number in range(60):
        group = json.dumps({"group": f"conte-{number}"})
        rows += [document(f"{number:03}", text_in(tag, number), tag, extra=group) for tag in ("fr", "en")]
    for number in range(10):
        text = text_in("fr", f"near {number}", num_sentences=30)
        rows.append(document(f"near-{number}-short", text, "fr"))
        rows.append(document(f"near-{number}-long", text + "\nUne phrase de plus pour finir.", "fr"))
    rows.append(document("copy-b", text_in("fr", "copied"), "fr"))
    rows.append(document("copy-a", text_in("fr", "copied"), "fr"))
    rows.append(document("short", "Trop court.", "fr"))
    rows.append(document("blank", " \u200b\n", "fr"))
    rows.append(document("wrong", text_in("en", "wrong"), "fr"))
    rows.append(document("mail", text_in("fr", "mail") + "\nÉcrire à jo.lin@wanadoo.fr\u00a0; merci.", "fr"))
    rows.append(document("unknown", text_in("fr", "unknown"), None))
    german = "Der Bäcker steht vor der Sonne auf und heizt seinen Ofen, denn die Leute wollen frisches Brot haben. " * 3
    rows.append(document("german", german, None))
    web = text_in("fr", "web", num_sentences=12) + "\nNous utilisons des cookies, acceptez-les."
    rows.append(document("web", web, "fr", category="web"))
    code = "".join(f"def knead_{n}(dough):\n    return dough.fold({n})\n\n\n\n\n" for n in range(5))
    rows.append(document("oven.py", code, "code", category="code"))
    return rows


def make_pairs(num: int = 1500) -> list[dict[str, Any]]:
    def pair(name: str, english: str, french: str) -> dict[str, Any]:
        texts = {"en": english, "fr": french}
        return pair_row(f"po/{name}", texts, source="po", licence="CC0-1.0", extra='{"kind": "message"}')

    rows = [pair(f"{n:05}", message_in("en", n), message_in("fr", n)) for n in range(num)]
    rows += [pair(f"again-{n}", message_in("en", n), message_in("fr", n)) for n in range(20)]
    rows += [pair(f"other-{n}", message_in("en", n).upper() + "…", f"Autrement {n} dit") for n in range(20, 60)]
    rows += [pair(f"line-{n}", text_in("en", n).split("\n")[0], text_in("fr", n).split("\n")[0]) for n in range(300)]
    rows.append(pair("equal", "Bonjour", "Bonjour"))
    rows.append(pair("empty", "Hello", " "))
    rows.append(pair("digits", "12 %s", "12 %d"))
    rows.append(pair("markup", "<b>%s</b>", "<i>%s</i> "))
    rows.append(pair("long", text_in("en", "long", num_sentences=40), text_in("fr", "long", num_sentences=40)))
    rows.append(pair("ratio", "No", text_in("fr", "ratio", num_sentences=2)))
    wrong = text_in("en", "a", num_sentences=3), text_in("en", "b", num_sentences=3)
    rows.append(pair("wrong", *wrong))
    return rows


def write_sources(folder: Path, documents: list[dict[str, Any]], pairs: list[dict[str, Any]]) -> Path:
    with ShardWriter(folder / "documents", DOCUMENTS) as writer:
        writer.write_rows(documents)
    with ShardWriter(folder / "pairs", PAIRS) as writer:
        writer.write_rows(pairs)
    return folder


@pytest.fixture(scope="session")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_sources(tmp_path_factory.mktemp("sources"), make_documents(), make_pairs())
