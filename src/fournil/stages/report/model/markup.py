"""The part of the page in which a visitor asks the model: translate, chat, go on with a text, look at tokens.

Python writes the controls and hands over all words, so that view.js knows no language; without scripts, or when the
weights are damaged, the page says so and shows its report.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from fournil.core.languages import CODE, language
from fournil.core.speech import Message, tr
from fournil.stages.report.config import Config
from fournil.stages.report.layout import Section, direction, shade
from fournil.stages.report.markup import Html, join, tag
from fournil.stages.report.model.pack import Packed, Unpackable
from fournil.stages.report.numbers import capitalised, language_name, number, percent, size
from fournil.stages.report.sections.rounding import share_of_equal_tokens
from fournil.stages.report.story import Story, held_out_chrf, rows, table

ANCHOR, WORDS_ID = "model", "model-words"
MAX_SAMPLES = 10
MAX_CHARACTERS = 4000
_UNSAFE = re.compile("[<\x7f-\x9f\u2028-\u202e\u2066-\u2069\ufffe\uffff\ud800-\udfff]")


def section(
    story: Story, config: Config, carried: Packed | Unpackable | None, src: str | None = None
) -> Section | None:
    """Draw the model's own part of the page; `embed.blocks` goes with it, at the page's end.

    Args:
        story: The run.
        config: What is shown at most.
        carried: The packed model, or why a page cannot carry it; None: nothing was exported.
        src: Where the weights stand beside the page (None: in it).
    """
    if carried is None:
        return None
    entries = [entry for entry in (story.one("export"),) if entry is not None]
    title = tr("Try the model")
    if isinstance(carried, Unpackable):
        return Section(ANCHOR, title, "", _instead(carried.reason, story), entries)
    samples = _samples(story, carried) if config.max_translations else []
    names = _names(carried)
    hint = tr(
        "A thick line stands under what the model was not sure of. Point at a token, or reach it with the arrow keys, "
        "to see how likely it was and what else could have stood there."
    )
    controls = tag(
        "div",
        _tabs(names),
        *(_panel(name, _parts(name, carried, samples, story), place == 0) for place, name in enumerate(names)),
        tag("div", hint, class_="detail", data_part="detail", aria_live="polite"),
        class_="model",
        data_part="controls",
        data_beside=src is not None,
        hidden=True,
    )
    body = join(
        [
            tag(
                "p",
                tr(
                    "It is a small model: it makes mistakes and invents things, it knows no facts, and what it writes "
                    "is nobody’s advice."
                ),
            ),
            tag(
                "p",
                tr("Waiting for scripts: without them, this part of the page stays still."),
                role="status",
                class_="state",
                data_part="state",
            ),
            controls,
            _limits(story),
            tag("script", Html(_json(_words(samples, story, carried))), type="application/json", id=WORDS_ID),
        ]
    )
    if src is None:
        where = tr(
            "This page holds the model itself ({bytes}): it runs in your browser, and nothing that you type leaves it. "
            "Off-line too.",
            bytes=size(len(carried.data)),
        )
    else:
        where = tr(
            "The model itself ({bytes}) is fetched once, as soon as you ask it something: it runs in your browser, and "
            "nothing that you type leaves it.",
            bytes=size(len(carried.data)),
        )
    return Section(ANCHOR, title, where, body, entries)


def _names(carried: Packed) -> list[str]:
    asked = ["translate"] if len(carried.languages) > 1 else []
    return [*asked, *(["chat"] if carried.chats else []), "continue", "tokens"]


def _titles() -> dict[str, str]:
    return {"translate": tr("Translate"), "chat": tr("Chat"), "continue": tr("Go on"), "tokens": tr("Tokens")}


def _tabs(names: Sequence[str]) -> Html:
    tabs = [
        tag(
            "button",
            _titles()[name],
            type="button",
            role="tab",
            id=f"model-tab-{name}",
            data_tab=name,
            aria_controls=f"model-{name}",
            aria_selected="true" if place == 0 else "false",
            tabindex=0 if place == 0 else -1,
        )
        for place, name in enumerate(names)
    ]
    return tag("div", *tabs, role="tablist", aria_label=tr("What to ask of the model"), class_="tabs")


def _panel(name: str, parts: Html, first: bool) -> Html:
    return tag(
        "div",
        parts,
        role="tabpanel",
        id=f"model-{name}",
        aria_labelledby=f"model-tab-{name}",
        data_panel=name,
        hidden=not first,
    )


def _parts(name: str, carried: Packed, samples: Sequence[dict[str, str]], story: Story) -> Html:
    if name == "translate":
        return _translate(carried, samples)
    if name == "chat":
        return join(
            [
                _taught(story, carried),
                tag("ol", role="log", aria_label=tr("The conversation"), class_="turns", data_part="chat-out"),
                tag(
                    "form",
                    _box("chat-in", tr("Your message"), 2),
                    tag("button", tr("Send"), type="submit", class_="main"),
                    data_part="chat-form",
                ),
                _bar("chat", 0.0),
            ]
        )
    if name == "continue":
        return join(
            [
                _box("continue-in", tr("How a text begins"), 3),
                tag("button", tr("Write on"), type="button", class_="main", data_part="continue-go"),
                _output("continue-out", tr("How the model goes on")),
                _bar("continue", 0.7),
            ]
        )
    columns = [
        tag(
            "div",
            _box(f"tokens-{language}", capitalised(language_name(language)), 3, language),
            tag(
                "div",
                class_="written cut",
                data_part=f"cut-{language}",
                lang=language,
                role="group",
                aria_label=tr("Its tokens"),
            ),
            tag("p", class_="reading", data_part=f"count-{language}", aria_live="polite"),
        )
        for language in _natural(story)
    ]
    lead = tr(
        "The same sentence in each language, cut into the pieces that the model reads. ␣ is a space; grey pieces "
        "are single bytes."
    )
    return join([tag("p", lead, class_="lead"), tag("div", *columns, class_="sides")])


def _taught(story: Story, carried: Packed) -> Html | None:
    if not story.of("finetune") or len(carried.languages) < 2:
        return None
    said = tr("It was taught to translate, nothing else: whatever it is told, it answers with a translation of it.")
    return tag("p", said, class_="lead")


def _natural(story: Story) -> list[str]:
    return [language for language in story.languages if language != CODE]


def _translate(carried: Packed, samples: Sequence[dict[str, str]]) -> Html:
    ways = [(one, other) for one in carried.languages for other in carried.languages if one != other]
    options = [tag("option", direction(*way), value=" ".join(way)) for way in ways]
    tried = tag("button", tr("A held-out sample"), type="button", data_part="sample") if samples else None
    return join(
        [
            tag(
                "div",
                tag("label", tr("Direction"), for_="model-way"),
                tag("select", *options, id="model-way", data_part="way"),
                tried,
                class_="choice",
            ),
            tag(
                "div",
                tag("div", _box("translate-in", tr("Text to translate"), 3)),
                _output("translate-out", tr("The translation")),
                class_="sides",
            ),
            tag("p", class_="reading", data_part="reference", hidden=True),
            _bar("translate", 0.0),
        ]
    )


def _box(part: str, label: str, num_rows: int, language: str | None = None) -> Html:
    name = f"model-{part}"
    return join(
        [
            tag("label", label, for_=name),
            tag(
                "textarea",
                id=name,
                data_part=part,
                rows=num_rows,
                lang=language,
                dir="auto",
                spellcheck="false",
                maxlength=MAX_CHARACTERS,
            ),
        ]
    )


def _output(part: str, label: str) -> Html:
    return tag(
        "div",
        tag("span", label, class_="label-like", id=f"model-{part}-label"),
        tag(
            "div",
            class_="written",
            data_part=part,
            dir="auto",
            role="group",
            aria_live="polite",
            aria_labelledby=f"model-{part}-label",
        ),
    )


def _bar(name: str, temperature: float) -> Html:
    slider = f"model-{name}-temperature"
    return tag(
        "div",
        tag("label", tr("Temperature"), for_=slider),
        tag(
            "input",
            type="range",
            id=slider,
            data_part=f"{name}-temperature",
            min=0,
            max=1.5,
            step=0.1,
            value=temperature,
        ),
        tag("output", data_part=f"{name}-degrees", for_=slider),
        tag("button", tr("Stop"), type="button", data_part=f"{name}-stop", disabled=True),
        tag("button", tr("Copy"), type="button", data_part=f"{name}-copy"),
        tag("span", class_="reading", data_part=f"{name}-speed"),
        class_="controls",
    )


def _limits(story: Story) -> Html | None:
    """What it is not good at, from what was measured."""
    entry = story.one("evaluate")
    scores = held_out_chrf(entry)
    band = next((str(row.get("band")) for row in scores if row.get("band")), "")
    said: list[str] = []
    if band and len(scores) > 1:
        said.append(tr("The longer a message is, the worse it translates: the table of scores says how much."))
    if entry is not None and (number(entry.record.config.get("num_beams")) or 1) > 1:
        said.append(
            tr(
                "Here it takes the likeliest token each time; the scores on this page are of a slower search, which "
                "finds somewhat better translations."
            )
        )
    same = share_of_equal_tokens(story)
    if same is not None:
        said.append(
            tr(
                "Its weights are rounded to 8 bits: on held-out text the likeliest token stayed the same in {share} of "
                "all places.",
                share=percent(same),
            )
        )
    return tag("p", " ".join(said), class_="limits") if said else None


def _instead(reason: Message, story: Story) -> Html:
    commands = ["fournil chat RUN", 'fournil translate RUN --to fr "…"'] if story.of("finetune") else []
    entry = story.one("export")
    files = sorted(table(entry.record.outputs.get("files"))) if entry else []
    commands += [f"llama-server -m RUN/07-export/{name}" for name in files if name.endswith(".gguf")][:1]
    used = tag(
        "p",
        tr("On a computer, where RUN is the run’s folder:"),
        " ",
        join([tag("code", command, class_="command") for command in commands], " "),
    )
    return join(
        [tag("p", tr("This page does not carry its model: {reason}.", reason=reason)), used if commands else None]
    )


def _samples(story: Story, carried: Packed) -> list[dict[str, str]]:
    entry = story.one("evaluate")
    found = rows(entry.fact("translations")) if entry else []
    known = set(carried.languages)
    chosen = [row for row in found if {row.get("from"), row.get("to")} <= known]
    keys = {"from": "from", "to": "to", "source": "source", "reference": "reference"}
    return [{key: str(row.get(name, "")) for key, name in keys.items()} for row in chosen[:MAX_SAMPLES]]


def _words(samples: Sequence[dict[str, str]], story: Story, carried: Packed) -> dict[str, object]:
    """All that view.js needs: what it says, in the page's language, the samples and the languages' colours."""
    entry = story.one("tokenizer")
    vocabulary = rows(entry.fact("vocabulary")) if entry else []
    shares = {str(row.get("language")): percent(row.get("share")) for row in vocabulary}
    return {
        "loading": tr("Unpacking the model …"),
        "fetching": tr("Fetching the model … {share}"),
        "ready": tr("The model is ready."),
        "speed": tr("{speed} tokens per second"),
        "detail": tr("{token}: {share}; the likeliest in its place:"),
        "token": tr("token “{piece}”, {share}"),
        "cut": tr("token “{piece}”, number {id}"),
        "counts": tr("Tokens: {tokens} · per word: {perWord} · per byte: {perByte}"),
        "shares": {
            tag_: tr("Of the learned vocabulary, {share} serves this language alone.", share=share)
            for tag_, share in shares.items()
        },
        "reference": tr("The reference: {text}"),
        "you": tr("You"),
        "model": tr("The model"),
        "empty": tr("(nothing)"),
        "copied": tr("Copied."),
        "shades": {language: shade(language, story) for language in _natural(story)},
        "less": tr("less than {share}"),
        "percent": percent(1.0).replace("100", "{figure}"),
        "common": _common_words(carried),
        "samples": list(samples),
        "errors": {
            "cut": tr("The model in this page is not whole: the file was cut. The report is not affected."),
            "altered": tr(
                "The model in this page was altered: its hash is not the one that was baked. It is not "
                "run; the report below can be checked against the run’s ledger."
            ),
            "missing": tr(
                "The model’s weights could not be fetched from beside this page. The page is made for a web server: on "
                "a disk, open the one that the bake made."
            ),
            "long": tr("This text is longer than what the model reads."),
            "mute": tr("This model was not taught to answer."),
            "broken": tr("The model cannot run in this browser."),
        },
    }


def _common_words(carried: Packed) -> dict[str, list[str]]:
    """Function words that only one of the languages has: by them view.js tells in which a text is written."""
    words = {tag_: language(tag_).stop_words for tag_ in carried.languages}
    return {
        tag_: sorted(own - frozenset().union(*(others for name, others in words.items() if name != tag_)))
        for tag_, own in words.items()
    }


def _json(value: object) -> str:
    """JSON that can stand in a script element, whatever its texts hold: what is no plain text is escaped."""
    said = json.dumps(value, ensure_ascii=False)
    return _UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", said)
