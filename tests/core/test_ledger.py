import contextlib
import dataclasses
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fournil.core import ledger
from fournil.core.errors import FournilError
from fournil.core.record import Record, read_record


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
    # The hash of an edited line is held by the line after it, the last one's by the head.
    named = f"{line + 1} or {line + 2}: the one's hash" if line < 2 else "3, or cut after it"
    with pytest.raises(FournilError, match=f"altered at line {named}"):
        ledger.read_ledger(run)


def test_a_line_taken_away_is_noticed(run):
    path = run / ledger.FILE_NAME
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines[:1] + lines[2:]))
    with pytest.raises(FournilError, match="altered at line 2: its hash"):
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


def swapped(lines: list[bytes]) -> list[bytes]:
    return [lines[0], lines[2], lines[1]]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda lines: lines[1:], "altered at line 1"),
        (swapped, "altered at line 2"),
        (lambda lines: lines[:-1], "altered at line 2, or cut after it"),
        (lambda lines: [*lines, lines[-1]], "altered at line 4"),
        (lambda lines: [lines[0], b"\n", *lines[1:]], "altered at line 2"),
        (lambda lines: [lines[0], b'{"number":1}\n', lines[2]], "altered at line 2"),
        (lambda lines: [lines[0], lines[1].replace(b",", b", ", 1), lines[2]], "altered at line 2"),
        (lambda lines: [lines[0], lines[1], lines[2].rstrip(b"\n")], "altered at line 2, or cut after it"),
        (lambda _: [], "the ledger was emptied"),
    ],
)
def test_what_was_done_to_the_ledger_is_named_with_what_to_do(run, change, message):
    path = run / ledger.FILE_NAME
    path.write_bytes(b"".join(change(path.read_bytes().splitlines(keepends=True))))
    with pytest.raises(FournilError, match=message) as caught:
        ledger.read_ledger(run)
    assert "delete ledger.jsonl and ledger.head, and bake again" in str(caught.value)


def test_the_head_alone_or_the_ledger_alone(run):
    head = (run / ledger.HEAD_NAME).read_bytes()
    (run / ledger.HEAD_NAME).unlink()
    with pytest.raises(FournilError, match=r"the file ledger\.head beside the ledger is missing"):
        ledger.read_ledger(run)
    (run / ledger.HEAD_NAME).write_bytes(b"\xff\x00")
    with pytest.raises(FournilError, match="its head is another"):
        ledger.read_ledger(run)
    (run / ledger.HEAD_NAME).write_bytes(head)
    (run / ledger.FILE_NAME).unlink()
    with pytest.raises(FournilError, match="the ledger was emptied"):
        ledger.read_ledger(run)
    (run / ledger.HEAD_NAME).unlink()
    assert ledger.read_ledger(run) == []


def test_a_folder_in_place_of_the_ledger(run):
    (run / ledger.FILE_NAME).unlink()
    (run / ledger.FILE_NAME).mkdir()
    with pytest.raises(FournilError, match="the ledger cannot be read: Is a directory"):
        ledger.read_ledger(run)


def test_a_sound_chain_over_what_is_no_record(tmp_path):
    line = ledger._line({"number": 0, "previous": ledger.START, "record": {"stage": "sources"}})
    (tmp_path / ledger.FILE_NAME).write_text(line + "\n")
    (tmp_path / ledger.HEAD_NAME).write_text(ledger._hash(line))
    with pytest.raises(FournilError, match="line 1 of the ledger holds no record"):
        ledger.read_ledger(tmp_path)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.one_of(st.binary(), st.text().map(str.encode)), st.one_of(st.none(), st.binary(max_size=70)))
def test_any_bytes_are_a_ledger_or_an_error_of_ours(tmp_path, data, head):
    (tmp_path / ledger.FILE_NAME).write_bytes(data)
    (tmp_path / ledger.HEAD_NAME).unlink(missing_ok=True)
    if head is not None:
        (tmp_path / ledger.HEAD_NAME).write_bytes(head)
    with contextlib.suppress(FournilError):
        ledger.read_ledger(tmp_path)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
FIELDS = [field.name for field in dataclasses.fields(Record)]


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.sampled_from(FIELDS), JSON))
def test_any_record_is_one_or_an_error_of_ours(tmp_path, change):
    value = {**record("sources").to_json(), **change}
    (tmp_path / "record.json").write_text(json.dumps(value))
    with contextlib.suppress(FournilError):
        assert read_record(tmp_path) is not None


@settings(deadline=None, max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_one_byte_changed_anywhere_is_noticed(tmp_path, data):
    for path in tmp_path.iterdir():
        path.unlink()
    for stage in ("sources", "curate"):
        ledger.append(tmp_path, record(stage))
    path = tmp_path / ledger.FILE_NAME
    whole = bytearray(path.read_bytes())
    place = data.draw(st.integers(0, len(whole) - 1))
    whole[place] ^= data.draw(st.integers(1, 255))
    path.write_bytes(bytes(whole))
    with pytest.raises(FournilError, match="altered at line"):
        ledger.read_ledger(tmp_path)
