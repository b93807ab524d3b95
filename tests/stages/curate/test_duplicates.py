"""Who goes, who stays and what is cut, in whole runs of the stage."""

import dataclasses
import json
import random
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import fournil.stages.curate.together.comparing as comparing
import fournil.stages.curate.together.heldout as heldout
import fournil.stages.curate.together.known as known
from fournil.core.context import Artifact, Context
from fournil.core.document import DOCUMENTS, EDITS, REFUSED_DOCUMENTS, document_row
from fournil.core.errors import FournilError
from fournil.core.files import hash_tree
from fournil.core.shards import ShardWriter, read_all
from fournil.stages.curate import Config, run
from fournil.stages.curate.sections.duplicates import DuplicateSettings, RepeatSettings
from fournil.stages.curate.sections.heldout import HeldoutSettings
from fournil.stages.curate.together.near import Near, find_near

CONTEXT = Context(languages=("fr", "en"), seed=3, threads=1)
NOBODY = HeldoutSettings(share=0.0)
FRENCH = """
le la les un une des du et ou que qui dans pour avec sans sur sous chez vers mais donc elle il nous vous leur sa son
boulanger farine levain fournil pétrit chauffe apporte raconte demande oublie retrouve maison rivière montagne
jardin fenêtre lumière soirée matinée voisine enfant cheval bateau lettre chanson hiver automne printemps été
"""
WORDS = FRENCH.split()


def words_of(seed: object, num: int) -> list[str]:
    return random.Random(f"{seed}").choices(WORDS, k=num)


def text_of(words: list[str]) -> str:
    return "\n".join(" ".join(words[place : place + 12]).capitalize() + "." for place in range(0, len(words), 12))


def edited(words: list[str], num: int, seed: object = 0) -> list[str]:
    """The same words but for some, far from each other."""
    draw = random.Random(f"edit {seed}")
    new = list(words)
    for number in range(num):
        place = (2 * number + 1) * len(words) // (2 * num)
        new[place] = draw.choice([word for word in WORDS if word != words[place]])
    return new


def row(name: str, text: str, *, source: str = "livres", licence: str = "CC0-1.0", **more: str) -> dict[str, Any]:
    return document_row(f"{source}/{name}", text, source=source, licence=licence, language="fr", **more)


@dataclasses.dataclass(frozen=True)
class Curated:
    out: Path
    artifact: Artifact

    def refused(self) -> dict[str, dict[str, Any]]:
        table = read_all(self.out / "refused", REFUSED_DOCUMENTS, prefix="documents")
        return {row["id"]: row for row in table.to_pylist()}

    def kept(self) -> dict[str, str]:
        return {row["id"]: row["text"] for row in read_all(self.out / "documents", DOCUMENTS).to_pylist()}

    def reasons(self) -> dict[str, tuple[str, str]]:
        return {name: (row["rule"], row["kept_id"]) for name, row in self.refused().items()}


def curate(folder: Path, rows: list[dict[str, Any]], heldout: HeldoutSettings = NOBODY, **duplicates: Any) -> Curated:
    with ShardWriter(folder / "in" / "documents", DOCUMENTS) as writer:
        writer.write_rows(rows)
    config = Config(heldout=heldout, duplicates=DuplicateSettings(**duplicates))
    return Curated(folder / "out", run(config, {"sources": folder / "in"}, folder / "out", CONTEXT))


def corpus() -> list[dict[str, Any]]:
    """Families of texts: copies, near ones, chains of near ones."""
    rows: list[dict[str, Any]] = []
    for family in range(12):
        words = words_of(family, 240)
        rows.append(row(f"{family:02}-a", text_of(words), source="web"))
        rows.append(row(f"{family:02}-b", text_of(words), source="livres"))
        for near in range(3):
            words = edited(words, 4, seed=near)
            rows.append(row(f"{family:02}-near-{near}", text_of(words), source="web"))
    return rows


def test_the_order_of_the_input_does_not_matter(tmp_path: Path):
    rows = corpus()
    plain = curate(tmp_path / "plain", rows)
    random.Random(5).shuffle(rows)
    shuffled = curate(tmp_path / "shuffled", rows)
    assert plain.refused() == shuffled.refused()
    assert plain.kept() == shuffled.kept()
    rules = {rule for rule, _ in plain.reasons().values()}
    assert rules == {"exact-duplicate", "near-duplicate"}


def test_the_order_does_not_matter_for_the_split_either(tmp_path: Path):
    rows = [*corpus(), *(row(f"alone-{n}", text_of(words_of(f"alone {n}", 100))) for n in range(40))]
    heldout = HeldoutSettings(share=0.1, min_documents=4)
    plain = curate(tmp_path / "plain", rows, heldout)
    random.Random(6).shuffle(rows)
    shuffled = curate(tmp_path / "shuffled", rows, heldout)
    held = [set(read_all(each.out / "heldout/documents", DOCUMENTS).column("id").to_pylist()) for each in
            (plain, shuffled)]  # fmt: skip
    assert held[0] == held[1] != set()


def test_the_preferred_source_stays(tmp_path: Path):
    text = text_of(words_of("preferred", 200))
    rows = [row("a", text, source="web"), row("b", text, source="livres"), row("c", text, source="archives")]
    plain = curate(tmp_path / "none", rows).reasons()
    assert plain == dict.fromkeys(("livres/b", "web/a"), ("exact-duplicate", "archives/c"))
    preferred = curate(tmp_path / "some", rows, prefer_sources=("livres", "web"))
    assert set(preferred.kept()) == {"livres/b"}
    assert {row["kept_source"] for row in preferred.refused().values()} == {"livres"}


def test_the_better_licence_stays_before_the_longer_text(tmp_path: Path):
    words = words_of("licence", 240)
    rows = [
        row("long", text_of([*words, "maison"]), licence="CC-BY-SA-4.0"),
        row("short", text_of(words), licence="CC0-1.0"),
    ]
    assert set(curate(tmp_path / "length", rows).kept()) == {"livres/long"}
    assert set(curate(tmp_path / "licence", rows, prefer_licences=("CC0-1.0",)).kept()) == {"livres/short"}


def test_chains_go_only_where_they_are_asked_for(tmp_path: Path):
    first = words_of("chain", 300)
    second = [*first[25:], *words_of("more", 25)]
    third = [*second[25:], *words_of("still more", 25)]
    fourth = [*third[25:], *words_of("and more", 25)]
    rows = [row(name, text_of(words)) for name, words in zip("abcd", (first, second, third, fourth), strict=True)]
    direct, chains = curate(tmp_path / "direct", rows), curate(tmp_path / "chains", rows, chains=True)
    assert len(direct.kept()) == 2
    assert all(float(row["value"]) >= 0.8 for row in direct.refused().values())
    assert len(chains.kept()) == 1
    assert min(float(row["value"]) for row in chains.refused().values()) < 0.8


def test_a_page_that_machines_translated_again_and_again_is_one(tmp_path: Path):
    words = words_of("page", 300)
    rows = [
        row(f"fr-{number:02}", text_of(edited(words, 24, seed=number)), extra=json.dumps({"group": "page"}))
        for number in range(30)
    ]
    rows.append(row("another", text_of(words_of("another", 300)), extra=json.dumps({"group": "page"})))
    rows.append(row("nowhere", text_of(edited(words, 24, seed="nowhere"))))
    made = curate(tmp_path / "all", rows)
    assert len(made.kept()) == 3
    assert {"livres/another", "livres/nowhere"} < set(made.kept())
    assert {rule for rule, _ in made.reasons().values()} <= {"same-translation", "near-duplicate"}
    assert len(curate(tmp_path / "none", rows, translation_threshold=0.0).kept()) > 20


def test_translations_of_each_other_both_stay(tmp_path: Path):
    english = (
        "The baker gets up before the sun and heats his oven, for people want fresh bread in the morning. "
        "Nobody in the village remembers who taught him how to do it, and he never talks about that himself."
    )
    extra = json.dumps({"group": "page"})
    rows = [
        row("fr", text_of(words_of("page", 100)), extra=extra),
        {**row("en", english, extra=extra), "language": "en"},
    ]
    assert set(curate(tmp_path, rows).kept()) == {"livres/fr", "livres/en"}


def test_documents_of_an_earlier_run_are_named(tmp_path: Path):
    earlier = curate(tmp_path / "earlier", corpus())
    words = words_of(3, 240)
    rows = [
        row("copy", text_of(words), source="neuf"),
        row("near", text_of(edited(words, 3)), source="neuf"),
        row("new", text_of(words_of("new", 200)), source="neuf"),
    ]
    made = curate(tmp_path / "later", rows, against=(str(earlier.out),))
    assert set(made.kept()) == {"neuf/new"}
    refused = made.refused()
    assert refused["neuf/near"]["rule"] == "known-near-duplicate"
    assert 0.8 <= float(refused["neuf/near"]["value"]) < 1
    assert refused["neuf/copy"]["rule"] == "known-exact-duplicate"
    for each in refused.values():
        assert each["kept_id"] in earlier.kept()
        assert each["kept_id"].startswith(each["kept_source"])
        assert each["bound"].endswith(str(earlier.out))


def test_an_earlier_run_without_signatures_is_an_error(tmp_path: Path):
    with pytest.raises(FournilError, match="no signatures of an earlier run"):
        curate(tmp_path / "one", corpus()[:3], against=(str(tmp_path / "nowhere"),))
    earlier = curate(tmp_path / "earlier", corpus()[:3])
    with pytest.raises(FournilError, match="signatures of another kind"):
        curate(tmp_path / "other", corpus()[:3], num_bands=9, against=(str(earlier.out),))


def test_an_earlier_run_that_kept_nothing_refuses_nothing(tmp_path: Path):
    earlier = curate(tmp_path / "earlier", [row("short", "Trop court.")])
    rows = [row(f"{number}", text_of(words_of(number, 100))) for number in range(3)]
    assert len(curate(tmp_path / "later", rows, against=(str(earlier.out),)).kept()) == 3


def test_an_earlier_run_that_was_changed_is_an_error(tmp_path: Path):
    earlier = curate(tmp_path / "earlier", corpus())
    rows = [row("near", text_of(edited(words_of(3, 240), 3)), source="neuf")]
    (earlier.out / "documents").rename(earlier.out / "moved")
    with pytest.raises(FournilError, match="of an earlier run .* in its signatures and not in its shards"):
        curate(tmp_path / "gone", rows, against=(str(earlier.out),))
    shard = next((earlier.out / "signatures").glob("*.parquet"))
    shard.write_bytes(shard.read_bytes()[:300])
    with pytest.raises(FournilError, match="this Parquet file cannot be read"):
        curate(tmp_path / "cut", rows, against=(str(earlier.out),))
    assert not (tmp_path / "cut" / "out").exists(), "it is said before any work is done"


def test_a_much_larger_earlier_run_is_met_in_as_many_parts_as_it_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    earlier = curate(tmp_path / "earlier", corpus())
    rows = [row(f"near-{n}", text_of(edited(words_of(n, 240), 3)), source="neuf") for n in range(5)]
    plain = curate(tmp_path / "plain", rows, against=(str(earlier.out),))
    monkeypatch.setattr("fournil.stages.curate.together.near._PARTITION_ENTRIES", 100)
    parts: list[int] = []
    read = known.read_partition

    def counted(folder: Path, num_spills: int, partition: int) -> Any:
        parts.append(partition)
        return read(folder, num_spills, partition)

    monkeypatch.setattr(known, "read_partition", counted)
    small = curate(tmp_path / "small", rows, against=(str(earlier.out),))
    assert small.reasons() == plain.reasons() != {}
    assert len(set(parts)) > 1


COOKIES = "Nous utilisons des cookies pour mesurer la fréquentation de ce site, et vous pouvez les refuser."
NOTICE = " ".join(words_of("a licence that everybody quotes", 70))


def pages(num: int = 14) -> list[dict[str, Any]]:
    rows = []
    for number in range(num):
        own = text_of(words_of(f"page {number}", 200))
        text = f"{own}\n{COOKIES}\nVoir aussi la page {number} {NOTICE} et la page {number + 1}.\n{own[::-1]}"
        rows.append(row(f"page-{number:02}", text, source="web", category="forum"))
    rows.append(row("frame", f"{COOKIES}\n{NOTICE.capitalize()} et voilà.\n{COOKIES}\nBonjour.", category="forum"))
    return rows


def repeated(**more: Any) -> dict[str, Any]:
    return {"repeats": RepeatSettings(categories=("forum",), **more)}


def test_what_many_pages_have_is_cut_from_all_but_one(tmp_path: Path):
    made = curate(tmp_path, pages(), **repeated(paragraph_characters=0))
    kept = made.kept()
    assert sum(COOKIES in text for text in kept.values()) == 1
    assert sum(NOTICE in text for text in kept.values()) == 1
    edits = read_all(made.out / "edits", EDITS, prefix="documents").to_pylist()
    cut = [edit for edit in edits if edit["step"] == "duplicates"]
    assert {edit["rule"] for edit in cut} == {"duplicate-line", "duplicate-passage"}
    passages = [edit for edit in cut if edit["rule"] == "duplicate-passage"]
    assert all(edit["was"].strip() in NOTICE for edit in passages)
    # Up to ten words may stay at either end.
    assert all(len(edit["was"].split()) >= 70 - 2 * 10 for edit in passages)
    whole = {row["id"]: row["text"] for row in pages()}
    for edit in cut:
        assert whole[edit["id"]][edit["start"] : edit["end"]] == edit["was"]
    counts = [count for count in made.artifact.counts if count.step == "duplicates"]
    assert counts[0].bytes_out == sum(len(text.encode()) for text in kept.values())


def test_a_page_of_which_little_is_left_is_refused_whole(tmp_path: Path):
    made = curate(tmp_path, pages(), **repeated())
    frame = made.refused()["livres/frame"]
    assert (frame["rule"], frame["kept_id"]) == ("little-left", None)
    assert float(frame["value"]) < 0.2
    assert COOKIES in frame["text"]


def test_other_categories_and_rarer_lines_are_left_alone(tmp_path: Path):
    rows = pages()
    made = curate(tmp_path / "rare", rows, **repeated(min_documents=20))
    assert sum(COOKIES in text for text in made.kept().values()) >= 14
    made = curate(tmp_path / "other", rows, repeats=RepeatSettings(categories=("web",), min_documents=3))
    assert sum(COOKIES in text for text in made.kept().values()) >= 14


def test_cuts_do_not_depend_on_the_order(tmp_path: Path):
    rows = pages()
    plain = curate(tmp_path / "plain", rows, **repeated())
    random.Random(1).shuffle(rows)
    assert curate(tmp_path / "shuffled", rows, **repeated()).kept() == plain.kept()


def near_nothing(*arguments: Any, **keywords: Any) -> Near:
    """A join that finds nothing, as the keys of some pairs do not meet."""
    found = find_near(*arguments, **keywords)
    return dataclasses.replace(found, labels_T=np.arange(len(found.labels_T), dtype=np.uint32))


def families() -> list[dict[str, Any]]:
    rows = []
    for number in range(30):
        words = words_of(f"family {number}", 200)
        rows += [row(f"{number}-a", text_of(words)), row(f"{number}-b", text_of(edited(words, 3)))]
    return rows


def test_what_the_join_misses_does_not_leak(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(comparing, "find_near", near_nothing)
    made = curate(tmp_path, families(), HeldoutSettings(share=0.2))
    held = set(read_all(made.out / "heldout/documents", DOCUMENTS).column("id").to_pylist())
    reasons = made.reasons()
    assert set(made.reasons()) == {name[:-1] + ("b" if name[-1] == "a" else "a") for name in held} - held
    for rule, kept in reasons.values():
        assert rule == "near-held-out"
        assert kept in held
    assert made.artifact.facts["leak_check"]["violations"]["near_duplicate"] == 0


def test_the_proof_finds_what_the_index_would_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(comparing, "find_near", near_nothing)
    monkeypatch.setattr(comparing, "near_held_out", lambda *_, **__: {})
    with pytest.raises(FournilError, match=r"near_duplicate"):
        curate(tmp_path, families(), HeldoutSettings(share=0.2))


def test_cutting_does_not_make_a_leak(tmp_path: Path):
    rows = []
    for number in range(40):
        words, frame = words_of(f"leaky {number}", 60), words_of("frame", 400)
        own = text_of(words)
        rows.append(row(f"{number}-a", own, category="forum"))
        rows.append(row(f"{number}-b", own + "\n\n" + text_of(frame), category="forum"))
    made = curate(tmp_path, rows, HeldoutSettings(share=0.2), **repeated(min_left=0.0))
    assert "near-held-out" in {rule for rule, _ in made.reasons().values()}


def test_cutting_does_not_make_a_leak_of_letters_either(tmp_path: Path):
    """The same words and other numbers: no near duplicates, and the split takes them for one text."""

    def numbered(words: list[str], seed: str) -> str:
        draw = random.Random(seed)
        return " ".join(str(draw.randint(100, 999)) if n % 6 == 3 else word for n, word in enumerate(words))

    rows = []
    for number in range(40):
        words, frame = words_of(f"numbered {number}", 60), words_of("frame", 120)
        rows.append(row(f"{number}-a", numbered(words, f"a {number}"), category="forum"))
        framed = numbered(words, f"b {number}") + "\n\n" + text_of(frame)
        rows.append(row(f"{number}-b", framed, category="forum"))
    made = curate(tmp_path, rows, HeldoutSettings(share=0.2), **repeated(min_left=0.0))
    leaked = {name: each for name, each in made.refused().items() if each["rule"] == "near-held-out"}
    assert leaked
    for name, each in leaked.items():
        assert each["kept_id"] == name.replace("-b", "-a")
        assert each["value"] == "1"


def test_keys_of_letters_are_whole_where_there_are_no_pairs():
    documents = SimpleNamespace(arrays={"letters": np.array([2**63 + 1, 2**63 + 2], np.uint64)})
    pairs = SimpleNamespace(arrays={"side_letters": np.zeros(0, np.int64)})
    assert heldout.letters(documents, pairs).tolist() == [2**63 + 1, 2**63 + 2]


def test_a_page_of_which_only_blanks_are_left_is_refused(tmp_path: Path):
    lines = [" ".join(words_of(f"line {number}", 15)) + "." for number in range(5)]
    own = [row(f"{n}", "\n".join([text_of(words_of(f"own {n}", 150)), *lines]), category="forum") for n in range(12)]
    frame = row("frame", "\n\n\n".join(lines), category="forum")
    made = curate(tmp_path, [*own, frame], **repeated(min_left=0.0, paragraph_characters=0, passage_words=0))
    assert made.reasons()["livres/frame"] == ("little-left", None)
    assert made.refused()["livres/frame"]["value"] == "0"


def test_the_result_is_the_same_in_small_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    plain = curate(tmp_path / "plain", [*corpus(), *pages()], HeldoutSettings(share=0.1), **repeated())
    for place, name, value in (
        ("near", "_PARTITION_ENTRIES", 64),
        ("near", "_SPILL_ENTRIES", 100),
        ("near", "_CALL_PAIRS", 3),
        ("sets", "BLOCK_SHINGLES", 300),
        ("settling", "BLOCK_SHINGLES", 300),
        ("holding", "_INDEX_SHINGLES", 300),
        ("holding", "_CALL_SHINGLES", 900),
        ("repeats", "_SLICE_BYTES", 2000),
        ("repeats", "_CALL_CHUNKS", 1),
    ):
        monkeypatch.setattr(f"fournil.stages.curate.together.{place}.{name}", value)
    monkeypatch.setattr("fournil.stages.curate.ranges.MAX_CHUNK_ROWS", 5)
    small = curate(tmp_path / "small", [*corpus(), *pages()], HeldoutSettings(share=0.1), **repeated())
    assert small.refused() == plain.refused()
    assert small.kept() == plain.kept()
    trees = [hash_tree(each.out / "heldout", trust_times=False)["files"] for each in (plain, small)]
    assert trees[0] == trees[1]
