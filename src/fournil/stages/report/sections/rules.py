"""What the steps and the rules of refusal are called, and what each rule says, in plain words."""

from __future__ import annotations

import re

from fournil.core.speech import Message, mark, retell, tr

STEPS = {
    "sources": mark("Read"),
    "normalise": mark("Unicode normalised"),
    "personal-data": mark("Personal data masked"),
    "language": mark("Language identified"),
    "boilerplate": mark("Boilerplate lines cut"),
    "contamination": mark("Evaluation items looked for"),
    "toxicity": mark("Coarse and hateful words counted"),
    "heldout": mark("Evaluation text set aside"),
    "quality": mark("Quality judged"),
    "duplicates": mark("Duplicates removed"),
}

RULES = {
    "adult-words": mark("too many sexual words"),
    "alias": mark("a page that only points to another"),
    "binary": mark("bytes that are no text"),
    "broken-link": mark("a link to nothing"),
    "c4-curly-braces": mark("too many curly braces for prose"),
    "c4-few-sentences": mark("too few sentences"),
    "c4-long-token": mark("a word that is too long to be one"),
    "c4-lorem-ipsum": mark("dummy text"),
    "classifier": mark("called toxic by a classifier"),
    "code-few-alphanumerics": mark("too few letters and digits for code"),
    "code-long-line": mark("a line too long for code"),
    "code-long-lines": mark("lines too long for code on average"),
    "columns": mark("a row with other columns than its table"),
    "control-character": mark("a control character in it"),
    "credits": mark("a list of translators"),
    "csv": mark("a row that cannot be read"),
    "damaged": mark("cut or broken"),
    "empty": mark("nothing in it"),
    "encoding": mark("bytes that are no text"),
    "equal": mark("a translation equal to its source"),
    "equal-sides": mark("a translation equal to its source"),
    "evaluation-item": mark("holds an item that models are evaluated on"),
    "exact-duplicate": mark("the same as another, which was kept"),
    "fineweb-few-ended-lines": mark("too few lines that end like a sentence"),
    "fineweb-line-ends": mark("too many line ends for its words"),
    "fineweb-short-lines": mark("too many short lines"),
    "format": mark("a file of a kind that is not read"),
    "gopher-bullet-lines": mark("too many lines that are items of a list"),
    "gopher-duplicate-line-characters": mark("too much of it in lines that repeat"),
    "gopher-duplicate-lines": mark("too many lines that repeat"),
    "gopher-duplicate-paragraph-characters": mark("too much of it in paragraphs that repeat"),
    "gopher-duplicate-paragraphs": mark("too many paragraphs that repeat"),
    "gopher-ellipses": mark("too many ellipses for its words"),
    "gopher-ellipsis-lines": mark("too many lines that end in an ellipsis"),
    "gopher-few-stop-words": mark("too few of the words that no prose does without"),
    "gopher-few-words": mark("too few words"),
    "gopher-hash-signs": mark("too many hash signs for its words"),
    "gopher-long-mean-word": mark("words too long on average"),
    "gopher-many-words": mark("too many words"),
    "gopher-short-mean-word": mark("words too short on average"),
    "gopher-words-without-letters": mark("too many words without a letter"),
    "json": mark("a line that is no JSON object"),
    "language-mismatch": mark("in another language than its source says"),
    "language-mixed": mark("in two languages"),
    "language-outside": mark("in a language that this model does not learn"),
    "language-relative": mark("in a relative of a language that this model learns"),
    "language-unsure": mark("in no language that can be told"),
    "known-exact-duplicate": mark("the same as one of an earlier run"),
    "known-near-duplicate": mark("nearly the same as one of an earlier run"),
    "length-ratio": mark("two sides of too different lengths"),
    "licence-unknown": mark("no licence stated, or none that is known"),
    "line-too-long": mark("a line longer than the bound"),
    "little-left": mark("little of it that many others do not have too"),
    "low-score": mark("a score below the bound"),
    "low-stop-word-share": mark("too small a share of the words that no prose does without"),
    "markup-only": mark("nothing but markup"),
    "mild-words": mark("too many coarse words"),
    "missing-side": mark("a side without its other side"),
    "near-duplicate": mark("nearly the same as another, which was kept"),
    "near-held-out": mark("nearly the same as one that is set aside for evaluation"),
    "no-letter": mark("not a letter in it"),
    "no-text": mark("nothing in it"),
    "numbers": mark("two sides with different numbers"),
    "over-long": mark("longer than the bound"),
    "same-translation": mark("another translation of the same page, nearly the same, was kept"),
    "special": mark("no file that can be read, such as a pipe"),
    "strong-words": mark("too many words of hate"),
    "too-large": mark("larger than the bound"),
    "too-short": mark("too few letters"),
    "untranslated": mark("words left as they were on one side"),
    "unreadable": mark("no text found in it"),
}
_TOP = re.compile(r"gopher-top-(\d)-gram")
_REPEATED = re.compile(r"gopher-duplicate-(\d\d?)-grams")


def step_name(step: str) -> str:
    """What a step is called on the page."""
    return retell(STEPS[step]) if step in STEPS else step


def rule_words(rule: str) -> str:
    """What a rule refuses, in plain words; nothing where the page does not know the rule."""
    top, repeated = _TOP.fullmatch(rule), _REPEATED.fullmatch(rule)
    if top:
        return tr("one sequence of {words} words makes too much of it", words=top[1])
    if repeated:
        return tr("too much of it in sequences of {words} words that repeat", words=repeated[1])
    found: Message | None = RULES.get(rule)
    return retell(found) if found else ""
