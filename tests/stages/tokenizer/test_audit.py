from importlib.util import find_spec
from pathlib import Path

import pytest
from tokenizers import Tokenizer, models, pre_tokenizers

from fournil.core.context import Context
from fournil.core.errors import FournilError
from fournil.stages.tokenizer.audit import audit, audit_command

FRENCH = "Le pain est chaud.\nIl coûte 12 € : c’est l’été.\n\nLe four est grand.\n"
ENGLISH = "The bread is warm.\nIt costs 12 €: it is summer.\n\nThe oven is large.\n"


@pytest.fixture
def texts(tmp_path: Path) -> list[tuple[str, Path]]:
    (tmp_path / "fr.txt").write_text(FRENCH, encoding="utf-8")
    (tmp_path / "en.txt").write_text(ENGLISH, encoding="utf-8")
    return [("fr", tmp_path / "fr.txt"), ("en", tmp_path / "en.txt")]


@pytest.fixture
def mistral() -> Path:
    spec = find_spec("mistral_common")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "data" / "tokenizer.model.v1"


@pytest.fixture
def words(tmp_path: Path) -> Path:
    """A tokenizer that knows five words."""
    vocab = {word: number for number, word in enumerate(["[UNK]", "Le", "pain", "est", "chaud", "."])}
    tokenizer = Tokenizer(models.WordLevel(vocab, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()  # type: ignore[assignment]
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    return tmp_path / "tokenizer.json"


def test_a_sentencepiece_model_beside_itself_is_equal(mistral: Path, texts: list[tuple[str, Path]]) -> None:
    found = audit(mistral, texts)
    french, english = found["languages"]
    assert (french["language"], english["language"]) == ("fr", "en")
    assert french["num_words"] == 13
    assert french["tokens_per_word"] == french["mistral_tokens_per_word"]
    assert (french["num_failed"], french["num_unknown"]) == (0, 0)
    assert found["parity"]["num_pairs"] == 3
    assert found["parity"]["tokens"] == found["parity"]["mistral_tokens"]
    assert found["parity"]["tekken_tokens"] > 0
    assert found["digits"]["single"] is True
    vocabulary = {row["language"]: row for row in found["vocabulary"]}
    assert list(vocabulary) == ["en", "fr", "shared", "unused"]
    assert sum(row["num_tokens"] for row in vocabulary.values()) == 32_000 - 3 - 256
    assert "▁pain" in vocabulary["fr"]["examples"]
    assert "▁bread" in vocabulary["en"]["examples"]
    assert vocabulary["unused"]["num_tokens"] > 31_000
    assert vocabulary["fr"]["running_share"]["en"] == 0
    marks = {row["sign"]: row for row in found["typography"]}
    assert marks["\u202f"]["sign_tokens"] == 3
    assert all(row["kept"] for row in marks.values())


def test_loss_is_seen(words: Path, texts: list[tuple[str, Path]]) -> None:
    found = audit(words, texts, compare=())
    french = found["languages"][0]
    assert french["num_failed"] == 3
    assert french["first_failed"] == "Le pain est chaud."
    assert french["num_unknown"] > 5
    assert found["compared_with"] == []
    assert not any(row["kept"] for row in found["typography"])


def test_files_of_other_lengths_are_not_taken_for_parallel(words: Path, texts: list[tuple[str, Path]]) -> None:
    texts[1][1].write_text("One line.\n")
    assert audit(words, texts, compare=())["parity"] is None


def test_the_command_prints_tables(
    mistral: Path, texts: list[tuple[str, Path]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert audit_command(mistral, texts, Context()) == 0
    printed = capsys.readouterr().out
    for words in (
        "32,000 tokens",
        "tokens per word",
        "Parity: fr / en",
        "guillemets",
        "single digits",
        "Whom the vocabulary serves",
        "tekken",
    ):
        assert words in printed


def test_tokens_that_cannot_be_seen_have_signs_and_break_no_line(
    texts: list[tuple[str, Path]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    vocab = {token: number for number, token in enumerate(["[UNK]", "\n", "\r\n", "\t", "Le", "[b]"])}
    Tokenizer(models.WordLevel(vocab, unk_token="[UNK]")).save(str(tmp_path / "tokenizer.json"))
    audit_command(tmp_path, texts[:1], Context())
    printed = capsys.readouterr().out
    assert " ⏎ ␍⏎ ⇥ Le [b]" in printed


def test_the_command_shows_what_does_not_come_back(
    words: Path, texts: list[tuple[str, Path]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert audit_command(words, texts[:1], Context()) == 0
    assert "Le pain est chaud." in capsys.readouterr().out


def test_what_is_missing_is_named(mistral: Path, tmp_path: Path) -> None:
    with pytest.raises(FournilError, match="no text to measure on"):
        audit_command(mistral, [], Context())
    with pytest.raises(FournilError, match="no such text"):
        audit(mistral, [("fr", tmp_path / "absent.txt")])
    (tmp_path / "latin1.txt").write_bytes("été".encode("latin-1"))
    with pytest.raises(FournilError, match="no UTF-8 text"):
        audit(mistral, [("fr", tmp_path / "latin1.txt")])
