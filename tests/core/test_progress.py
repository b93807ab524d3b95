import io
import re
from types import SimpleNamespace

from fournil.core import progress
from fournil.core.speech import speak


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


def test_without_a_total_no_time_left_is_said(monkeypatch):
    clock = iter(range(0, 10_000, 10))
    monkeypatch.setattr(progress.time, "monotonic", lambda: float(next(clock)))
    out = io.StringIO()
    with progress.PlainProgress(out).task("Reading", unit="pages") as bar:
        bar.advance(1500, note="of a book")
    assert out.getvalue().splitlines() == [
        "    Reading: 1,500 pages, 150.0/s  of a book",
        "    Reading: 1,500 pages in 20 s",
    ]


def test_figures_are_the_reader_s(monkeypatch):
    clock = iter(range(0, 10_000, 10))
    monkeypatch.setattr(progress.time, "monotonic", lambda: float(next(clock)))
    out = io.StringIO()
    speak("fr")
    with progress.PlainProgress(out).task("Lecture", total=10_000, unit="pages") as bar:
        bar.advance(1500)
    assert "1\u202f500/10\u202f000 pages" in out.getvalue()
    assert "150,0/s" in out.getvalue()


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def drawn(environment: dict[str, str], monkeypatch) -> str:
    for name in ("TERM", "NO_COLOR", "FORCE_COLOR", "COLORTERM", "TTY_COMPATIBLE", "TTY_INTERACTIVE", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    for name, value in ({"COLUMNS": "160"} | environment).items():
        monkeypatch.setenv(name, value)
    file = Terminal()
    with progress.progress_for(file).task("Reading [all]", total=2000, unit="pages") as bar:
        monkeypatch.setattr(progress, "BAR_SECONDS", 0.0)
        now = bar.began  # by this clock the machine never stands still
        bar.began -= 10
        monkeypatch.setattr(progress, "time", SimpleNamespace(monotonic=lambda: now))
        bar.advance(1000, note="of [a] book")
    monkeypatch.undo()
    return file.getvalue()


def test_a_terminal_gets_bars_with_rate_and_time_left(monkeypatch):
    text = drawn({"TERM": "xterm-256color"}, monkeypatch)
    assert "━" in text
    assert "Reading [all]" in text
    assert re.search(r"1,000/2,000 pages, 100\.0/s, 10 s left", text)
    assert "of [a] book" in text
    assert re.search(r"\x1b\[[0-9;]*3[0-9]", text)


def test_no_color_is_honoured(monkeypatch):
    text = drawn({"TERM": "xterm-256color", "NO_COLOR": "1"}, monkeypatch)
    assert "1,000/2,000 pages" in text
    assert not re.search(r"\x1b\[[0-9;]*3[0-9](;|m)", text)


def test_a_dumb_terminal_gets_plain_lines(monkeypatch):
    text = drawn({"TERM": "dumb"}, monkeypatch)
    assert "\x1b" not in text
    assert text == "    Reading [all]: 1,000 pages in 10 s\n"


def test_notes_are_said_as_they_are(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "160")
    file = Terminal()
    progress.progress_for(file).note("[bold]x[/bold]")
    assert "[bold]x[/bold]" in file.getvalue()
