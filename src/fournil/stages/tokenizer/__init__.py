"""Learn the vocabulary, encode the corpus, and say what a token holds in each language."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fournil.core.context import Artifact, Context, Count
from fournil.core.shards import count_rows
from fournil.core.speech import mark, tr
from fournil.stages.tokenizer.config import Config, Share

if TYPE_CHECKING:
    from tokenizers import Tokenizer

    from fournil.stages.tokenizer.fertility import Batch

__all__ = ["FORMAT", "Config", "Share", "run"]

FORMAT = 4
ROLES = ("user", "assistant")
ROLE_REPEATS = 2000
"""The chat template's words stand in every example: seen this often while learning, each is one token."""


def run(config: Config, inputs: Mapping[str, Path], out: Path, context: Context) -> Artifact:
    """Train the tokenizer on curated text and encode that text and the held-out text to token shards.

    Args:
        config: The section of the recipe.
        inputs: `curate`: a folder with documents/, pairs/ and heldout/.
        out: Gets tokenizer/, shards/{train,heldout}-{documents,pairs}/ and vocabulary.tsv.
        context: Languages, seed, threads.

    Raises:
        FournilError: When there is no text, or the settings do not fit.
    """
    from fournil.core.files import sha256_file
    from fournil.parts.tokenize import Encoder, load, use_threads
    from fournil.stages.tokenizer.encode import encode_split
    from fournil.stages.tokenizer.rows import KINDS

    use_threads(context.threads)
    curate = inputs["curate"]
    folder = out / "tokenizer"
    facts = _learn(config, curate, folder, out / ".work", context)
    tokenizer = load(folder)
    encoder = Encoder(tokenizer, threads=context.threads)
    digest = sha256_file(folder / "tokenizer.json")
    counts: list[Count] = []
    shards: dict[str, Any] = {}
    for split, place in (("train", curate), ("heldout", curate / "heldout")):
        for kind in KINDS:
            name = f"{split}-{kind}"
            with context.progress.task(
                _encoding(name),
                total=count_rows(place / kind),
                unit=tr("documents") if kind == "documents" else tr("pairs"),
            ) as bar:
                shards[name] = encode_split(
                    encoder, place, kind, out / "shards" / name, out / ".work" / name, digest, config, bar
                )
            num, size = shards[name]["num_documents"], shards[name]["num_bytes"]
            unit = "documents" if kind == "documents" else "texts of pairs"
            counts.append(Count(f"encode {name}", num, num, bytes_in=size, bytes_out=size, unit=unit))
    facts["shards"] = shards
    context.progress.note(tr("Measuring fertility on held-out text"))
    facts |= _table(config, curate / "heldout", tokenizer, out, context)
    num_tokens = shards["train-documents"]["num_tokens"] + shards["train-pairs"]["num_tokens"]
    facts["headline"] = mark(
        "{vocabulary:,} tokens; {millions:,.2f} million of them to train on",
        vocabulary=facts["vocab_size"],
        millions=round(num_tokens / 1e6, 2),
    )
    return Artifact(counts, facts)


def _encoding(name: str) -> str:
    return {
        "train-documents": tr("Encoding train documents"),
        "train-pairs": tr("Encoding train pairs"),
        "heldout-documents": tr("Encoding heldout documents"),
        "heldout-pairs": tr("Encoding heldout pairs"),
    }[name]


def _learn(config: Config, curate: Path, folder: Path, work: Path, context: Context) -> dict[str, Any]:
    """Train and save, unless an earlier try has done so; the facts of the training."""
    import json

    from fournil.core.files import write_json
    from fournil.parts.tokenize import choose_alphabet, count_characters, save, special_tokens, train
    from fournil.stages.tokenizer.sample import draw

    done = work / "trained.json"
    if done.is_file():
        return json.loads(done.read_text(encoding="utf-8"))
    specials = special_tokens(context.languages)
    vocabulary = config.vocabulary
    sample = draw(config, curate, context.languages, context.seed)
    num_bytes = sum(row["taken_bytes"] for row in sample.table)
    context.progress.note(
        tr(
            "Learning {vocab_size:,} tokens from {megabytes:.1f} MB",
            vocab_size=vocabulary.vocab_size,
            megabytes=num_bytes / 1e6,
        )
    )
    num_reserved = len(specials) + 256
    alphabet = choose_alphabet(
        count_characters(sample.texts),
        vocab_size=vocabulary.vocab_size,
        num_reserved=num_reserved,
        max_alphabet=vocabulary.max_alphabet,
    )
    tokenizer = train(
        chain([[*ROLES] * ROLE_REPEATS], sample.batches()),
        alphabet=alphabet,
        vocab_size=vocabulary.vocab_size,
        specials=specials,
        max_token_length=config.max_token_length,
        scheme=vocabulary.scheme,
    )
    save(tokenizer, folder, languages=context.languages)
    size = tokenizer.get_vocab_size()
    if size < vocabulary.vocab_size:
        context.progress.note(
            tr(
                "The text has no more repeated pairs: {size:,} tokens instead of {vocab_size:,}",
                size=size,
                vocab_size=vocabulary.vocab_size,
            )
        )
    facts = {
        "preset": config.preset,
        "scheme": vocabulary.scheme,
        "vocab_size": size,
        "vocab_size_asked": vocabulary.vocab_size,
        "num_reserved": num_reserved,
        "specials": specials,
        "alphabet": "".join(alphabet),
        "training": sample.table,
    }
    write_json(done, facts)
    return facts


def _table(config: Config, heldout: Path, tokenizer: Tokenizer, out: Path, context: Context) -> dict[str, Any]:
    from fournil.stages.tokenizer.fertility import fertility, parity
    from fournil.stages.tokenizer.references import references
    from fournil.stages.tokenizer.rows import KINDS, read_rows
    from fournil.stages.tokenizer.vocabulary import counts_of_shards, vocabulary_rows, write_vocabulary

    others = references(config.compare)
    rows, trip = fertility(tokenizer, others, _heldout_texts(heldout, config.max_table_mb))
    facts: dict[str, Any] = {"fertility": rows, "round_trip": trip.row()}
    facts["compared_with"] = [other.row() for other in others]
    if len(context.languages) >= 2:
        first, second = context.languages[:2]
        sides: dict[str, list[str]] = {first: [], second: []}
        for batch in read_rows(heldout, "pairs"):
            both: dict[str, dict[str, str]] = {}
            for name, language, text in zip(batch.ids, batch.languages, batch.texts, strict=True):
                both.setdefault(name, {})[language] = text
            for texts in both.values():
                if first in texts and second in texts:
                    sides[first].append(texts[first])
                    sides[second].append(texts[second])
        facts["parity"] = parity(tokenizer, others, sides)
    train = [out / "shards" / f"train-{kind}" for kind in KINDS]
    counts = counts_of_shards(train, tokenizer.get_vocab_size())
    facts["vocabulary"] = vocabulary_rows(tokenizer, counts)
    write_vocabulary(out / "vocabulary.tsv", tokenizer, counts)
    return facts


def _heldout_texts(heldout: Path, max_mb: float) -> Iterator[Batch]:
    """Held-out texts by language and source, at most so many bytes of each."""
    from fournil.stages.tokenizer.fertility import Batch
    from fournil.stages.tokenizer.rows import KINDS, read_rows

    seen: dict[tuple[str, str, str], int] = {}
    for kind in KINDS:
        for rows in read_rows(heldout, kind):
            groups: dict[tuple[str, str, str], list[str]] = {}
            for *key, text, size in zip(
                rows.languages, rows.categories, rows.sources, rows.texts, rows.num_bytes, strict=True
            ):
                group = (key[0], key[1], key[2])
                if seen.get(group, 0) < max_mb * 1e6:
                    seen[group] = seen.get(group, 0) + size
                    groups.setdefault(group, []).append(text)
            for (language, category, source), texts in groups.items():
                yield Batch(language, category, source, texts)
