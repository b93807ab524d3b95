"""Real text laid out as curation leaves it: to learn from, and by kind to measure on.

Every twentieth document of a set is held out, and sets that nothing is learned from are held out whole. A document
is cut to pieces of some thousand characters, and no set gives more than its bound, so that novels do not fill it all.
"""

import itertools
import json
import lzma
import re
import sys
import sysconfig
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fournil.core.document import DOCUMENTS, PAIRS, document_row, pair_row
from fournil.core.shards import ShardWriter

CHARACTERS = 20_000
MAX_SET_MB = 14.0
HELD_OUT = 20
"""One document in so many."""

KINDS = {
    "law": {"fr": ("laws_ca_fr", "code_civil_fr"), "en": ("laws_ca_en",)},
    "manuals": {"fr": ("docs_php_fr", "docs_postgresql_fr", "docs_react_fr"), "en": ("docs_php_en", "tldr/pages_en")},
    "novels": {"fr": ("books_fr",), "en": ("books_en",)},
    "plays, speeches": {"fr": ("theatre17_fr",), "en": ("shakespeare_en", "speeches_us_en")},
    "news": {"fr": ("news_sentences_fr",), "en": ()},
    "sentences to read": {"fr": ("commonvoice_sentences/fr",), "en": ("commonvoice_sentences/en",)},
    "encyclopaedia": {"fr": ("eval_piaf_dev/contexts_text",), "en": ("wikitext2_en",)},
}
"""Kind of text → language → sets."""
UNSEEN = ("eval_piaf_dev/contexts_text", "wikitext2_en")
"""Held out whole."""
PAIRED = ("parallel_laws_ca", "parallel_php", "parallel_pydocs", "parallel_tatoeba")


def rows_of(data: Path, name: str) -> Iterator[dict[str, Any]]:
    """The rows of a set, or of those of its files whose name begins as the second half says."""
    folder, _, stem = name.partition("/")
    for path in sorted((data / folder).glob(f"{stem}*.jsonl.xz")):
        with lzma.open(path, "rt", encoding="utf-8") as lines:
            for line in lines:
                yield json.loads(line)


def wikitext(text: str) -> str:
    """Prose of WikiText as people write it: without spaces around signs, headings, and sentences with unknown words."""
    paragraphs = []
    for line in text.split("\n"):
        sentences = [part for part in line.strip().split(" . ") if part and "<unk>" not in part]
        if sentences and not line.startswith(" ="):
            paragraphs.append(". ".join(sentences).removesuffix(" .") + ".")
    text = re.sub(r" @([-,.])@ ", r"\1", "\n".join(paragraphs))
    text = re.sub(r" ([,.;:!?%)\]])", r"\1", text)
    text = re.sub(r"([(\[$£]) ", r"\1", text)
    text = re.sub(r'" ([^"\n]*) "', r'"\1"', text)
    return re.sub(r" ('s|'t|'re|'ve|'ll|'d|')\b", r"\1", text)


def _documents(data: Path) -> Iterator[tuple[str, str, str, str]]:
    """Source, language, id and text."""
    for languages in KINDS.values():
        for language, names in languages.items():
            for name in names:
                for row in rows_of(data, name):
                    text = wikitext(row["text"]) if name == "wikitext2_en" else row["text"]
                    yield name, language, row["id"], text
    library = Path(sysconfig.get_paths()["stdlib"])
    for path in sorted(library.rglob("*.py")):
        if not {"site-packages", "test", "tests", "idlelib"} & set(path.parts):
            text = path.read_text(encoding="utf-8", errors="ignore")
            yield "python", "code", str(path.relative_to(library)), text


def held_out(name: str, number: str) -> bool:
    """Whether a document is measured on and not learned from."""
    return name in UNSEEN or zlib.crc32(f"{name} {number}".encode()) % HELD_OUT == 0


def make_curated(data: Path, place: Path) -> Path:
    """Write documents/, pairs/ and heldout/; what is there already is kept.

    Args:
        data: The folder of real text.
        place: Where to.
    """
    done = place / "done.json"
    told = [CHARACTERS, MAX_SET_MB, HELD_OUT, list(PAIRED), sys.version_info[:2]]
    if done.is_file() and json.loads(done.read_text()) == json.loads(json.dumps(told)):
        return place
    for split, wanted in (("", False), ("heldout", True)):
        for kind, schema, rows in (
            ("documents", DOCUMENTS, _document_rows(data, wanted)),
            ("pairs", PAIRS, _pair_rows(data, wanted)),
        ):
            with ShardWriter(place / split / kind, schema) as writer:
                while batch := list(itertools.islice(rows, 1000)):
                    writer.write_rows(batch)
    done.write_text(json.dumps(told))
    return place


def _document_rows(data: Path, wanted: bool) -> Iterator[dict[str, Any]]:
    sizes: dict[str, int] = {}
    for name, language, number, text in _documents(data):
        if held_out(name, number) is not wanted or sizes.get(name, 0) > MAX_SET_MB * 1e6:
            continue
        for start in range(0, len(text), CHARACTERS):
            piece = text[start : start + CHARACTERS]
            sizes[name] = sizes.get(name, 0) + len(piece.encode())
            key = f"{name}/{number}-{start}"
            yield document_row(key, piece, source=name, licence="LicenseRef-real", language=language)


def _pair_rows(data: Path, wanted: bool) -> Iterator[dict[str, Any]]:
    for name in PAIRED:
        for number, row in enumerate(rows_of(data, name)):
            texts = {tag: row[tag] for tag in ("fr", "en")}
            if all(texts.values()) and held_out(name, row["id"]) is wanted:
                yield pair_row(f"{name}/{number}", texts, source=name, licence="LicenseRef-real")
