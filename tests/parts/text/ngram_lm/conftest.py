from pathlib import Path

import pytest

import fournil
from fournil.parts.text.ngram_lm import NgramModel, TrainSettings, train_model

MIE = Path(fournil.__file__).parent / "data" / "mie"


def mie_texts(tag: str) -> list[str]:
    return [path.read_text(encoding="utf-8") for path in sorted((MIE / tag).glob("*.txt"))]


@pytest.fixture(scope="session")
def french() -> list[str]:
    return mie_texts("fr")


@pytest.fixture(scope="session")
def english_texts() -> list[str]:
    return mie_texts("en")


@pytest.fixture(scope="session")
def model(french: list[str]) -> NgramModel:
    return train_model(french[:-8], "fr", TrainSettings(vocabulary=4096))
