"""Does it stick to the language: what the model wrote after prompts in each, sentence by sentence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fournil.core.speech import Message, mark, retell, spoken, tr, trn
from fournil.stages.report.charts import bar, stacked, swatch
from fournil.stages.report.layout import Band, Cell, Column, Section, details, grid, shade
from fournil.stages.report.markup import Html, join, rich, tag
from fournil.stages.report.numbers import NONE, capitalised, count, language_name, number, percent, whole
from fournil.stages.report.sections.tasks import percent_with_interval
from fournil.stages.report.story import Entry, Story, dig, rows, table

FIDELITY, ALL = "fidelity", "all"
GROUPS: dict[str, Message] = {
    ALL: mark("All prompts"),
    "prose": mark("Prose to go on with"),
    "dialogue": mark("Dialogue to go on with"),
    "question": mark("Questions"),
    "translation": mark("Requests for translation"),
}
STICKS = "sticks"
METRICS: dict[str, Message] = {
    "sentences_in_language": mark("Sentences in the language of the prompt"),
    "drifts": mark("Answers that drift into the other language"),
    "code_or_latex": mark("Answers with code or LaTeX"),
    "untold": mark("Answers that tell nothing: too short, or in no clear language"),
    "keeps_format": mark("Dialogues whose speakers keep their tags"),
}
"""What else is said of all prompts, or of the one kind that has it."""
SENTENCES: dict[str, tuple[Message, str]] = {
    "own": (mark("in the language"), ""),
    "other": (mark("in the other language"), ""),
    "third": (mark("in a third one"), "c5"),
    "code": (mark("code"), "c3"),
    "latex": (mark("LaTeX"), "c4"),
    "unclear": (mark("not clear"), "c7"),
    "short": (mark("too short to tell"), "c0"),
}
"""What sentences are counted as, and their colour where it is not a language's."""


def fidelity(story: Story) -> Section | None:
    """Draw whether the model stays in the language of a prompt, where it leaves it, and for what."""
    entry = story.one("evaluate")
    found = table(entry.fact(FIDELITY)) if entry else {}
    tongues = [tongue for tongue in ("fr", "en", *sorted(set(found) - {"fr", "en"})) if table(found.get(tongue))]
    if entry is None or not tongues:
        return None
    scored = [
        row for row in rows(entry.fact("scores")) if row.get("kind") == FIDELITY and row.get("checkpoint") is None
    ]
    lead = trn(
        "What the model writes after {count:,} prompt in each language, looked at sentence by sentence.",
        "What the model writes after {count:,} prompts in each language, looked at sentence by sentence.",
        count(found[tongues[0]].get("num_prompts")),
    )
    lead += " " + tr(
        "An answer sticks to the language when all that can be told of it is in the language of the prompt, with no "
        "code and no LaTeX."
    )
    parts = [
        _sticking(scored, tongues, story),
        tag("h3", tr("Sentences")),
        *(_sentences(tongue, found[tongue], story) for tongue in tongues),
        _examples(entry, tongues),
    ]
    return Section(FIDELITY, tr("Does it stick to the language?"), lead, join(parts), [entry])


def _sticking(scored: Sequence[dict[str, Any]], tongues: Sequence[str], story: Story) -> Html | None:
    by_place = {(row.get("metric"), row.get("group"), row.get("language")): row for row in scored}
    lines: list[Sequence[str | Cell] | Band] = []
    classes = []
    for group, name in GROUPS.items():
        if any((STICKS, group, tongue) in by_place for tongue in tongues):
            cells = [_share(by_place.get((STICKS, group, tongue)), shade(tongue, story)) for tongue in tongues]
            lines.append([retell(name), *cells])
            classes.append("sum" if group == ALL else "")
    for metric, name in METRICS.items():
        group = "dialogue" if metric == "keeps_format" else ALL
        if any((metric, group, tongue) in by_place for tongue in tongues):
            if "other" not in classes:
                lines.append(Band(tr("Beside it")))
                classes.append("")
            lines.append([retell(name), *(_share(by_place.get((metric, group, tongue)), "c0") for tongue in tongues)])
            classes.append("other")
    if not lines:
        return None
    columns = [Column(tr("Answers that stick to the language"))]
    columns += [Column(capitalised(language_name(tongue)), numeric=True) for tongue in tongues]
    return grid(tr("Sticking to the language"), columns, lines, kind="cards tasks", row_classes=classes)


def _share(row: dict[str, Any] | None, colour: str) -> str | Cell:
    if row is None or number(row.get("value")) is None:
        return Cell(NONE, class_="none")
    written, low, high = percent_with_interval(row)
    return join([written, bar(number(row.get("value")) or 0.0, colour, low=low, high=high)])


def _sentences(tongue: str, facts: dict[str, Any], story: Story) -> Html | None:
    counts = {kind: count(dig(facts, "groups", ALL, "sentences", kind)) for kind in SENTENCES}
    total = sum(counts.values())
    if not total:
        return None
    drift = table(facts.get("drift"))
    other = str(drift.get("into") or "")
    colours = {kind: colour for kind, (_, colour) in SENTENCES.items()}
    colours |= {"own": shade(tongue, story), "other": shade(other, story) if other else "c5"}
    drawn = [(kind, number) for kind, number in counts.items() if number]
    legend = [
        tag("li", swatch(colours[kind]), " ", retell(SENTENCES[kind][0]), " ", percent(number, total))
        for kind, number in drawn
    ]
    name = tr("{language}, {sentences}", language=capitalised(language_name(tongue)), sentences=_sentence_count(total))
    return join(
        [
            tag("h4", name),
            stacked([(number / total, colours[kind]) for kind, number in drawn]),
            tag("ul", *legend, class_="legend"),
            tag("p", " ".join(_said(facts, drift, other))),
        ]
    )


def _sentence_count(number: int) -> str:
    return trn("{count:,} sentence", "{count:,} sentences", number)


def _said(facts: dict[str, Any], drift: dict[str, Any], other: str) -> list[str]:
    """Where the drift begins, which other languages came, what became of the dialogues."""
    said = []
    num, at_once = count(drift.get("num")), count(drift.get("at_once"))
    if not num:
        said.append(tr("No answer drifts into the other language."))
    else:
        into = language_name(other)
        said.append(
            trn(
                "{count:,} answer drifts into {language}.",
                "{count:,} answers drift into {language}.",
                num,
                language=into,
            )
        )
        if at_once == num:
            said.append(tr("That is what they begin with."))
        elif at_once:
            said.append(trn("{count:,} is in it from the start.", "{count:,} are in it from the start.", at_once))
        place, share = number(drift.get("median_characters")), number(drift.get("median_share"))
        if place is not None and share is not None and at_once < num:
            said.append(
                tr(
                    "Half of the drifts have begun after {characters} characters, {share} of the answer.",
                    characters=whole(place),
                    share=percent(share),
                )
            )
    third = [(count(held), name) for name, held in table(facts.get("languages")).items() if name not in ("fr", "en")]
    if third:
        most = sorted(third, key=lambda found: (-found[0], found[1]))[:4]
        names = ", ".join(f"{language_name(name)} {whole(held)}" for held, name in most)
        said.append(tr("Sentences taken for other languages: {names}.", names=names))
    form = table(facts.get("format"))
    if form:
        said.append(
            tr(
                "Of the dialogues, {kept} keep the speakers’ tags, {lost} lose them, {none} begin no new turn.",
                kept=whole(form.get("kept")),
                lost=whole(form.get("lost")),
                none=whole(form.get("no_turn")),
            )
        )
    return said


def _examples(entry: Entry, tongues: Sequence[str]) -> Html | None:
    columns = []
    for tongue in tongues:
        passages = [_example(row, tongue) for row in rows(entry.fact(FIDELITY, tongue, "examples"))]
        if passages:
            columns.append(tag("div", tag("h3", capitalised(language_name(tongue))), *passages))
    if not columns:
        return None
    said = tr(
        "Drawn by seed, two of each kind, and behind them some of those that did not stick. The pale beginning was "
        "given."
    )
    return details(tr("What was given, and what it wrote"), tag("p", said), tag("div", *columns, class_="columns"))


def _example(row: dict[str, Any], tongue: str) -> Html:
    written = str(row.get("text") or "")
    verdict = tr("sticks") if row.get("sticks") else tr("does not stick")
    kind = str(row.get("kind"))
    head = rich(
        mark("<b>{verdict}</b>, {kind}", verdict=verdict, kind=retell(GROUPS[kind]) if kind in GROUPS else kind)
    )
    nothing = tag("span", " ", tr("(nothing)"), class_="nothing", lang=spoken())
    passage = tag(
        "blockquote",
        tag("span", str(row.get("prompt", "")), class_="prompt"),
        _apart(str(row.get("prompt", "")), kind),
        written or nothing,
        lang=tongue,
        dir="auto",
        class_="passage",
    )
    return join([tag("p", head, class_="small"), passage])


def _apart(prompt: str, kind: str) -> str:
    """Answers stand on a line of their own; a text goes on where it stopped."""
    return "\n" if kind in ("question", "translation") and not prompt.endswith("\n") else ""
