"""How much text a token holds, in each language and kind of text, beside Mistral's tokenizers."""

from __future__ import annotations

from typing import Any

from fournil.core.speech import mark, retell, tr, trn
from fournil.stages.report.charts import bar, stacked, swatch
from fournil.stages.report.layout import MOST_ROWS, Cell, Column, Section, code, details, grid, shade
from fournil.stages.report.markup import Html, join, rich, tag
from fournil.stages.report.numbers import capitalised, count, decimal, language_name, number, percent, whole
from fournil.stages.report.sections.ingredients import source_titles
from fournil.stages.report.sections.sources import CATEGORIES
from fournil.stages.report.story import Entry, Story, rows, table

EXAMPLES = 12


def tokenizer(story: Story) -> Section | None:
    """Draw the fertility table, parity, the vocabulary by language and the round trip."""
    entry = story.one("tokenizer")
    if entry is None:
        return None
    found = sorted(rows(entry.fact("fertility")), key=lambda row: _rank(str(row.get("language")), story))
    others = rows(entry.fact("compared_with"))
    said = [
        trn(
            "A vocabulary of {count:,} token, learned from this text.",
            "A vocabulary of {count:,} tokens, learned from this text.",
            count(entry.fact("vocab_size")),
        )
    ]
    for other in others:
        name, tokens = str(other.get("name")), whole(other.get("vocab_size"))
        said.append(tr("Beside it stands that of {name}, of {tokens}.", name=name, tokens=tokens))
    if others:
        said.append(tr("A larger vocabulary needs fewer tokens, but more parameters."))
    said.append(tr("Measured on held-out text; fewer tokens per word are better."))
    body = join([_fertility(found, others, story), _parity(entry), _vocabulary(entry, story), _round_trip(entry)])
    return Section("tokenizer", tr("What a token holds"), " ".join(said), body, [entry])


def _fertility(found: list[dict[str, Any]], others: list[dict[str, Any]], story: Story) -> Html | None:
    if not found:
        return None
    titles = source_titles(story)
    keys = [str(other.get("key")) for other in others]
    figures = ["tokens_per_word", *(f"{key}_tokens_per_word" for key in keys)]
    most = max((number(row.get(name)) or 0 for row in found for name in figures), default=0)
    columns = [
        Column(tr("Text"), wide=True),
        Column(tr("Words"), numeric=True, extra=True),
        Column(tr("Tokens per word"), numeric=True),
        Column(tr("Tokens per byte"), numeric=True, extra=True),
    ]
    for other in others:
        name = str(other.get("short"))
        columns += [
            Column(tr("{name}, per word", name=name), numeric=True),
            Column(tr("{name}, per byte", name=name), numeric=True, extra=True),
        ]
    lines, classes = [], []
    for row in found:
        language, kind, source = str(row.get("language")), row.get("kind"), row.get("source")
        title: str | Html = tag("b", capitalised(language_name(language)))
        if source:
            title = titles.get(str(source), str(source))
        elif kind:
            title = tag("i", retell(CATEGORIES[str(kind)]) if kind in CATEGORIES else str(kind))
        line: list[str | Cell] = [
            title,
            whole(row.get("num_words")),
            _barred(row.get("tokens_per_word"), most, shade(language, story)),
            decimal(row.get("tokens_per_byte"), 3),
        ]
        for key in keys:
            bytes_per_token = number(row.get(f"{key}_bytes_per_token"))
            line += [
                _barred(row.get(f"{key}_tokens_per_word"), most, ""),
                decimal(1 / bytes_per_token if bytes_per_token else None, 3),
            ]
        lines.append(line)
        classes.append("" if source else "sum")
    whole_table = grid(tr("Fertility by language, kind of text and source"), columns, lines, row_classes=classes)
    if len(lines) <= MOST_ROWS:
        return whole_table
    sums = [line for line, class_ in zip(lines, classes, strict=True) if class_]
    return join(
        [grid(tr("Fertility by language and kind of text"), columns, sums), details(tr("By source"), whole_table)]
    )


def _barred(value: Any, most: float, colour: str) -> Html:  # noqa: ANN401 - JSON
    share = (number(value) or 0) / most if most else 0
    return join([decimal(value), bar(share, colour)])


def _parity(entry: Entry) -> Html | None:
    parity = table(entry.fact("parity"))
    if not parity.get("tokens"):
        return None
    first, second = (language_name(name) for name in parity["languages"])
    pairs = trn("{count:,}\u00a0held-out pair", "{count:,}\u00a0held-out pairs", count(parity.get("num_pairs")))
    figures = {name: decimal(parity.get(name), 3) for name in ("tokens", "mistral_tokens", "words", "bytes")}
    if parity.get("mistral_tokens"):
        said = mark(
            "<b>Parity.</b> For the same content ({pairs}), {first} takes {tokens} times as many tokens as {second} "
            "({mistral_tokens} with Mistral’s), {words} times as many words, {bytes} times as many bytes.",
            pairs=pairs,
            first=first,
            second=second,
            **figures,
        )
    else:
        said = mark(
            "<b>Parity.</b> For the same content ({pairs}), {first} takes {tokens} times as many tokens as {second}, "
            "{words} times as many words, {bytes} times as many bytes.",
            pairs=pairs,
            first=first,
            second=second,
            **figures,
        )
    return tag("p", rich(said))


def _vocabulary(entry: Entry, story: Story) -> Html | None:
    found = sorted(rows(entry.fact("vocabulary")), key=lambda row: _rank(str(row.get("language")), story))
    if not found:
        return None
    strip = stacked([(number(row.get("share")) or 0, _vocabulary_shade(str(row["language"]), story)) for row in found])
    columns = (
        Column(tr("Tokens that serve")),
        Column(tr("Number"), numeric=True),
        Column(tr("Share"), numeric=True),
        Column(tr("The most frequent"), wide=True),
    )
    lines = []
    for row in found:
        language = str(row["language"])
        examples = [code(str(example).replace("▁", "␣")) for example in (row.get("examples") or [])[:EXAMPLES]]
        name = join([swatch(_vocabulary_shade(language, story)), " ", language_name(language)])
        lang = language if language in story.languages else None
        shown = Cell(join(examples, " "), lang=lang, class_="tokens")
        lines.append([name, whole(row.get("num_tokens")), percent(row.get("share")), shown])
    head = tag("h3", tr("Whom the vocabulary serves"))
    return join([head, strip, grid(tr("Learned tokens by language"), columns, lines)])


def _rank(language: str, story: Story) -> int:
    known = (*story.languages, "code", "shared", "unused")
    return known.index(language) if language in known else len(known)


def _vocabulary_shade(language: str, story: Story) -> str:
    return {"shared": "c6", "unused": "c0"}.get(language) or shade(language, story)


def _round_trip(entry: Entry) -> Html | None:
    trip = table(entry.fact("round_trip"))
    if not trip:
        return None
    failed, all_texts = count(trip.get("num_failed")), count(trip.get("num_texts"))
    said = [
        tr(
            "{same} of {all} held-out texts come back from their tokens to the last byte",
            same=whole(all_texts - failed),
            all=whole(all_texts),
        )
    ]
    if failed:
        said.append(
            trn(
                "{count:,} of the others holds a literal ▁",
                "{count:,} of the others hold a literal ▁",
                count(trip.get("num_space_sign")),
            )
        )
    said.append(trn("{count:,} unknown token", "{count:,} unknown tokens", count(trip.get("num_unknown"))))
    return tag("p", rich(mark("<b>Round trip.</b> {said}.", said="; ".join(said))))
