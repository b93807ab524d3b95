"""Where in a text the evidence of a rule stands, so that it can be highlighted.

A rule that keeps its spans needs nothing here. For the others the evidence is looked for again, by the rule's name and
in plain Python: a sample has a few dozen documents.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

Span = tuple[int, int]

NEAR_WORDS = 5
"""Words in a run that two near duplicates share."""

SHORT_LINE = 30
_WORD = re.compile(r"\w+")


def _marked(text: str, pattern: str, flags: int = 0) -> list[Span]:
    return [match.span() for match in re.finditer(pattern, text, flags)]


def _words(text: str) -> list[tuple[str, int, int]]:
    return [(match.group().lower(), match.start(), match.end()) for match in _WORD.finditer(text)]


def _grams(text: str, size: int) -> list[tuple[tuple[str, ...], Span]]:
    words = _words(text)
    return [
        (tuple(word for word, _, _ in words[at : at + size]), (words[at][1], words[at + size - 1][2]))
        for at in range(len(words) - size + 1)
    ]


def top_gram(text: str, size: int) -> list[Span]:
    """Where the most frequent run of so many words stands."""
    grams = _grams(text, size)
    if not grams:
        return []
    most, _ = Counter(gram for gram, _ in grams).most_common(1)[0]
    return [span for gram, span in grams if gram == most]


def repeated_grams(text: str, size: int) -> list[Span]:
    """Where runs of so many words stand that stand there before."""
    seen: set[tuple[str, ...]] = set()
    found = []
    for gram, span in _grams(text, size):
        if gram in seen:
            found.append(span)
        seen.add(gram)
    return found


def common_runs(text: str, other: str, size: int = NEAR_WORDS) -> list[Span]:
    """Where runs of so many words stand that another text has too."""
    theirs = {gram for gram, _ in _grams(other, size)}
    return [span for gram, span in _grams(text, size) if gram in theirs]


def repeated_parts(text: str, pattern: str) -> list[Span]:
    """Where lines or paragraphs stand that stand there before."""
    seen: set[str] = set()
    found = []
    for match in re.finditer(pattern, text):
        part = match.group().strip()
        if part and part in seen:
            found.append(match.span())
        seen.add(part)
    return found


def _longest(spans: Iterable[Span]) -> list[Span]:
    return [max(spans, key=lambda span: span[1] - span[0])] if (spans := list(spans)) else []


def _without_letters(text: str) -> list[Span]:
    return [span for span in _marked(text, r"\S+") if not any(map(str.isalpha, text[span[0] : span[1]]))]


_LINE, _PARAGRAPH = r"[^\n]+", r"[^\n]+(?:\n[^\n]+)*"
_FINDERS: tuple[tuple[str, Callable[[str, re.Match[str]], list[Span]]], ...] = (
    (r"top[-_](\d+)[-_](?:n[-_])?gram", lambda text, rule: top_gram(text, int(rule[1]))),
    (r"dup\w*[-_](\d+)[-_](?:n[-_])?grams?", lambda text, rule: repeated_grams(text, int(rule[1]))),
    (r"dup\w*[-_]line", lambda text, _: repeated_parts(text, _LINE)),
    (r"dup\w*[-_]para", lambda text, _: repeated_parts(text, _PARAGRAPH)),
    (r"bullet", lambda text, _: _marked(text, r"^\s*[-*•‣⁃◦●■▪–—·]", re.MULTILINE)),
    (r"ellips[ie]s[-_]line", lambda text, _: _marked(text, r"(?:…|\.\.\.)[\"»”’)\s]*$", re.MULTILINE)),
    (r"ellips", lambda text, _: _marked(text, r"…|\.\.\.")),
    (r"hash", lambda text, _: _marked(text, "#")),
    (r"curly", lambda text, _: _marked(text, "[{}]")),
    (r"lorem", lambda text, _: _marked(text, "lorem ipsum", re.IGNORECASE)),
    (r"long[-_]token|long[-_]word", lambda text, _: _longest(_marked(text, r"\S+"))),
    (r"long[-_]line", lambda text, _: _longest(_marked(text, _LINE))),
    (r"short[-_]line", lambda text, _: _marked(text, rf"^[^\n]{{1,{SHORT_LINE - 1}}}$", re.MULTILINE)),
    (r"without[-_]letters|alpha", lambda text, _: _without_letters(text)),
    (r"javascript|policy|cookie", lambda text, _: _marked(text, r"^.*(?:javascript|cookie|policy).*$", re.M | re.I)),
    (r"markup", lambda text, _: _marked(text, r"<[^<>]*>|&\w+;|%[-+ #0-9.*$]*[a-zA-Z]|\{[^{}]*\}|https?://\S+")),
    (r"number", lambda text, _: _marked(text, r"\d+(?:[.,\s]\d+)*")),
)


def find_evidence(rule: str, text: str) -> list[Span]:
    """Where a text shows why a rule refused it; nothing where the rule weighs the text as a whole."""
    for pattern, finder in _FINDERS:
        match = re.search(pattern, rule)
        if match:
            return merged(finder(text, match))
    return []


def other_lines(text: str, tag: str, languages: tuple[str, ...]) -> list[Span]:
    """Lines in another language than a text's own, by their function words."""
    import pyarrow as pa

    from fournil.parts.text.function_words import count_words
    from fournil.parts.text.line_languages import line_languages

    counted = count_words(pa.array([text], pa.string()), languages)
    labels = line_languages(counted).label_L.tolist()
    found, start = [], 0
    for line, label in zip(text.splitlines(keepends=True) if "\r" not in text else [], labels, strict=False):
        if label >= 0 and counted.tags[label] != tag and line.strip():
            found.append((start, start + len(line.rstrip("\n"))))
        start += len(line)
    return found


def merged(spans: Sequence[Span]) -> list[Span]:
    """Spans in order, those that touch made one."""
    found: list[Span] = []
    for start, end in sorted(spans):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        elif end > start:
            found.append((start, end))
    return found


def excerpt(text: str, spans: Sequence[Span], size: int) -> tuple[str, list[Span]]:
    """A piece of a long text that shows its first evidence, and the spans within it.

    Args:
        text: The text.
        spans: In order.
        size: Characters.
    """
    if len(text) <= size:
        return text, list(spans)
    start = max(0, min(spans[0][0] - size // 4, len(text) - size)) if spans else 0
    end = start + size
    before, after = "… " if start else "", " …" if end < len(text) else ""
    moved = len(before) - start
    inside = [(max(a, start) + moved, min(b, end) + moved) for a, b in spans if b > start and a < end]
    return before + text[start:end] + after, inside
