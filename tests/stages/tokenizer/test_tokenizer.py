from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fournil.core.context import Artifact, Context
from fournil.core.document import DOCUMENTS, document_row
from fournil.core.errors import FournilError
from fournil.core.files import hash_tree, sha256_file
from fournil.core.shards import ShardWriter
from fournil.parts.tokenize import TokenShards, TokenShardWriter, load
from fournil.stages.tokenizer import Config, Share, run
from fournil.stages.tokenizer.fertility import count_words
from fournil.stages.tokenizer.rows import read_rows
from fournil.stages.tokenizer.sample import draw

CONFIG = Config(vocab_size=1024, shard_tokens=4000)


@pytest.fixture(scope="module")
def made(curated: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Artifact]:
    out = tmp_path_factory.mktemp("tokenizer")
    return out, run(CONFIG, {"curate": curated}, out, Context())


def test_every_document_is_in_the_shards_with_its_end(made: tuple[Path, Artifact], curated: Path) -> None:
    out, artifact = made
    tokenizer = load(out / "tokenizer")
    for split, place in (("train", curated), ("heldout", curated / "heldout")):
        for kind in ("documents", "pairs"):
            shards = TokenShards(out / "shards" / f"{split}-{kind}")
            assert shards.tokenizer_sha256 == sha256_file(out / "tokenizer" / "tokenizer.json")
            index, names = shards.index, shards.document_ids()
            texts = [row for rows in read_rows(place, kind) for row in zip(rows.ids, rows.texts, strict=True)]
            assert names == [name for name, _ in texts]
            for number, (_, text) in enumerate(texts):
                ids = shards.ids(int(index.offset[number]), int(index.num_tokens[number])).tolist()
                assert ids[-1] == 2
                assert ids[0] != 1
                assert tokenizer.decode(ids[:-1]) == text
                assert index.num_bytes[number] == len(text.encode())
            assert artifact.facts["shards"][f"{split}-{kind}"]["num_tokens"] == shards.num_tokens


def test_a_pair_is_one_row_per_language(made: tuple[Path, Artifact]) -> None:
    shards = TokenShards(made[0] / "shards" / "train-pairs")
    names = shards.document_ids()
    assert names[0::2] == names[1::2]
    assert len(set(names)) == len(names) // 2
    languages = np.array(shards.index.languages)[shards.index.language]
    assert set(zip(languages[0::2], languages[1::2], strict=True)) == {("en", "fr")}


def test_the_words_of_the_chat_template_are_one_token_each(made: tuple[Path, Artifact]) -> None:
    tokenizer = load(made[0] / "tokenizer")
    for role in ("user", "assistant"):
        assert len(tokenizer.encode(role, add_special_tokens=False).ids) == 1


def test_the_facts_have_what_the_page_shows(made: tuple[Path, Artifact]) -> None:
    facts = made[1].facts
    assert facts["vocab_size"] == 1024
    assert facts["specials"][6:] == ["<|fr|>", "<|en|>"]
    shares = dict.fromkeys(("fr", "en", "code"), 0.0)
    for row in facts["training"]:
        shares[row["language"]] += row["share"]
    assert shares["fr"] == pytest.approx(shares["en"], abs=0.02)
    keys = [(row["language"], row["source"]) for row in facts["fertility"]]
    assert keys == [("code", None), ("code", "mie")] + [
        (tag, key) for tag in ("en", "fr") for key in (None, "lines", "mie")
    ]
    for row in facts["fertility"]:
        assert row["num_bytes"] / row["num_tokens"] == pytest.approx(row["bytes_per_token"], abs=1e-3)
        assert row["mistral_tokens_per_word"] > 1
    assert facts["compared_with"]["vocab_size"] == 32000
    assert facts["round_trip"] == {**facts["round_trip"], "num_failed": 0, "num_unknown": 0}
    assert facts["parity"]["languages"] == ["fr", "en"]
    assert 0.8 < facts["parity"]["tokens"] < facts["parity"]["mistral_tokens"]
    vocabulary = {row["language"]: row for row in facts["vocabulary"]}
    assert sum(row["num_tokens"] for row in vocabulary.values()) == 1024 - 264
    assert "▁the" in vocabulary["en"]["examples"]
    assert "▁de" in vocabulary["fr"]["examples"]


def test_killed_anywhere_it_gives_the_same_bytes(
    made: tuple[Path, Artifact], curated: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, artifact = made
    flush = TokenShardWriter._flush
    tries = 0
    while True:
        tries += 1
        left = 5  # each try writes five shards and dies

        def dying(self: TokenShardWriter) -> None:
            nonlocal left
            if left == 0:
                raise KeyboardInterrupt
            left -= 1
            flush(self)

        monkeypatch.setattr(TokenShardWriter, "_flush", dying)
        try:
            again = run(CONFIG, {"curate": curated}, tmp_path, Context())
            break
        except KeyboardInterrupt:
            assert tries < 100
    assert tries > 3
    assert hash_tree(tmp_path)["sha256"] == hash_tree(out)["sha256"]
    assert (again.facts, again.counts) == (artifact.facts, artifact.counts)


def curate(folder: Path, rows: list[dict[str, Any]]) -> Path:
    with ShardWriter(folder / "documents", DOCUMENTS) as writer:
        writer.write_rows(rows)
    return folder


def document(name: str, text: str, language: str | None) -> dict[str, Any]:
    return document_row(name, text, source="s", licence="CC0-1.0", language=language)


def test_a_language_with_little_text_is_repeated_up_to_its_bound(tmp_path: Path) -> None:
    rows = [document(f"en/{n}", "x" * 1000, "en") for n in range(100)] + [document("fr/0", "é" * 500, "fr")]
    sample = draw(Config(max_repeats=3.0), curate(tmp_path, rows), ("fr", "en"), 0)
    taken = {row["language"]: row["taken_bytes"] for row in sample.table}
    assert taken == {"fr": 3000, "en": pytest.approx(0.45 * 101_000, abs=1)}
    assert sum(text.startswith("é") for batch in sample.batches() for text in batch) == 3


def test_what_is_drawn_depends_on_ids_and_seed_alone(tmp_path: Path) -> None:
    rows = [document(f"fr/{n}", f"texte {n} " * 50, "fr") for n in range(50)]
    config = Config(max_train_mb=0.005)
    first = draw(config, curate(tmp_path / "a", rows), ("fr",), 1)
    second = draw(config, curate(tmp_path / "b", rows[::-1]), ("fr",), 1)
    assert sorted(first.texts) == sorted(second.texts)
    assert sorted(first.texts) != sorted(draw(config, tmp_path / "a", ("fr",), 2).texts)
    assert sum(len(text.encode()) for text in first.texts) == pytest.approx(4500, abs=4)


@pytest.mark.parametrize(
    ("config", "match"),
    [
        (Config(share=(Share("fr", 0.5), Share("en", 0.4))), "make 0.9"),
        (Config(share=(Share("fr", 0.5), Share("fr", 0.5))), "two shares"),
        (Config(share=(Share("de", 1.0),)), "'de' is no language"),
        (Config(vocab_size=300), "too small"),
    ],
)
def test_wrong_settings_are_named(curated: Path, tmp_path: Path, config: Config, match: str) -> None:
    with pytest.raises(FournilError, match=match):
        run(config, {"curate": curated}, tmp_path, Context())


def test_no_text_in_the_languages_of_the_run_is_an_error(tmp_path: Path) -> None:
    place = curate(tmp_path / "in", [document("de/0", "Brot", "de")])
    with pytest.raises(FournilError, match="no text in any of code, fr"):
        run(CONFIG, {"curate": place}, tmp_path / "out", Context(languages=("fr",)))


def test_a_document_without_language_is_an_error(tmp_path: Path) -> None:
    place = curate(tmp_path / "in", [document("x/0", "pain", None)])
    with pytest.raises(FournilError, match="x/0 has no language"):
        run(CONFIG, {"curate": place}, tmp_path / "out", Context())


def test_little_text_gives_a_smaller_vocabulary_and_says_so(tmp_path: Path) -> None:
    text = "le pain et le four, le four et le pain\n" * 3
    place = curate(tmp_path / "in", [document("fr/0", text, "fr")])
    artifact = run(CONFIG, {"curate": place}, tmp_path / "out", Context(languages=("fr",)))
    assert artifact.facts["vocab_size"] < artifact.facts["vocab_size_asked"] == 1024
    assert artifact.facts["fertility"] == []


def test_words_are_counted_between_spaces_and_signs_alone_are_none() -> None:
    assert count_words("Aujourd’hui :\u00a0« l’été »\u202f! 12 — ok.") == 4
