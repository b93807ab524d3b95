import json

import pytest

from fournil.core import ledger
from fournil.core.errors import FournilError
from fournil.core.record import Record


def record(stage: str, seconds: float = 1.0) -> Record:
    return Record(stage, stage, 1, {}, {}, {"sha256": "0" * 64, "bytes": 0, "files": {}}, seconds=seconds)


@pytest.fixture
def run(tmp_path):
    for stage in ("sources", "curate", "tokenizer"):
        ledger.append(tmp_path, record(stage))
    return tmp_path


def test_records_come_back_in_order_and_the_newest_wins(run):
    assert [r.stage for r in ledger.read_ledger(run)] == ["sources", "curate", "tokenizer"]
    ledger.append(run, record("curate", seconds=2.0))
    assert ledger.latest(ledger.read_ledger(run))["curate", "curate"].seconds == 2.0


@pytest.mark.parametrize("line", [0, 1, 2])
def test_an_edited_line_is_named(run, line):
    path = run / ledger.FILE_NAME
    lines = path.read_text().splitlines()
    entry = json.loads(lines[line])
    entry["record"]["seconds"] = 99.0
    lines[line] = json.dumps(entry, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    path.write_text("\n".join(lines) + "\n")
    named = min(line + 2, 3)  # the hash of an edited line is held by the line after it, the last one's by the head
    with pytest.raises(FournilError, match=f"altered at line {named}"):
        ledger.read_ledger(run)


def test_a_line_taken_away_is_noticed(run):
    path = run / ledger.FILE_NAME
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines[:1] + lines[2:]))
    with pytest.raises(FournilError, match="altered at line 2"):
        ledger.read_ledger(run)
    path.write_text("".join(lines[:-1]))
    with pytest.raises(FournilError, match="altered at line 2"):
        ledger.read_ledger(run)


def test_a_line_cut_by_a_kill_never_counted_and_is_replaced(run):
    path = run / ledger.FILE_NAME
    with path.open("a") as file:
        file.write('{"number":3,"previous":"ab')
    assert len(ledger.read_ledger(run)) == 3
    ledger.append(run, record("pretrain"))
    assert [r.stage for r in ledger.read_ledger(run)][-1] == "pretrain"


def test_killed_between_line_and_head_goes_on(run):
    head = run / ledger.HEAD_NAME
    before = head.read_text()
    ledger.append(run, record("pretrain"))
    head.write_text(before)
    assert len(ledger.read_ledger(run)) == 4
    ledger.append(run, record("evaluate"))
    assert len(ledger.read_ledger(run)) == 5
