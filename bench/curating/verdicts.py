"""The same documents shown to datatrove's filters and to ours: who refuses what, and for which reason."""

import json
import lzma
import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from curating import peer
from fournil.core.document import DOCUMENTS, document_row
from fournil.parts.text.codepoints import utf8_bytes
from fournil.parts.text.compat.c4 import Cut, cut_c4
from fournil.parts.text.compat.fineweb import judge_fineweb
from fournil.parts.text.compat.gopher import judge_gopher
from fournil.parts.text.compat.judged import Judged
from fournil.parts.text.compat.language import judge_language
from fournil.parts.text.compat.repetition import judge_repetition
from fournil.parts.text.compat.settings import C4QualitySettings, GopherQualitySettings
from fournil.parts.text.language_model import language_model
from fournil.stages.curate import Config
from fournil.stages.curate.alone.documents import document_chunk
from fournil.stages.curate.sections.compat import CompatRules, CompatSettings, LanguageRules
from fournil.stages.curate.sections.personal_data import PersonalDataSettings
from fournil.stages.curate.sections.quality import QualitySettings

SETS = (
    "books_fr", "books_en", "laws_ca_fr", "laws_ca_en", "code_civil_fr", "docs_php_fr", "docs_php_en",
    "docs_postgresql_fr", "docs_react_fr", "docs_vue_fr", "ocr_mazarinades_fr", "theatre17_fr", "shakespeare_en",
    "speeches_us_en", "wikitext2_en", "tldr", "commonvoice_sentences", "news_sentences_fr", "ud_gsd_fr",
    "ud_parisstories_fr", "ud_rhapsodie_fr", "ud_sequoia_fr",
)  # fmt: skip

LANGUAGES = ("fr", "en")
FRENCH = CompatRules(
    gopher_quality=GopherQualitySettings(stop_words=("le", "la", "les", "de", "des", "et", "un", "une", "que", "qui")),
    c4=C4QualitySettings(filter_no_terminal_punct=False),
)
ENGLISH = CompatRules(c4=C4QualitySettings(filter_no_terminal_punct=False))
COMPAT = CompatSettings(rules=ENGLISH, by_language=(LanguageRules("fr", FRENCH),))
Answer = tuple[str | None, str]


class Document(NamedTuple):
    """A text of the data folder, or a piece of one."""

    name: str
    source: str
    tag: str
    text: str


def config_of(**more: Any) -> Config:
    """The mode compat and nothing else that decides."""
    return Config(
        quality=QualitySettings(mode="compat"), compat=COMPAT, personal_data=PersonalDataSettings(kinds=()), **more
    )


def documents(data: Path, num: int, *, seed: int = 0) -> list[Document]:
    """Pieces of the texts of a data folder, cut where it happens, spread over the sets.

    Long texts are cut into pieces of 200 to 6,000 characters; lines of one sentence stand as they come, and in groups.
    """
    draw = random.Random(seed)
    by_set: dict[str, list[Document]] = {}
    for name in SETS:
        found = by_set.setdefault(name, [])
        short: list[str] = []
        for path in sorted((data / name).glob("*.jsonl.xz")):
            for text, tag in _texts(path):
                if len(found) >= num:
                    break
                if len(text) < 300:
                    short.append(text)
                    if len(short) >= draw.randint(1, 40):
                        found.append(Document(f"{name}/{len(found)}", name, tag, "\n".join(short)))
                        short = []
                    continue
                start = 0
                while start < len(text):
                    size = int(200 * 30 ** draw.random())
                    found.append(Document(f"{name}/{len(found)}", name, tag, text[start : start + size]))
                    start += size
        draw.shuffle(found)
    chosen: list[Document] = []
    left = {name: found for name, found in by_set.items() if found}
    while left and len(chosen) < num:
        share = max(1, (num - len(chosen)) // len(left))
        for name in sorted(left):
            chosen += left[name][:share]
            left[name] = left[name][share:]
        left = {name: found for name, found in left.items() if found}
    return sorted(chosen[:num])


def _texts(path: Path) -> Iterator[tuple[str, str]]:
    with lzma.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            if isinstance(row.get("text"), str) and row.get("lang") in LANGUAGES:
                yield row["text"], row["lang"]


def record_batch(found: list[Document]) -> pa.RecordBatch:
    """As curate reads them, their languages not said."""
    rows = [document_row(each.name, each.text, source=each.source, licence="CC0-1.0") for each in found]
    return pa.Table.from_pylist(rows, schema=DOCUMENTS).combine_chunks().to_batches()[0]


def chain(text: str) -> Answer:
    """datatrove's filters one after the other, with the rules of the language that the first one finds."""
    first = peer.language_filter(COMPAT.language, LANGUAGES, language_model())
    reason, text = peer.verdict(first, text)
    if reason is not None:
        return "language", text
    found = first.model.model.predict(text.replace("\n", " "), k=1)[0][0].removeprefix("__label__")
    rules = COMPAT.rules_of(found)
    for made in peer.filters(rules, peer.SPLITTERS[found == "fr"]):
        reason, text = peer.verdict(made, text)
        if reason is not None:
            return reason, text
    return None, text


def our_chain(found: list[Document]) -> list[Answer]:
    rows = document_chunk(config_of(), LANGUAGES)(record_batch(found)).rows
    return list(zip(rows.column("rule").to_pylist(), rows.column("text").to_pylist(), strict=True))


def _one(name: str, found: list[Document]) -> tuple[list[Answer], list[Answer]]:
    """What one filter says of texts of one language, asked of each text as it came: theirs and ours."""
    elides = found[0].tag == "fr"
    rules = FRENCH if elides else ENGLISH
    texts = [each.text for each in found]
    made: Any = {
        "language": lambda: peer.language_filter(COMPAT.language, LANGUAGES, language_model()),
        "gopher-repetition": lambda: peer.repetition_filter(rules.gopher_repetition, peer.SPLITTERS[elides]),
        "gopher-quality": lambda: peer.gopher_filter(rules.gopher_quality, peer.SPLITTERS[elides]),
        "c4": lambda: peer.c4_filter(rules.c4, peer.SPLITTERS[elides]),
        "fineweb": lambda: peer.fineweb_filter(rules.fineweb, peer.SPLITTERS[elides]),
    }[name]()
    theirs = [peer.verdict(made, text) for text in texts]
    return [("language" if reason == "" else reason, text) for reason, text in theirs], ours(name, texts, rules, elides)


def ours(name: str, texts: list[str], rules: CompatRules, elides: bool) -> list[Answer]:
    """What our filter says of texts of one language."""
    judged = judge(name, pa.array(texts, pa.large_string()), rules, elides)
    if isinstance(judged, Judged):
        return [(judged.reason(number), text) for number, text in enumerate(texts)]
    data, bounds = judged.bytes_B.tobytes(), judged.bounds_D.tolist()
    reasons = [judged.judged.reason(number) for number in range(len(texts))]
    return [
        (reason, text if reason else data[bounds[number] : bounds[number + 1]].decode())
        for number, (reason, text) in enumerate(zip(reasons, texts, strict=True))
    ]


def judge(name: str, texts: pa.Array, rules: CompatRules, elides: bool) -> Judged | Cut:
    """One of our filters, as curate calls it."""
    bytes_B, bounds_D = utf8_bytes(texts)
    places = np.arange(len(texts))
    if name == "language":
        return judge_language(bytes_B, bounds_D, places, languages=LANGUAGES, threshold=0.65).judged
    if name == "gopher-repetition":
        return judge_repetition(bytes_B, bounds_D, places, rules.gopher_repetition, elides=elides)
    if name == "gopher-quality":
        return judge_gopher(bytes_B, bounds_D, places, rules.gopher_quality, elides=elides)
    if name == "fineweb":
        return judge_fineweb(bytes_B, bounds_D, places, rules.fineweb, elides=elides)
    return cut_c4(bytes_B, bounds_D, places, rules.c4)


def verdicts(data: Path, num: int) -> Iterator[dict[str, Any]]:
    """A row for each filter, asked of every document, and one for the chain.

    Yields:
        filter, documents, refused (by datatrove), same (verdict and reason, and text), reasons (of datatrove), and
        differences (up to ten: name, theirs, ours).
    """
    found = documents(data, num)
    for name in ("language", "gopher-repetition", "gopher-quality", "c4", "fineweb"):
        pairs: list[tuple[Document, Answer, Answer]] = []
        for tag in LANGUAGES:
            own = [each for each in found if each.tag == tag]
            if own:
                pairs += zip(own, *_one(name, own), strict=True)
        yield _row(name, pairs)
    yield _row("chain", list(zip(found, [chain(each.text) for each in found], our_chain(found), strict=True)))


def _row(name: str, pairs: list[tuple[Document, Answer, Answer]]) -> dict[str, Any]:
    differ = [(each, theirs, mine) for each, theirs, mine in pairs if theirs != mine]
    reasons = Counter(theirs[0] for _, theirs, _ in pairs if theirs[0] is not None)
    return {
        "filter": name,
        "documents": len(pairs),
        "refused": reasons.total(),
        "changed": sum(theirs[0] is None and theirs[1] != each.text for each, theirs, _ in pairs),
        "same": len(pairs) - len(differ),
        "reasons": dict(reasons.most_common()),
        "differences": [
            {"document": each.name, "theirs": theirs[0], "ours": mine[0]} for each, theirs, mine in differ[:10]
        ],
    }
