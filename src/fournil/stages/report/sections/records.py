"""How to make it again and trace each figure: records, hashes, the ledger's head, the settings of every stage."""

from __future__ import annotations

import json
from pathlib import PurePath
from typing import Any

from fournil.core.speech import mark, tr
from fournil.stages.report.layout import Column, Section, code, details, grid, under
from fournil.stages.report.markup import Html, join, measured, rich, tag
from fournil.stages.report.numbers import NBSP, date, size
from fournil.stages.report.story import Entry, Story


def records(story: Story) -> Section:
    """Draw the table of records and the settings."""
    lead = tr(
        "Each number beside a heading above is a record below: a line of the run’s ledger.jsonl, which holds the hash "
        "of the line before it, so that nothing in it can be changed unseen."
    )
    verify = tag("code", "fournil verify RUN", class_="command")
    check = mark(
        "To check every file against the ledger, where RUN is the run’s folder: {command}. The same inputs give the "
        "same bytes.",
        command=verify,
    )
    again = None
    if story.one("pretrain"):
        bake = tag("code", f"fournil bake recipes/{story.name}.toml", class_="command")
        again = rich(mark("To make it again, with the same recipe and the same version: {command}.", command=bake))
    head = mark(
        "<b>Ledger.</b> Its head, after line {line}: {hash}",
        line=measured(str(story.lines)),
        hash=measured(story.head, element="code"),
    )
    parts = [
        tag("p", again, " " if again else None, rich(check)),
        tag("p", rich(head)),
        _table(story),
        _inputs(story),
        _settings(story),
    ]
    return Section("records", tr("Traced to the ledger"), lead, join(parts))


def _table(story: Story) -> Html:
    columns = (
        Column(tr("Record")),
        Column(tr("Stage")),
        Column(tr("Output"), numeric=True),
        Column(tr("Hash of the output"), wide=True),
        Column(tr("Hash of the record"), wide=True),
        Column(tr("Code")),
        Column(tr("Finished")),
    )
    lines = [
        [
            tag("span", f"№{NBSP}{entry.number}", id=f"record-{entry.number}"),
            entry.label,
            size(entry.record.outputs.get("bytes")),
            code(str(entry.record.outputs.get("sha256") or "–")),
            join(
                [
                    measured(entry.digest, element="code"),
                    under(rich(mark("line {line}", line=measured(str(entry.line))))),
                ]
            ),
            _code(entry),
            _finished(entry),
        ]
        for entry in story.entries
    ]
    return grid(tr("Records"), columns, lines, kind="cards fine")


def _finished(entry: Entry) -> Html:
    day, _, time = str(entry.record.finished).replace("+00:00", f"{NBSP}UTC").partition("T")
    return join([measured(date(day), class_="whole"), under(measured(time, class_="whole"))])


def _code(entry: Entry) -> Html:
    version, commit = entry.record.code.get("fournil", "–"), entry.record.code.get("commit")
    return join([f"fournil {version}", under(tag("code", str(commit)[:12], class_="whole")) if commit else None])


def _inputs(story: Story) -> Html | None:
    lines = [
        [
            f"№{NBSP}{entry.number} {entry.label}",
            role,
            code(_shown_path(str(given.get("path")))),
            size(given.get("bytes")),
            code(str(given.get("sha256"))),
        ]
        for entry in story.entries
        for role, given in sorted(entry.record.inputs.items())
    ]
    if not lines:
        return None
    columns = (
        Column(tr("Record")),
        Column(tr("Input")),
        Column(tr("Path")),
        Column(tr("Size"), numeric=True),
        Column(tr("SHA-256"), wide=True),
    )
    return details(tr("What each stage was given"), grid(tr("Inputs of each record"), columns, lines, kind="fine"))


def _settings(story: Story) -> Html:
    blocks = [
        join(
            [
                tag("h3", f"{entry.label} ", tag("span", f"№{NBSP}{entry.number}", class_="from")),
                tag("pre", _toml(entry.record.config)),
            ]
        )
        for entry in story.entries
    ]
    return details(tr("The recipe, every setting resolved"), *blocks)


def _toml(config: dict[str, Any]) -> str:
    """Show settings as lines of dotted keys, those shared by all stages last."""
    keys = sorted(config, key=lambda key: (key == "shared", key))
    return "\n".join(line for key in keys for line in _lines(key, config[key]))


def _lines(path: str, value: Any) -> list[str]:  # noqa: ANN401 - JSON
    if isinstance(value, dict):
        return [line for key, inner in sorted(value.items()) for line in _lines(f"{path}.{key}", inner)]
    if isinstance(value, list) and any(isinstance(item, dict) for item in value):
        return [line for number, item in enumerate(value) for line in _lines(f"{path}[{number}]", item)]
    return [f"{path} = {json.dumps(_without_folders(value), ensure_ascii=False)}"]


def _without_folders(value: Any) -> Any:  # noqa: ANN401 - JSON
    if isinstance(value, list):
        return [_without_folders(item) for item in value]
    return _shown_path(value) if isinstance(value, str) else value


def _shown_path(path: str) -> str:
    """Leave out the folders of a place outside the run: they are the owner's business, and differ between machines."""
    return f"…/{PurePath(path).name}" if PurePath(path).is_absolute() else path
