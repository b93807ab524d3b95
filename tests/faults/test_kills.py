"""kill -9 at moments spread over a bake, each stage hit, and on again: nothing is lost, and the bytes are the same."""

import os
import signal
import time

import pytest

from fournil import flow
from fournil.core import ledger
from fournil.core.files import RACY_NS

MOMENTS = [
    # stage at work, fault, event, path, which one, what is going on
    ("sources", "kill", "os.rename", "recipe.lock.toml", 1, "the resolved recipe is written, not yet named"),
    ("sources", "kill", "os.rename", "*/01-sources/documents/mie-00000.parquet", 1, "the first shard is written"),
    ("sources", "kill", "os.rename", "*/units/mie-messages.json", 1, "the second source is read, not yet ticked off"),
    ("sources", "kill", "os.rename", "01-sources", 1, "all is written, the folder not yet named"),
    ("sources", "kill", "open", "ledger.jsonl", 1, "named, not yet in the ledger"),
    ("curate", "kill", "os.rename", "*/02-curate/.work/pairs/000000", 1, "the first chunk of pairs"),
    ("curate", "kill", "os.rename", "*/02-curate/heldout/pairs/*", 1, "shards are written from the chunks"),
    ("curate", "kill", "shutil.rmtree", "*/02-curate/.tmp-work", 1, "the work folder is deleted"),
    ("curate", "tear", "open", "ledger.jsonl", 1, "half a line of the ledger is written"),
    ("tokenizer", "kill", "os.rename", "*/03-tokenizer/.work/trained.json", 1, "the vocabulary is learnt"),
    ("tokenizer", "kill", "os.rename", "*/shards/train-pairs/index.parquet", 1, "the second shard folder"),
    ("tokenizer", "kill", "os.rename", "ledger.head", 1, "in the ledger, its head not yet"),
    ("pretrain", "kill", "open", "*/04-pretrain/.work/events.jsonl", 1, "the first line of losses"),
    ("pretrain", "outside", "progress", "Pretraining", 45, "at step 45 of 60, from outside"),
    ("pretrain", "kill", "os.rename", "*/04-pretrain/training/state.json", 1, "the last file of the model"),
    ("finetune", "outside", "progress", "Finetuning", 30, "at step 30 of 80, from outside"),
    ("finetune", "kill", "os.rename", "*/translator/losses.jsonl", 1, "trained, not yet written"),
    ("finetune", "kill", "os.remove", "05-finetune/translator/.key", 1, "in the ledger, not yet cleared up"),
    ("evaluate", "outside", "progress", "Translating into *", 8, "eight sentences translated, from outside"),
    ("evaluate", "kill", "os.rename", "*/06-evaluate/translations/*", 1, "scores written, translations not"),
    ("export", "kill", "os.rename", "*/huggingface/model.safetensors", 1, "the weights"),
    ("export", "kill", "subprocess.Popen", "*", 1, "llama.cpp begins to check the file"),
    ("report", "kill", "os.rename", "*/08-report/index.html", 1, "the page is drawn"),
    ("report", "kill", "os.rename", "*/08-report/record.json", 1, "its record is written"),
]
"""`outside`: by another process, some milliseconds after the moment."""


def killed(bakery, fault: str, *moment: str) -> str:
    """Kill a bake at a moment; return how it ended."""
    process = bakery.start("say" if fault == "outside" else fault, *moment)
    said = process.stderr.readline()
    if fault == "outside" and b"moment" in said:
        time.sleep(0.02)
        os.killpg(process.pid, signal.SIGKILL)
    said += process.stderr.read()
    process.stderr.close()
    return "killed" if process.wait() == -signal.SIGKILL else f"ended with {process.returncode}: {said.decode()}"


def test_killed_anywhere_it_goes_on_to_the_same_bytes(mie, bakery):
    hit = []
    for stage, fault, event, path, nth, what in MOMENTS:
        end = killed(bakery, fault, event, path, str(nth))
        hit.append(bakery.stage_at_work())
        print(f"| {len(hit)} | {what} | {hit[-1]} | {end} |")
        assert (end, hit[-1]) == ("killed", stage), what
        bakery.check_nothing_is_half_made()
    assert set(hit) == set(flow.STAGES)
    assert len(hit) >= 20
    bakery.done()
    bakery.check_same_as(mie)
    stages = [record.stage for record in ledger.read_ledger(bakery.run)]
    assert stages == list(flow.STAGES), "each stage stands in the ledger once"
    assert not list(bakery.run.rglob(".tmp-*"))
    assert not (bakery.run / ".partial").exists()


@pytest.mark.parametrize("place", [".old-08-report", "08-report"])
def test_killed_while_an_output_replaces_an_older_one(mie, copy_of_mie, place):
    (copy_of_mie.run / "08-report" / "index.html").write_text("mine")
    assert copy_of_mie.bake("kill", "os.rename", place, "1").returncode == -signal.SIGKILL
    copy_of_mie.done()
    copy_of_mie.check_same_as(mie)
    assert not list(copy_of_mie.run.glob(".old-*"))


def test_killed_while_hashes_are_kept_for_the_next_time(mie, copy_of_mie):
    for path in copy_of_mie.run.rglob(".seen.json"):
        path.unlink()
    time.sleep(RACY_NS / 1e9 + 0.1)
    assert copy_of_mie.bake("kill", "os.rename", "*/.seen.json", "3").returncode == -signal.SIGKILL
    assert list(copy_of_mie.run.rglob(".tmp-*-.seen.json"))
    assert copy_of_mie.done().count("up to date") == len(flow.STAGES)
    assert not list(copy_of_mie.run.rglob(".tmp-*"))
    copy_of_mie.check_same_as(mie)
