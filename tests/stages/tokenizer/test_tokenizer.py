from importlib import resources
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
from fournil.stages.tokenizer.fertility import Batch, count_words, fertility
from fournil.stages.tokenizer.rows import read_rows
from fournil.stages.tokenizer.sample import draw, shares_of


def mistral() -> Path:
    return Path(str(resources.files("mistral_common") / "data" / "tokenizer.model.v1"))


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
        assert row["tekken_tokens_per_word"] > 1
    assert [(row["key"], row["vocab_size"]) for row in facts["compared_with"]] == [
        ("mistral", 32_000),
        ("tekken", 131_072),
    ]
    assert facts["round_trip"] == {**facts["round_trip"], "num_failed": 0, "num_unknown": 0}
    assert facts["parity"]["languages"] == ["fr", "en"]
    assert 0.8 < facts["parity"]["tokens"] < facts["parity"]["mistral_tokens"]
    vocabulary = {row["language"]: row for row in facts["vocabulary"]}
    assert sum(row["num_tokens"] for row in vocabulary.values()) == 1024 - 264
    assert "▁the" in vocabulary["en"]["examples"]
    assert "▁de" in vocabulary["fr"]["examples"]
    for language in ("fr", "en", "code"):
        assert sum(row["running_share"][language] for row in facts["vocabulary"]) == pytest.approx(1, abs=0.1)
    assert vocabulary["unused"]["running_share"] == dict.fromkeys(("code", "en", "fr"), 0)


def test_every_token_is_listed_with_whom_it_serves(made: tuple[Path, Artifact]) -> None:
    out, artifact = made
    lines = (out / "vocabulary.tsv").read_text(encoding="utf-8").splitlines()
    rows = [dict(zip(lines[0].split("\t"), line.split("\t"), strict=True)) for line in lines[1:]]
    assert [row["id"] for row in rows] == [str(number) for number in range(1024)]
    (the,) = [row for row in rows if row["token"] == '"▁the"']
    assert the["serves"] == "en"
    assert int(the["en"]) > 100 * int(the["fr"])
    learned = [row["serves"] for row in rows[264:]]
    assert {row["language"]: row["num_tokens"] for row in artifact.facts["vocabulary"]} == {
        name: learned.count(name) for name in ("code", "en", "fr", "shared", "unused")
    }
    shards = [artifact.facts["shards"][f"train-{kind}"]["by_language"] for kind in ("documents", "pairs")]
    num_french = sum(split["fr"]["num_tokens"] for split in shards)
    assert sum(int(row["fr"]) for row in rows) == num_french


def test_kinds_of_text_have_sums_of_their_own() -> None:
    tokenizer = load(mistral())
    batches = [
        Batch("fr", "law", "code-civil", ["La loi dispose.", "Nul n’est censé l’ignorer."]),
        Batch("fr", "law", "jorf", ["Arrêté du 3 mai."]),
        Batch("fr", "", "letters", ["Cher ami,"]),
    ]
    rows, trip = fertility(tokenizer, [], batches)
    assert [(row["kind"], row["source"], row["num_texts"]) for row in rows] == [
        (None, None, 4),
        (None, "letters", 1),
        ("law", None, 3),
        ("law", "code-civil", 2),
        ("law", "jorf", 1),
    ]
    assert "mistral_tokens" not in rows[0]
    assert trip.num_texts == 4


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


def test_a_preset_fills_in_what_is_left_out_and_no_more() -> None:
    assert Config().vocabulary == ("fournil", 8192, 400)
    assert Config(preset="croissant").vocabulary == ("croissant", 32_000, 1000)
    assert Config(preset="lucie", vocab_size=2048).vocabulary == ("lucie", 2048, 1000)
    assert Config(preset="fournil", scheme="lucie").vocabulary == ("lucie", 32_000, 400)


@pytest.mark.parametrize(
    ("preset", "languages", "expected"),
    [
        (None, ("fr", "en"), {"code": 0.1, "fr": 0.45, "en": 0.45}),
        ("fournil-equal", ("fr", "en"), {"code": 0.1, "fr": 0.45, "en": 0.45}),
        ("fournil-equal", ("fr", "en", "de"), {"code": 0.1, "fr": 0.3, "en": 0.3, "de": 0.3}),
        ("croissant", ("en", "fr"), {"code": 0.25, "fr": 0.5, "en": 0.25}),
        ("lucie", ("fr",), {"code": 0.20 / 1.33, "fr": 1.13 / 1.33}),
    ],
)
def test_a_preset_says_the_mix_of_the_languages_of_the_run(
    preset: str | None, languages: tuple[str, ...], expected: dict[str, float]
) -> None:
    assert shares_of(Config(preset=preset), languages) == pytest.approx(expected)


def test_shares_of_a_recipe_win_over_those_of_its_preset() -> None:
    config = Config(preset="croissant", share=(Share("fr", 0.9), Share("en", 0.1)))
    assert shares_of(config, ("fr", "en")) == {"fr": 0.9, "en": 0.1}


def test_a_language_that_a_preset_does_not_know_is_an_error() -> None:
    with pytest.raises(FournilError, match="the preset croissant says nothing of 'de'"):
        shares_of(Config(preset="croissant"), ("fr", "de"))


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"preset": "baguette"}, "no preset 'baguette'; there is fournil, "),
        ({"scheme": "bytes"}, "no scheme 'bytes'; there is fournil, croissant, lucie"),
        ({"compare": ("gpt",)}, "nothing is compared with 'gpt'; there is mistral, tekken"),
    ],
)
def test_names_that_mean_nothing_are_refused(settings: dict[str, Any], match: str) -> None:
    with pytest.raises(ValueError, match=match):
        Config(**settings)


def test_a_bake_can_cut_text_as_croissant_does(curated: Path, tmp_path: Path) -> None:
    config = Config(preset="croissant", vocab_size=1024, compare=())
    facts = run(config, {"curate": curated}, tmp_path, Context()).facts
    assert (facts["preset"], facts["scheme"], facts["compared_with"]) == ("croissant", "croissant", [])
    shares = {row["language"]: 0.0 for row in facts["training"]}
    for row in facts["training"]:
        shares[row["language"]] += row["share"]
    assert shares["fr"] > shares["en"]
    assert not any(key.startswith("mistral") for row in facts["fertility"] for key in row)
