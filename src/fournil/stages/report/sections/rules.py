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
    "models": mark("Judged by small models"),
    "heldout": mark("Evaluation text set aside"),
    "quality": mark("Quality judged"),
    "duplicates": mark("Duplicates removed"),
}

RULES = {
    "addresses": mark("too many addresses of pages for its words"),
    "adult-words": mark("too many sexual words"),
    "alias": mark("a page that only points to another"),
    "binary": mark("bytes that are no text"),
    "broken-characters": mark("too many characters that a wrong encoding has broken"),
    "broken-link": mark("a link to nothing"),
    "c4-curly-braces": mark("too many curly braces for prose"),
    "c4-few-sentences": mark("too few sentences"),
    "c4-long-token": mark("a word that is too long to be one"),
    "c4-lorem-ipsum": mark("dummy text"),
    "char_dup_ratio": mark("too much of it in lines that repeat"),
    "classifier": mark("called toxic by a classifier"),
    "code-few-alphanumerics": mark("too few letters and digits for code"),
    "code-long-line": mark("a line too long for code"),
    "code-long-lines": mark("lines too long for code on average"),
    "columns": mark("a row with other columns than its table"),
    "control-character": mark("a control character in it"),
    "credits": mark("a list of translators"),
    "csv": mark("a row that cannot be read"),
    "curly_bracket": mark("a curly brace in it"),
    "damaged": mark("cut or broken"),
    "dup_line_char_frac": mark("too much of it in lines that repeat"),
    "dup_line_frac": mark("too many lines that repeat"),
    "dup_para_char_frac": mark("too much of it in paragraphs that repeat"),
    "dup_para_frac": mark("too many paragraphs that repeat"),
    "empty": mark("nothing in it"),
    "encoding": mark("bytes that are no text"),
    "equal": mark("a translation equal to its source"),
    "equal-sides": mark("a translation equal to its source"),
    "evaluation-item": mark("holds an item that models are evaluated on"),
    "exact-duplicate": mark("the same as another, which was kept"),
    "exclamations": mark("too many exclamation marks for its words"),
    "few-characters": mark("too few characters in its lines"),
    "few-good-lines": mark("too few lines of ordinary length and words"),
    "few-lines": mark("too few lines"),
    "fineweb-few-ended-lines": mark("too few lines that end like a sentence"),
    "fineweb-line-ends": mark("too many line ends for its words"),
    "fineweb-short-lines": mark("too many short lines"),
    "format": mark("a file of a kind that is not read"),
    "furniture": mark("too many phrases of notices, menus and adverts"),
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
    "gopher_above_avg_threshold": mark("words too long on average"),
    "gopher_below_alpha_threshold": mark("too many words without a letter"),
    "gopher_below_avg_threshold": mark("words too short on average"),
    "gopher_enough_stop_words": mark("too few of the words that no prose does without"),
    "gopher_long_doc": mark("too many words"),
    "gopher_short_doc": mark("too few words"),
    "gopher_too_many_bullets": mark("too many lines that are items of a list"),
    "gopher_too_many_ellipsis": mark("too many ellipses for its words"),
    "gopher_too_many_end_ellipsis": mark("too many lines that end in an ellipsis"),
    "gopher_too_many_hashes": mark("too many hash signs for its words"),
    "json": mark("a line that is no JSON object"),
    "known-exact-duplicate": mark("the same as one of an earlier run"),
    "known-near-duplicate": mark("nearly the same as one of an earlier run"),
    "language": mark("in a language that is not kept, or in none for sure"),
    "language-mismatch": mark("in another language than its source says"),
    "language-mixed": mark("in two languages"),
    "language-outside": mark("in a language that this model does not learn"),
    "language-relative": mark("in a relative of a language that this model learns"),
    "language-unsure": mark("in no language that can be told"),
    "length-ratio": mark("two sides of too different lengths"),
    "licence-unknown": mark("no licence stated, or none that is known"),
    "line-too-long": mark("a line longer than the bound"),
    "line_punct_ratio": mark("too few lines that end like a sentence"),
    "list_ratio": mark("too many line ends for its words"),
    "little-left": mark("little of it that many others do not have too"),
    "lorem_ipsum": mark("dummy text"),
    "low-score": mark("a score below the bound"),
    "low-stop-word-share": mark("too small a share of the words that no prose does without"),
    "many-characters": mark("longer than the bound"),
    "markup-only": mark("nothing but markup"),
    "mild-words": mark("too many coarse words"),
    "missing-side": mark("a side without its other side"),
    "near-duplicate": mark("nearly the same as another, which was kept"),
    "near-held-out": mark("nearly the same as one that is set aside for evaluation"),
    "no-letter": mark("not a letter in it"),
    "no-text": mark("nothing in it"),
    "numbers": mark("two sides with different numbers"),
    "ocr-few-characters": mark("too little text left of what was read from images"),
    "ocr-few-lines": mark("too few lines of prose are left"),
    "ocr-kept-lines": mark("too few of its lines are lines of prose"),
    "ocr-letters": mark("too few letters for prose, as in tables of figures"),
    "ocr-many-characters": mark("longer than the bound"),
    "ocr-no-passage": mark("no passage that reads like its language"),
    "ocr-score": mark("read from images with too little confidence"),
    "odd-capitals": mark("too many capitals inside words"),
    "over-long": mark("longer than the bound"),
    "perplexity-bucket": mark("in a part of the perplexity scale that is not kept"),
    "perplexity-high": mark("too surprising for a language model"),
    "perplexity-low": mark("too predictable for a language model"),
    "same-translation": mark("another translation of the same page, nearly the same, was kept"),
    "scattered-letters": mark("too many words of one letter, as in ruined recognition"),
    "separators": mark("too many bars and arrows for its words, as in menus"),
    "short_line_ratio": mark("too many short lines"),
    "special": mark("no file that can be read, such as a pipe"),
    "strong-words": mark("too many words of hate"),
    "too-large": mark("larger than the bound"),
    "too-short": mark("too few letters"),
    "too_few_sentences": mark("too few sentences"),
    "unpunctuated-list": mark("keywords, not sentences"),
    "unreadable": mark("no text found in it"),
    "untranslated": mark("words left as they were on one side"),
    "words-without-vowel": mark("too many words without a vowel"),
}
_TOP = re.compile(r"gopher-top-(\d)-gram|top_(\d+)_gram")
_REPEATED = re.compile(r"gopher-duplicate-(\d\d?)-grams|duplicated_(\d+)_n_grams")
_SCORED = re.compile(r"(\w+)-(low|high)")
"""A classifier of the recipe's, under its own name."""


def step_name(step: str) -> str:
    """What a step is called on the page."""
    return retell(STEPS[step]) if step in STEPS else step


def rule_words(rule: str) -> str:
    """What a rule refuses, in plain words; nothing where the page does not know the rule."""
    top, repeated = _TOP.fullmatch(rule), _REPEATED.fullmatch(rule)
    if top:
        return tr("one sequence of {words} words makes too much of it", words=top[1] or top[2])
    if repeated:
        return tr("too much of it in sequences of {words} words that repeat", words=repeated[1] or repeated[2])
    found: Message | None = RULES.get(rule)
    if found:
        return retell(found)
    scored = _SCORED.fullmatch(rule)
    if scored is None:
        return ""
    if scored[2] == "low":
        return tr("too low a score by the classifier {name}", name=scored[1])
    return tr("too high a score by the classifier {name}", name=scored[1])
