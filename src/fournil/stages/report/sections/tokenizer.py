"""How much text a token holds, in each language and source, beside Mistral's tokenizer."""

from __future__ import annotations

from typing import Any

from fournil.stages.report.charts import bar, stacked, swatch
from fournil.stages.report.layout import MOST_ROWS, Cell, Column, Section, code, details, grid, shade
from fournil.stages.report.markup import Html, join, tag
from fournil.stages.report.numbers import decimal, language_name, number, percent, plural, whole
from fournil.stages.report.sections.ingredients import source_titles
from fournil.stages.report.story import Entry, Story, rows, table

EXAMPLES = 12


def tokenizer(story: Story) -> Section | None:
    """Draw the fertility table, parity, the vocabulary by language and the round trip."""
    entry = story.one("tokenizer")
    if entry is None:
        return None
    found = sorted(rows(entry.fact("fertility")), key=lambda row: _rank(str(row.get("language")), story))
    other = table(entry.fact("compared_with"))
    lead = f"A vocabulary of {whole(entry.fact('vocab_size'))} tokens, learned from this text."
    if other:
        lead += (
            f" Beside it stands {other.get('name')}’s, of {whole(other.get('vocab_size'))}: a larger vocabulary needs "
            "fewer tokens, but more parameters."
        )
    lead += " Measured on held-out text; fewer tokens per word are better."
    body = join([_fertility(found, bool(other), story), _parity(entry), _vocabulary(entry, story), _round_trip(entry)])
    return Section("tokenizer", "What a token holds", lead, body, [entry])


def _fertility(found: list[dict[str, Any]], compared: bool, story: Story) -> Html | None:
    if not found:
        return None
    titles = source_titles(story)
    most = max(
        (number(row.get(name)) or 0 for row in found for name in ("tokens_per_word", "mistral_tokens_per_word")),
        default=0,
    )
    columns = [
        Column("Text", wide=True),
        Column("Words", numeric=True, extra=True),
        Column("Tokens per word", numeric=True),
        Column("Tokens per byte", numeric=True, extra=True),
    ]
    if compared:
        columns += [Column("Mistral, per word", numeric=True), Column("Mistral, per byte", numeric=True, extra=True)]
    lines, classes = [], []
    for row in found:
        language, source = str(row.get("language")), row.get("source")
        title = titles.get(str(source), str(source)) if source else tag("b", language_name(language).capitalize())
        line: list[str | Cell] = [
            title,
            whole(row.get("num_words")),
            _barred(row.get("tokens_per_word"), most, shade(language, story)),
            decimal(row.get("tokens_per_byte"), 3),
        ]
        if compared:
            bytes_per_token = number(row.get("mistral_bytes_per_token"))
            line += [
                _barred(row.get("mistral_tokens_per_word"), most, "c0"),
                decimal(1 / bytes_per_token if bytes_per_token else None, 3),
            ]
        lines.append(line)
        classes.append("" if source else "sum")
    if len(lines) <= MOST_ROWS:
        return grid("Fertility by language and source", columns, lines, row_classes=classes)
    sums = [line for line, class_ in zip(lines, classes, strict=True) if class_]
    by_source = grid("Fertility by language and source", columns, lines, row_classes=classes)
    return join([grid("Fertility by language", columns, sums), details("By source", by_source)])


def _barred(value: Any, most: float, colour: str) -> Html:  # noqa: ANN401 - JSON
    share = (number(value) or 0) / most if most else 0
    return tag("span", tag("span", decimal(value)), bar(share, colour), class_="figure-bar")


def _parity(entry: Entry) -> Html | None:
    parity = table(entry.fact("parity"))
    if not parity.get("tokens"):
        return None
    first, second = (language_name(name) for name in parity["languages"])
    said = (
        f"For the same content ({plural(parity.get('num_pairs'), 'held-out pairs')}), {first} takes "
        f"{decimal(parity.get('tokens'), 3)} times as many tokens as {second}"
    )
    if parity.get("mistral_tokens"):
        said += f" ({decimal(parity['mistral_tokens'], 3)} with Mistral’s)"
    said += f", {decimal(parity.get('words'), 3)} times as many words"
    said += f", {decimal(parity.get('bytes'), 3)} times as many bytes."
    return tag("p", tag("b", "Parity. "), said)


def _vocabulary(entry: Entry, story: Story) -> Html | None:
    found = sorted(rows(entry.fact("vocabulary")), key=lambda row: _rank(str(row.get("language")), story))
    if not found:
        return None
    strip = stacked([(number(row.get("share")) or 0, _vocabulary_shade(str(row["language"]), story)) for row in found])
    columns = (
        Column("Tokens that serve"),
        Column("Number", numeric=True),
        Column("Share", numeric=True),
        Column("The most frequent", wide=True),
    )
    lines = []
    for row in found:
        language = str(row["language"])
        examples = [code(str(example).replace("▁", "␣")) for example in (row.get("examples") or [])[:EXAMPLES]]
        name = join([swatch(_vocabulary_shade(language, story)), " ", language_name(language)])
        lang = language if language in story.languages else None
        shown = Cell(join(examples, " "), lang=lang, class_="tokens")
        lines.append([name, whole(row.get("num_tokens")), percent(row.get("share")), shown])
    return join([tag("h3", "Whom the vocabulary serves"), strip, grid("Learned tokens by language", columns, lines)])


def _rank(language: str, story: Story) -> int:
    known = (*story.languages, "code", "shared", "unused")
    return known.index(language) if language in known else len(known)


def _vocabulary_shade(language: str, story: Story) -> str:
    return {"shared": "c6", "unused": "c0"}.get(language) or shade(language, story)


def _round_trip(entry: Entry) -> Html | None:
    trip = table(entry.fact("round_trip"))
    if not trip:
        return None
    failed, all_texts = trip.get("num_failed") or 0, trip.get("num_texts") or 0
    came_back = all_texts - failed
    said = f"{whole(came_back)} of {whole(all_texts)} held-out texts come back from their tokens to the last byte"
    if failed:
        said += f"; {whole(trip.get('num_space_sign'))} of the others hold a literal ▁"
    return tag("p", tag("b", "Round trip. "), f"{said}; {whole(trip.get('num_unknown'))} unknown tokens.")
