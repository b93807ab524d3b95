import io

from fournil.core import progress


def test_plain_lines_are_few_and_tell_the_rate(monkeypatch):
    clock = iter(range(0, 10_000, 1))
    monkeypatch.setattr(progress.time, "monotonic", lambda: float(next(clock)))
    out = io.StringIO()
    with progress.PlainProgress(out).task("Reading", total=100, unit="pages") as bar:
        for _ in range(100):
            bar.advance(1)
    lines = out.getvalue().splitlines()
    assert 5 < len(lines) < 15
    assert "Reading" in lines[0]
    assert "left" in lines[0]
    assert lines[-1].startswith("    Reading: 100 pages in")


def test_nothing_is_said_when_quiet(capsys):
    with progress.Progress().task("Reading", total=3) as bar:
        bar.advance(3)
    assert capsys.readouterr().out == ""


def test_durations_are_said_as_people_do():
    assert [progress.duration(s) for s in (0.4, 59, 125, 4800)] == ["0 s", "59 s", "2 min 05 s", "1 h 20 min"]
