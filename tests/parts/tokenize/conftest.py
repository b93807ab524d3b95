from importlib import resources

import pytest
from tokenizers import Tokenizer

from fournil.parts.tokenize import choose_alphabet, count_characters, special_tokens, train

LANGUAGES = ("fr", "en")


@pytest.fixture(scope="session")
def mie_texts() -> list[str]:
    """The text that ships in the package: French, English, code."""
    root = resources.files("fournil.data") / "mie"
    return [
        path.read_text(encoding="utf-8")
        for folder in ("fr", "en", "code")
        for path in sorted((root / folder).iterdir(), key=lambda path: path.name)
        if path.name.endswith((".txt", ".py"))
    ]


def learn(texts: list[str], vocab_size: int = 1024) -> Tokenizer:
    specials = special_tokens(LANGUAGES)
    alphabet = choose_alphabet(
        count_characters(texts), vocab_size=vocab_size, num_reserved=len(specials) + 256, max_alphabet=400
    )
    return train([texts], alphabet=alphabet, vocab_size=vocab_size, specials=specials)


@pytest.fixture(scope="session")
def small(mie_texts: list[str]) -> Tokenizer:
    return learn(mie_texts)
