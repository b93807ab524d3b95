"""Which shares of French and English in the training text make French cost what English costs.

A vocabulary is learned for each share from the same text, and counted on the same held-out text and pairs.
"""

import hashlib
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from fournil.parts.tokenize import choose_alphabet, count_characters, load, save, special_tokens, train
from fournil.stages.tokenizer import Config, Share
from fournil.stages.tokenizer.sample import draw, shares_of

from .measure import by_kind, counter, on_pairs

LANGUAGES = ("fr", "en")
CODE = 0.10
FRENCH = (0.50, 0.55, 0.60, 0.65, 0.70, 0.75, 0.80, 0.85)
"""Of what code leaves; 0.5 is the mix of equal bytes."""
MAX_TRAIN_MB = 48.0


def learned(curated: Path, config: Config, *, seed: int = 0) -> tuple[Tokenizer, list[dict[str, Any]]]:
    """A vocabulary as the stage learns it, and what it was learned from."""
    specials = special_tokens(LANGUAGES)
    scheme, vocab_size, max_alphabet = config.vocabulary
    sample = draw(config, curated, LANGUAGES, seed)
    alphabet = choose_alphabet(
        count_characters(sample.texts),
        vocab_size=vocab_size,
        num_reserved=len(specials) + 256,
        max_alphabet=max_alphabet,
    )
    tokenizer = train(
        sample.batches(),
        alphabet=alphabet,
        vocab_size=vocab_size,
        specials=specials,
        max_token_length=config.max_token_length,
        scheme=scheme,
    )
    return tokenizer, sample.table


def mixed(french: float, vocab_size: int) -> Config:
    """The settings of one share."""
    parts = {"fr": (1 - CODE) * french, "en": (1 - CODE) * (1 - french), "code": CODE}
    return Config(
        vocab_size=vocab_size,
        max_train_mb=MAX_TRAIN_MB,
        share=tuple(Share(language, share) for language, share in parts.items()),
    )


def kept(curated: Path, config: Config) -> Path:
    """The folder of a vocabulary, learned unless an earlier run has done so."""
    shares = sorted((language, round(share, 6)) for language, share in shares_of(config, LANGUAGES).items())
    told = (config.vocabulary, shares, config.pair_share, config.max_train_mb, config.max_repeats)
    name = hashlib.sha256(repr((told, config.max_token_length)).encode()).hexdigest()[:12]
    folder = curated.parent / "learned" / name
    if not (folder / "learned.json").is_file():
        begun = time.process_time()
        tokenizer, table = learned(curated, config)
        save(tokenizer, folder, languages=LANGUAGES)
        taken = {f"{row['language']} {row['kind']}": row["taken_bytes"] for row in table}
        told = {"cpu_seconds": round(time.process_time() - begun, 1), "learned_from": taken}
        (folder / "learned.json").write_text(json.dumps(told))
    return folder


def row(curated: Path, config: Config) -> dict[str, Any]:
    """Tokens by kind and language, and of both sides of the pairs."""
    folder = kept(curated, config)
    tokenizer = load(folder)
    count = counter(tokenizer)
    return {
        "vocabulary": tokenizer.get_vocab_size(),
        **json.loads((folder / "learned.json").read_text()),
        "kinds": list(by_kind(count, curated)),
        "pairs": on_pairs(count, curated),
    }


def rows(curated: Path, vocab_size: int, french: tuple[float, ...] = FRENCH) -> Iterator[dict[str, Any]]:
    """One row a share."""
    for share in french:
        yield {"french": share, **row(curated, mixed(share, vocab_size))}
