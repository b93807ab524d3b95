"""How to make it again and trace each figure: records, hashes, the ledger's head, the settings of every stage."""

from __future__ import annotations

import json
from pathlib import PurePath
from typing import Any

from fournil.stages.report.layout import Column, Section, code, details, grid, under
from fournil.stages.report.markup import Html, join, measured, tag
from fournil.stages.report.numbers import size
from fournil.stages.report.story import Entry, Story


def records(story: Story) -> Section:
    """Draw the table of records and the settings."""
    lead = (
        "Each number beside a heading above is a record below: a line of the run’s ledger.jsonl, which holds the hash "
        "of the line before it, so that nothing in it can be changed unseen."
    )
    commands = tag(
        "p",
        "To make it again, with the same recipe and the same version: ",
        tag("code", f"fournil bake recipes/{story.name}.toml", class_="command"),
        ". To check every file against the ledger, where RUN is the run’s folder: ",
        tag("code", "fournil verify RUN", class_="command"),
        ". The same inputs give the same bytes.",
    )
    if not story.one("pretrain"):
        commands = tag(
            "p",
            "To check every file against the ledger, where RUN is the run’s folder: ",
            tag("code", "fournil verify RUN", class_="command"),
            ". The same inputs give the same bytes.",
        )
    head = tag(
        "p",
        tag("b", "Ledger. "),
        "Its head, after line ",
        measured(str(story.lines)),
        ": ",
        measured(story.head, element="code"),
    )
    return Section(
        "records", "Traced to the ledger", lead, join([commands, head, _table(story), _inputs(story), _settings(story)])
    )


def _table(story: Story) -> Html:
    columns = (
        Column("Record"),
        Column("Stage"),
        Column("Output", numeric=True),
        Column("Hash of the output", wide=True),
        Column("Hash of the record", wide=True),
        Column("Code"),
        Column("Finished"),
    )
    lines = [
        [
            tag("span", f"№\u00a0{entry.number}", id=f"record-{entry.number}"),
            entry.label,
            size(entry.record.outputs.get("bytes")),
            code(str(entry.record.outputs.get("sha256") or "–")),
            join(
                [
                    measured(entry.digest, element="code"),
                    under("line ", measured(str(entry.line))),
                ]
            ),
            _code(entry),
            _finished(entry),
        ]
        for entry in story.entries
    ]
    return grid("Records", columns, lines, kind="cards fine")


def _finished(entry: Entry) -> Html:
    date, _, time = entry.record.finished.replace("+00:00", "\u00a0UTC").partition("T")
    return join([measured(date, class_="whole"), under(measured(time, class_="whole"))])


def _code(entry: Entry) -> Html:
    version, commit = entry.record.code.get("fournil", "–"), entry.record.code.get("commit")
    return join([f"fournil {version}", under(code(commit[:12])) if commit else None])


def _inputs(story: Story) -> Html | None:
    lines = [
        [
            f"№\u00a0{entry.number} {entry.label}",
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
        Column("Record"),
        Column("Input"),
        Column("Path"),
        Column("Size", numeric=True),
        Column("SHA-256", wide=True),
    )
    return details("What each stage was given", grid("Inputs of each record", columns, lines, kind="fine"))


def _settings(story: Story) -> Html:
    blocks = [
        join(
            [
                tag("h3", f"{entry.label} ", tag("span", f"№\u00a0{entry.number}", class_="from")),
                tag("pre", _toml(entry.record.config), tabindex=0),
            ]
        )
        for entry in story.entries
    ]
    return details("The recipe, every setting resolved", *blocks)


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
