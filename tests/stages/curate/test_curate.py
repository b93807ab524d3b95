import dataclasses
import itertools
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

import fournil.stages.curate.alone.documents as documents_module
import fournil.stages.curate.chunks as chunks_module
import fournil.stages.curate.ranges as ranges
import fournil.stages.curate.steps as steps
import fournil.stages.curate.write as write_module
from fournil.core.context import Artifact, Context
from fournil.core.document import DOCUMENTS, EDITS, PAIRS, REFUSED_DOCUMENTS, REFUSED_PAIRS
from fournil.core.errors import FournilError
from fournil.core.files import hash_tree
from fournil.core.shards import read_all, shard_paths
from fournil.core.speech import retell
from fournil.parts.text.codepoints import decode
from fournil.stages.curate import Config, run
from fournil.stages.curate.sections.heldout import HeldoutSettings

CONTEXT = Context(languages=("fr", "en"), seed=7, threads=2)


@dataclasses.dataclass(frozen=True)
class Curated:
    out: Path
    artifact: Artifact

    def rows(self, folder: str, schema: Any, prefix: str | None = None) -> dict[str, dict[str, Any]]:
        return {row["id"]: row for row in read_all(self.out / folder, schema, prefix=prefix).to_pylist()}

    def edits(self, kind: str) -> list[dict[str, Any]]:
        return read_all(self.out / "edits", EDITS, prefix=kind).to_pylist()


@pytest.fixture(scope="session")
def curated(sources: Path, tmp_path_factory: pytest.TempPathFactory) -> Curated:
    out = tmp_path_factory.mktemp("curated")
    return Curated(out, run(Config(), {"sources": sources}, out, CONTEXT))


def tree(out: Path) -> dict[str, Any]:
    return hash_tree(out, trust_times=False)["files"]


def test_every_row_is_somewhere_once(curated: Curated, sources: Path):
    for kind, schema, refused in (("documents", DOCUMENTS, REFUSED_DOCUMENTS), ("pairs", PAIRS, REFUSED_PAIRS)):
        asked = read_all(sources / kind, schema).column("id").to_pylist()
        found = [
            *curated.rows(kind, schema),
            *curated.rows(f"heldout/{kind}", schema),
            *curated.rows("refused", refused, kind),
        ]
        assert sorted(found) == sorted(asked)


def test_counts_lead_from_one_step_to_the_next(curated: Curated):
    for kind in ("documents", "pairs"):
        counts = [count for count in curated.artifact.counts if count.unit == kind]
        for before, after in itertools.pairwise(counts):
            assert (before.num_out, before.bytes_out) == (after.num_in, after.bytes_in)
        table = curated.artifact.facts[kind]["by_source"]
        assert sum(row["num_train"] + row["num_heldout"] for row in table) == counts[-1].num_out
        assert sum(row["bytes_train"] + row["bytes_heldout"] for row in table) == counts[-1].bytes_out
        rules = {f"{rule['step']}/{rule['rule']}": rule["num"] for rule in curated.artifact.facts[kind]["by_rule"]}
        assert rules == {f"{c.step}/{rule}": num for c in counts for rule, num in c.refused.items()}


def test_reasons_of_refused_documents(curated: Curated):
    refused = curated.rows("refused", REFUSED_DOCUMENTS, "documents")
    reasons = {name.split("/")[1]: (row["step"], row["rule"]) for name, row in refused.items()}
    assert reasons["blank"] == ("normalise", "empty")
    assert reasons["wrong"] == ("language", "language-mismatch")
    assert reasons["german"] == ("language", "language-outside")
    assert reasons["short"] == ("quality", "gopher-few-words")
    assert reasons["copy-b"] == ("duplicates", "exact-duplicate")
    assert refused["livres-fr/copy-b"]["kept_id"] == "livres-fr/copy-a"
    assert refused["livres-fr/wrong"]["value"].startswith("en ")
    for number in range(10):
        row = refused[f"livres-fr/near-{number}-short"]
        assert (row["rule"], row["kept_id"]) == ("near-duplicate", f"livres-fr/near-{number}-long")
        assert 0.8 <= float(row["value"]) < 1


def test_reasons_of_refused_pairs(curated: Curated):
    refused = curated.rows("refused", REFUSED_PAIRS, "pairs")
    reasons = {name.split("/")[1]: row["rule"] for name, row in refused.items()}
    expected = {
        "equal": "equal-sides",
        "empty": "empty",
        "digits": "markup-only",
        "markup": "markup-only",
        "long": "over-long",
        "ratio": "length-ratio",
        "wrong": "language-mismatch",
    }
    assert {name: reasons[name] for name in expected} == expected
    assert sum(rule == "exact-duplicate" for rule in reasons.values()) == 20
    assert len(reasons) == len(expected) + 20


def test_texts_that_are_kept(curated: Curated):
    kept = curated.rows("documents", DOCUMENTS) | curated.rows("heldout/documents", DOCUMENTS)
    assert kept["livres-x/unknown"]["language"] == "fr"
    assert kept["livres-fr/mail"]["text"].endswith("Écrire à [E-MAIL]\u00a0; merci.")
    assert "cookies" not in kept["livres-fr/web"]["text"]
    assert "\n\n\n\n\n" in kept["livres-code/oven.py"]["text"]
    assert any("\u00a0!" in row["text"] for row in kept.values())


def test_edits_say_what_changed_and_never_whom(curated: Curated):
    edits = {(row["id"], row["rule"]): row for row in curated.edits("documents")}
    mail = edits["livres-fr/mail", "e-mail"]
    assert (mail["was"], mail["now"]) == (None, "[E-MAIL]")
    policy = edits["livres-fr/web", "policy-line"]
    assert policy["was"].startswith("Nous utilisons des cookies")
    assert "jo.lin" not in json.dumps([*curated.edits("documents"), *curated.edits("pairs")])
    assert curated.artifact.facts["edits"]["documents"]["personal-data/e-mail"] == 1


def test_enough_is_held_out_and_never_more_than_half(curated: Curated):
    heldout = curated.artifact.facts["heldout"]
    assert heldout["num_short_pairs_kept"] >= 600
    for kind in ("documents", "pairs"):
        for row in curated.artifact.facts[kind]["by_source"]:
            assert row["num_heldout"] <= max(row["num_train"], 0) + 1
    books = {row["source"]: row["num_heldout"] for row in curated.artifact.facts["documents"]["by_source"]}
    assert books["livres-fr"] >= 4
    assert books["livres-en"] >= 4


def test_whole_clusters_are_on_one_side(curated: Curated, sources: Path):
    held = {name.split("/")[1] for name in curated.rows("heldout/documents", DOCUMENTS)}
    trained = {name.split("/")[1] for name in curated.rows("documents", DOCUMENTS)}
    assert any(name.isdigit() for name in held)
    assert not held & trained  # both translations of a tale have the same number
    pairs_held = curated.rows("heldout/pairs", PAIRS)
    sides = {text.lower().rstrip("…") for row in pairs_held.values() for _, text in row["texts"]}
    for row in curated.rows("pairs", PAIRS).values():
        assert not sides & {text.lower().rstrip("…") for _, text in row["texts"]}


def test_the_check_says_what_it_compared(curated: Curated):
    check = curated.artifact.facts["leak_check"]
    assert check["violations"] == {"same_letters": 0, "near_duplicate": 0, "translation_group": 0}
    num = len(curated.rows("heldout/documents", DOCUMENTS)) + 2 * len(curated.rows("heldout/pairs", PAIRS))
    assert check["num_heldout_texts"] == num
    assert check["num_comparisons"] == num * check["num_training_texts"] > 0


def test_threads_and_batches_change_nothing(
    curated: Curated, sources: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(ranges, "MAX_CHUNK_ROWS", 7)
    monkeypatch.setattr(documents_module, "_SLICE_BYTES", 3000)
    artifact = run(Config(), {"sources": sources}, tmp_path, dataclasses.replace(CONTEXT, threads=1))
    assert tree(tmp_path) == tree(curated.out)
    assert artifact.facts == curated.artifact.facts
    assert artifact.counts == curated.artifact.counts


def test_another_seed_holds_out_others(curated: Curated, sources: Path, tmp_path: Path):
    run(Config(), {"sources": sources}, tmp_path, dataclasses.replace(CONTEXT, seed=8))
    other = Curated(tmp_path, curated.artifact)
    assert set(other.rows("heldout/pairs", PAIRS)) != set(curated.rows("heldout/pairs", PAIRS))


def _kill_after(function: Callable[..., Any], calls: int) -> Callable[..., Any]:
    left = [calls]

    def killed(*arguments: Any, **keywords: Any) -> Any:
        if left[0] == 0:
            raise KeyboardInterrupt
        left[0] -= 1
        return function(*arguments, **keywords)

    return killed


@pytest.mark.parametrize(
    ("place", "name", "calls"),
    [
        (documents_module, "letter_keys", 3),
        (chunks_module.pq, "write_table", 5),
        (steps, "compare", 0),
        (steps, "write_kind", 1),
        (write_module, "write_block", 1),
        (write_module, "join_pieces", 2),
        (steps, "check_leaks", 0),
    ],
)
def test_a_killed_stage_goes_on_to_the_same_bytes(
    curated: Curated, sources: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: Any, name: str, calls: int
):
    with monkeypatch.context() as patch:
        patch.setattr(ranges, "MAX_CHUNK_ROWS", 40)
        patch.setattr(place, name, _kill_after(getattr(place, name), calls))
        with pytest.raises(KeyboardInterrupt):
            run(Config(), {"sources": sources}, tmp_path, CONTEXT)
    monkeypatch.setattr(ranges, "MAX_CHUNK_ROWS", 40)
    done = {path: path.stat().st_mtime_ns for path in (tmp_path / ".work").rglob("rows.parquet")}
    run(Config(), {"sources": sources}, tmp_path, CONTEXT)
    assert all(path.stat().st_mtime_ns == time for path, time in done.items() if ".tmp-" not in str(path))
    assert tree(tmp_path) == tree(curated.out)


def test_nothing_is_held_out_when_the_share_is_zero(sources: Path, tmp_path: Path):
    artifact = run(Config(heldout=HeldoutSettings(share=0.0)), {"sources": sources}, tmp_path, CONTEXT)
    assert not shard_paths(tmp_path / "heldout" / "documents")
    assert artifact.facts["leak_check"]["num_heldout_texts"] == 0


def test_the_headline_leaves_out_what_there_is_none_of(sources: Path, curated: Curated, tmp_path: Path):
    def told(kind: str) -> str:
        place = tmp_path / kind
        place.mkdir()
        shutil.copytree(sources / kind, place / kind)
        unheld = Config(heldout=HeldoutSettings(share=0.0, min_documents=0, min_pairs=0))
        return retell(run(unheld, {"sources": place}, tmp_path / f"{kind}-out", CONTEXT).facts["headline"])

    assert re.fullmatch(r"[\d,]+ of [\d,]+ documents kept", told("documents"))
    assert re.fullmatch(r"[\d,]+ of [\d,]+ pairs kept", told("pairs"))
    both = retell(curated.artifact.facts["headline"])
    assert re.fullmatch(r"[\d,]+ of [\d,]+ documents and [\d,]+ of [\d,]+ pairs kept; [\d,]+ of them held out", both)


def test_an_id_given_twice_is_an_error(sources: Path, tmp_path: Path):
    twice = tmp_path / "sources"
    shutil.copytree(sources, twice)
    (shard,) = shard_paths(twice / "documents")
    pq.write_table(pq.read_table(shard).slice(0, 1), twice / "documents" / "part-00001.parquet")
    with pytest.raises(FournilError, match="given twice"):
        run(Config(), {"sources": twice}, tmp_path / "out", CONTEXT)


def test_nothing_to_curate_is_an_error(tmp_path: Path):
    with pytest.raises(FournilError, match="nothing to curate"):
        run(Config(), {"sources": tmp_path}, tmp_path / "out", CONTEXT)


def test_documents_alone_are_enough(sources: Path, tmp_path: Path):
    shutil.copytree(sources / "documents", tmp_path / "in" / "documents")
    artifact = run(Config(), {"sources": tmp_path / "in"}, tmp_path / "out", CONTEXT)
    assert {count.unit for count in artifact.counts} == {"documents"}


def test_code_points_of_every_kept_text_decode(curated: Curated):
    texts = read_all(curated.out / "documents", DOCUMENTS).column("text").combine_chunks()
    assert decode(texts).num_texts == len(texts)
