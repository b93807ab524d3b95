"""Text that was read from images by a machine: what of it is text, and which documents have enough of it."""

import html
import json
import re
from collections.abc import Callable, Sequence

import numpy as np

from fournil.core.languages import primary
from fournil.parts.text.codepoints import LETTER, SPACE, flag_table
from fournil.parts.text.identify import identify_lines
from fournil.parts.text.ngram_lm.train import passages
from fournil.stages.curate.alone.batch import Batch
from fournil.stages.curate.names import MODELS
from fournil.stages.curate.sections.models import OcrRules

GAP = "\n\n[...]\n\n"
"""What stands where passages were cut (Lucie's)."""

_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,30});")
_LETTERLESS = re.compile(r"[\W\d_]+")
_SAMPLE = 300
_SAMPLES = 3

Spans = list[tuple[int, int]]
Edit = tuple[str, int, int, str, str]
"""Rule, start, end, what stood there and what stands there now."""
Judge = Callable[[list[str]], np.ndarray]
"""Gives the perplexity of passages as multiples of the reference text's median."""


def clean_ocr(batch: Batch, place: int, rules: OcrRules, score_key: str, ratios: Judge | None) -> str | None:
    """Cut what is no text out of one document, or refuse it; the cuts are noted.

    Args:
        batch: Where it stands.
        place: Which one it is.
        rules: What is asked.
        score_key: What the reader's confidence is called in `extra`.
        ratios: None where there is no model of its language.

    Returns:
        The text that is left; None when the document is refused.
    """
    score = _score(batch.rows.column("extra")[place].as_py(), score_key)
    if score is not None and rules.min_score is not None and score < rules.min_score:
        batch.refuse(place, MODELS, "ocr-score", score, rules.min_score)
        return None
    edits: list[Edit] = []
    text: str | None = batch.texts.values[place].as_py()
    if rules.entities and text:
        text = _without_entities(text, edits)
    if rules.line_characters and text:
        text = _lines(batch, place, text, rules, edits)
    if rules.passage and text:
        text = _passages(batch, place, text, rules, ratios, edits)
    elif text and (share := letter_share(text)) < rules.min_letters:
        batch.refuse(place, MODELS, "ocr-letters", share, rules.min_letters)
        return None
    for edit in edits if text is not None else ():
        batch.texts.edit(place, MODELS, *edit)
    return text


def _score(extra: str | None, key: str) -> float | None:
    if not extra or key not in extra:
        return None
    try:
        said = json.loads(extra)
    except (ValueError, RecursionError):
        return None
    value = said.get(key) if isinstance(said, dict) else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) * 100 if value <= 1 else float(value)


def _without_entities(text: str, edits: list[Edit]) -> str:
    found = list(_ENTITY.finditer(text)) if "&" in text else []
    found = [match for match in found if html.unescape(match.group()) != match.group()]
    if not found:
        return text
    starts, ends = [0, *(match.end() for match in found)], [*(match.start() for match in found), len(text)]
    between = [text[start:end] for start, end in zip(starts, ends, strict=True)]
    new = [html.unescape(match.group()) for match in found]
    edits += [
        ("ocr-entity", match.start(), match.end(), match.group(), now) for match, now in zip(found, new, strict=True)
    ]
    return "".join(part + now for part, now in zip(between, [*new, ""], strict=True))


def _lines(batch: Batch, place: int, text: str, rules: OcrRules, edits: list[Edit]) -> str | None:
    """Cut lines that are none; None when the document is refused."""
    lines = text.split("\n")
    filled = [number for number, line in enumerate(lines) if line.strip()]
    body = filled[rules.head_lines : len(filled) - rules.tail_lines]
    kept = [number for number in body if _is_line(lines[number], rules)]
    share = len(kept) / max(1, len(body))
    if share < rules.min_kept_lines:
        batch.refuse(place, MODELS, "ocr-kept-lines", share, rules.min_kept_lines)
        return None
    if len(kept) < rules.min_lines:
        batch.refuse(place, MODELS, "ocr-few-lines", len(kept), rules.min_lines)
        return None
    starts = np.concatenate([[0], np.cumsum([len(line) + 1 for line in lines])]).tolist()
    gone = sorted(set(filled) - set(kept))
    spans = _joined([(starts[number], min(starts[number + 1], len(text))) for number in gone])
    spans = [_with_spaces(text, span) if span[0] == 0 or span[1] == len(text) else span for span in spans]
    new = _cut(text, spans, "ocr-line", "", edits)
    if len(new) < rules.min_characters:
        batch.refuse(place, MODELS, "ocr-few-characters", len(new), rules.min_characters)
        return None
    if rules.max_characters is not None and len(new) > rules.max_characters:
        batch.refuse(place, MODELS, "ocr-many-characters", len(new), rules.max_characters)
        return None
    return new


def _is_line(line: str, rules: OcrRules) -> bool:
    words = line.split()
    if len(line) <= rules.line_characters or len(words) <= rules.line_words:
        return False
    mean = sum(map(len, words)) / len(words)
    return rules.word_length[0] < mean < rules.word_length[1]


def _passages(
    batch: Batch, place: int, text: str, rules: OcrRules, ratios: Judge | None, edits: list[Edit]
) -> str | None:
    """Cut passages that are not in the document's language, or too surprising; None when none is left."""
    spans = passages(text, size=rules.passage)
    parts = [text[start:end] for start, end in spans]
    tag = primary(batch.tags[place] or "")
    tags, confidences = identify_lines([_sample(part) for part in parts])
    good = np.array([found == tag for found in tags]) & (confidences >= rules.min_confidence)
    letters = np.array([letter_share(part) for part in parts])
    good &= letters >= rules.min_letters
    found = None if ratios is None else ratios(parts)
    if found is not None:
        good &= (found >= rules.min_ratio) & (found <= rules.max_ratio)
    if not good.any():
        batch.refuse(place, MODELS, "ocr-no-passage", _evidence(tags, confidences, letters, found), tag)
        return None
    bad = [span for span, is_good in zip(spans, good.tolist(), strict=True) if not is_good]
    return _cut(text, [_with_spaces(text, span) for span in _joined(bad)], "ocr-passage", GAP, edits)


def _sample(text: str) -> str:
    """Letters of three places, as the language is told by them."""
    step = max(0, (len(text) - _SAMPLE) // (_SAMPLES - 1))
    starts = range(0, _SAMPLES * step, step) if step > _SAMPLE else (0,)
    size = _SAMPLE if step > _SAMPLE else len(text)
    line = _LETTERLESS.sub(" ", " ".join(text[start : start + size] for start in starts)).strip()
    return line.lower() if line.isupper() else line


def letter_share(text: str) -> float:
    """Share of letters among what is no white space."""
    table = flag_table()
    flags = table[np.minimum(np.frombuffer(text.encode("utf-32-le"), np.uint32), len(table) - 1)]
    return np.count_nonzero(flags & LETTER) / max(1, len(flags) - np.count_nonzero(flags & SPACE))


def _evidence(tags: Sequence[str], confidences: np.ndarray, letters: np.ndarray, found: np.ndarray | None) -> str:
    best = int(np.argmax(confidences))
    said = f"{tags[best]} {confidences[best]:.2f}, letters {letters[best]:.2f}"
    return said if found is None else f"{said}, perplexity x{float(found[best]):.1f}"


def _with_spaces(text: str, span: tuple[int, int]) -> tuple[int, int]:
    start, end = span
    while start > 0 and text[start - 1].isspace():
        start -= 1
    while end < len(text) and text[end].isspace():
        end += 1
    return start, end


def _joined(spans: Spans) -> Spans:
    """Spans in order, those that touch made one."""
    out: Spans = []
    for start, end in spans:
        if out and out[-1][1] == start:
            out[-1] = out[-1][0], end
        else:
            out.append((start, end))
    return out


def _cut(text: str, spans: Spans, rule: str, gap: str, edits: list[Edit]) -> str:
    """The text without some spans, a gap in place of each that does not stand at an end."""
    pieces: list[str] = []
    last = 0
    for start, end in spans:
        now = gap if start > 0 and end < len(text) else ""
        edits.append((rule, start, end, text[start:end], now))
        pieces += [text[last:start], now]
        last = end
    return "".join([*pieces, text[last:]])
