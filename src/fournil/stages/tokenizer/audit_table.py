"""The audit as tables for a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rich.markup import escape
from rich.table import Table

from fournil.core.speech import figure, tr, trn

_SIGNS = str.maketrans({"\u00a0": "⍽", "\u202f": "⍽", "\n": "⏎", "\r": "␍", "\t": "⇥"})
SHOWN = 8
"""Examples of tokens."""


def tables(found: dict[str, Any]) -> Iterator[Table | str]:
    """What `audit` found, as tables and lines for rich."""
    yield escape(
        trn(
            "{tokenizer}: {count:,} token",
            "{tokenizer}: {count:,} tokens",
            found["vocab_size"],
            tokenizer=found["tokenizer"],
        )
    )
    yield _fertility(found)
    if found["parity"] is not None:
        yield _parity(found["parity"])
    yield _vocabulary(found)
    yield _typography(found)
    sizes = ", ".join(f"{number} → {size}" for number, size in found["digits"]["tokens"].items())
    if found["digits"]["single"]:
        yield tr("Numbers are cut into single digits: {sizes}", sizes=sizes)
    else:
        yield tr("Numbers are cut into groups of digits: {sizes}", sizes=sizes)
    for row in found["languages"]:
        if row["first_failed"]:
            yield escape(
                tr(
                    "First line ({language}) that does not come back: {line!r}",
                    language=row["language"],
                    line=row["first_failed"],
                )
            )


def _fertility(found: dict[str, Any]) -> Table:
    table = Table(title=tr("Fertility"))
    table.add_column("")
    rows = found["languages"]
    for row in rows:
        table.add_column(row["language"], justify="right")
    table.add_row(tr("words"), *(figure(f"{row['num_words']:,}") for row in rows))
    table.add_row(tr("tokens"), *(figure(f"{row['num_tokens']:,}") for row in rows))
    table.add_row(tr("tokens per word"), *(_number(row["tokens_per_word"]) for row in rows))
    table.add_row(tr("bytes per token"), *(_number(row["bytes_per_token"]) for row in rows))
    whole = [row["share_of_words_whole"] for row in rows]
    table.add_row(tr("words in one token"), *("–" if share is None else figure(f"{share:.1%}") for share in whole))
    table.add_row(tr("lines that do not come back"), *(figure(f"{row['num_failed']:,}") for row in rows))
    table.add_row(tr("unknown tokens"), *(figure(f"{row['num_unknown']:,}") for row in rows))
    for other in found["compared_with"]:
        key, name, size = other["key"], other["name"], other["vocab_size"]
        table.add_section()
        table.add_row(
            tr("{name} ({size:,}), tokens per word", name=name, size=size),
            *(_number(row[f"{key}_tokens_per_word"]) for row in rows),
        )
        table.add_row(
            tr("{name} ({size:,}), bytes per token", name=name, size=size),
            *(_number(row[f"{key}_bytes_per_token"]) for row in rows),
        )
    return table


def _parity(row: dict[str, Any]) -> Table:
    first, second = row["languages"]
    table = Table(
        title=trn(
            "Parity: {first} / {second} on the same {count:,} line",
            "Parity: {first} / {second} on the same {count:,} lines",
            row["num_pairs"],
            first=first,
            second=second,
        )
    )
    said = {
        "tokens": tr("tokens"),
        "mistral_tokens": tr("tokens, Mistral"),
        "tekken_tokens": tr("tokens, tekken"),
        "bytes": tr("bytes"),
        "words": tr("words"),
    }
    names = [name for name in said if name in row]
    for name in names:
        table.add_column(said[name], justify="right")
    table.add_row(*(_number(row[name]) for name in names))
    return table


def _vocabulary(found: dict[str, Any]) -> Table:
    table = Table(title=tr("Whom the vocabulary serves, in these texts"))
    rows, languages = found["vocabulary"], [row["language"] for row in found["languages"]]
    table.add_column(tr("tokens that serve"))
    table.add_column(tr("number"), justify="right")
    table.add_column(tr("share"), justify="right")
    for language in languages:
        table.add_column(tr("of {language} text", language=language), justify="right")
    table.add_column(tr("the most frequent"))
    said = {"shared": tr("several languages"), "unused": tr("no text here")}
    for row in rows:
        table.add_row(
            said.get(row["language"], row["language"]),
            figure(f"{row['num_tokens']:,}"),
            figure(f"{row['share']:.1%}"),
            *(figure(f"{row['running_share'][language]:.1%}") for language in languages),
            " ".join(map(_visible, row["examples"][:SHOWN])),
        )
    return table


def _typography(found: dict[str, Any]) -> Table:
    table = Table(title=tr("French signs"))
    for name in (tr("sign"), tr("tokens it costs"), tr("kept"), tr("phrase"), tr("tokens")):
        table.add_column(name)
    for row in found["typography"]:
        kept = tr("yes") if row["kept"] else tr("no")
        table.add_row(row["name"], str(row["sign_tokens"]), kept, row["phrase"], " ".join(map(_visible, row["tokens"])))
    return table


def _visible(token: str) -> str:
    return escape(token.translate(_SIGNS))


def _number(value: float | None) -> str:
    return "–" if value is None else figure(f"{value:.3f}")
