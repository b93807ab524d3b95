"""Plain text: bits per byte by language and source, and whether the model stays in the language of its prompt."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from fournil.core.context import Context, Count
from fournil.core.errors import FournilError
from fournil.core.files import canonical_hash
from fournil.core.languages import CODE
from fournil.core.shards import read_batches
from fournil.core.speech import tr
from fournil.parts.model.engine import Engine
from fournil.parts.model.generate import Sampling
from fournil.parts.model.score import bits_per_byte, token_log_probabilities
from fournil.parts.statistics import bootstrapped, resample_weights, share
from fournil.parts.text.identify import identify
from fournil.parts.tokenize.load import encode_batch
from fournil.stages.evaluate.config import Config

BITS, STAYS, EDITION = "bits_per_byte", "stays_in_language", "1"


@dataclass(frozen=True)
class Text:
    """The beginning of a held-out document."""

    id: str
    language: str
    source: str
    text: str

    @property
    def num_bytes(self) -> int:
        """Of UTF-8."""
        return len(self.text.encode())


def choose_texts(folder: Path, config: Config) -> tuple[list[Text], Count]:
    """Draw documents by a hash of their ids, every source of a language alike, and cut long ones.

    Args:
        folder: Shards of documents.
        config: Has the bounds in bytes.
    """
    found: dict[str, dict[str, list[tuple[bytes, Text]]]] = defaultdict(lambda: defaultdict(list))
    columns = ["id", "language", "source", "text"]
    num_in = num_unknown = bytes_in = 0
    for batch in read_batches(folder, columns=columns):
        for name, language, source, text in zip(*(batch.column(column).to_pylist() for column in columns), strict=True):
            num_in += 1
            bytes_in += len(text.encode())
            if not language:
                num_unknown += 1
                continue
            if config.max_document_bytes:
                text = text.encode()[: config.max_document_bytes].decode("utf-8", "ignore")
            found[language][source].append((_draw(BITS, name), Text(name, language, source, text)))
    chosen: list[Text] = []
    for _, sources in sorted(found.items()):
        left = config.max_text_bytes
        # Sources with little text first: what they leave unused goes to the others.
        sizes = {source: sum(text.num_bytes for _, text in texts) for source, texts in sources.items()}
        for place, source in enumerate(sorted(sources, key=lambda source: (sizes[source], source))):
            room = left // (len(sources) - place)
            for _, text in sorted(sources[source], key=lambda entry: (entry[0], entry[1].id)):
                if config.max_text_bytes and text.num_bytes > room:
                    continue
                room -= text.num_bytes
                left -= text.num_bytes
                chosen.append(text)
    refused = {"no-language": num_unknown, "not-drawn": num_in - num_unknown - len(chosen)}
    refused = {rule: num for rule, num in refused.items() if num}
    bytes_out = sum(text.num_bytes for text in chosen)
    return chosen, Count("draw held-out documents", num_in, len(chosen), refused, 0, bytes_in, bytes_out)


def text_scores(
    engine: Engine, texts: Sequence[Text], config: Config, context: Context, model_sha256: str
) -> list[dict[str, Any]]:
    """Bits per byte of each language, and of each source in it."""
    length = min(engine.context_length, 2048)
    if config.overlap >= length:
        raise FournilError(
            tr("an overlap of {overlap:,} tokens in windows of {length:,}", overlap=config.overlap, length=length),
            where="evaluate.overlap",
            fix=tr("Give a smaller one."),
        )
    tokens = encode_batch(engine.tokenizer, [text.text for text in texts], parse_special=False)
    with context.progress.task(tr("Scoring held-out text"), sum(map(len, tokens)), tr("tokens")) as bar:
        scores = token_log_probabilities(
            engine,
            tokens,
            start_id=engine.start_id,
            context_length=length,
            overlap=config.overlap,
            device=engine.device,
            advance=bar.advance,
        )
    sums = np.array([[row.sum(), text.num_bytes] for row, text in zip(scores, texts, strict=True)])
    groups: dict[tuple[str, str | None], list[int]] = defaultdict(list)
    for i, text in enumerate(texts):
        groups[text.language, None].append(i)
        groups[text.language, text.source].append(i)
    rows = []
    for (language, source), members in sorted(groups.items(), key=lambda entry: (entry[0][0], entry[0][1] or "")):
        part_NK = sums[members]
        total, num_bytes = part_NK.sum(axis=0).tolist()
        weights_SN = resample_weights(len(members), config.num_bootstrap, seed=0)
        totals_S, bytes_S = (weights_SN @ part_NK).T
        value = bootstrapped(bits_per_byte(total, int(num_bytes)), -totals_S / (bytes_S * np.log(2)))
        rows.append(
            {
                "task": "held-out text",
                "edition": EDITION,
                "metric": BITS,
                "language": language,
                "source": source,
                "num_items": len(members),
                "num_bytes": int(num_bytes),
                "num_tokens": sum(len(tokens[i]) for i in members),
                "data_sha256": canonical_hash([[texts[i].id, texts[i].text] for i in members]),
                "model_sha256": model_sha256,
                **value.fields(),
            }
        )
    return rows


def staying_scores(
    engine: Engine, texts: Sequence[Text], config: Config, context: Context, model_sha256: str
) -> tuple[list[dict[str, Any]], list[dict[str, str]]]:
    """Continue beginnings of documents, and identify the language of what comes.

    Returns:
        A score for each language, and some of the continuations.
    """
    rows, shown = [], []
    sampling = Sampling(config.temperature, config.top_p, seed=context.seed)
    for language in (language for language in context.languages if language != CODE):
        long = [text for text in texts if text.language == language and len(text.text) > 2 * config.prompt_characters]
        long.sort(key=lambda text: (_draw(STAYS, text.id), text.id))
        beginnings = [_beginning(text.text, config.prompt_characters) for text in long[: config.num_prompts]]
        if not beginnings:
            continue
        room = engine.context_length - config.continuation_tokens - 1
        prompts = [
            [engine.start_id, *ids[-max(room, 1) :].tolist()]
            for ids in encode_batch(engine.tokenizer, beginnings, parse_special=False)
        ]
        with context.progress.task(tr("Going on in {language}", language=language), len(prompts), tr("texts")) as bar:
            ids = engine.generate(
                prompts, stop_ids=engine.stop_ids, max_new_tokens=config.continuation_tokens, sampling=sampling
            )
            bar.advance(len(prompts))
        written = engine.tokenizer.decode_batch(ids, skip_special_tokens=True)
        tags, _ = identify(pa.array(written, pa.string()))
        rows.append(
            {
                "task": STAYS,
                "edition": EDITION,
                "metric": STAYS,
                "language": language,
                "num_items": len(written),
                "others": {tag or "none": tags.count(tag) for tag in sorted(set(tags) - {language})},
                "data_sha256": canonical_hash(beginnings),
                "model_sha256": model_sha256,
                **share(tags.count(language), len(tags)).fields(),
            }
        )
        shown += [
            {"language": language, "prompt": beginning, "text": text}
            for beginning, text in list(zip(beginnings, written, strict=True))[: config.num_continuations]
        ]
    return rows, shown


def _draw(purpose: str, name: str) -> bytes:
    return hashlib.sha256(f"{purpose}\0{name}".encode()).digest()


def _beginning(text: str, num_characters: int) -> str:
    """The first characters up to a space, without it: a model's next token may then begin with the space."""
    cut = text.rfind(" ", 0, num_characters)
    return text[: cut if cut > num_characters // 2 else num_characters].rstrip()
