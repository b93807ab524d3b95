"""datatrove's C4QualityFilter (rules of Raffel et al. 2020): lines are dropped, then documents with too little left."""

# pyright: reportArgumentType=false, reportReturnType=false, reportCallIssue=false, reportIndexIssue=false
# Kernels have numba's types, in which an element of an array is a number.

from typing import NamedTuple

import numpy as np

from fournil.parts.text.arrow import read_only
from fournil.parts.text.compat.characters import DIGIT, SPACE, class_table
from fournil.parts.text.compat.gopher import ends_with_ellipsis, line_end
from fournil.parts.text.compat.judged import Judged
from fournil.parts.text.compat.settings import C4QualitySettings
from fournil.parts.text.compat.words import class_at, sentence_end, strip
from fournil.parts.text.kernels.compile import kernel

LINE_RULES = ("kept", "too_long_word", "no_terminal_punc", "too_few_words", "javascript", "policy")
"""What happens to a line, by number."""

_REASONS = ("lorem_ipsum", "curly_bracket", "too_few_sentences")
_LOREM, _JAVASCRIPT = "lorem ipsum", "javascript"
_POLICIES = ("terms of use", "privacy policy", "cookie policy", "uses cookies", "use of cookies", "use cookies")
_LOREM_FOUND, _JAVASCRIPT_FOUND, _POLICY_FOUND, _CURLY_FOUND = 1, 2, 4, 8
_PHRASES_B = np.frombuffer("".join((_LOREM, _JAVASCRIPT, *_POLICIES)).encode(), np.uint8)
_PHRASE_BOUNDS = np.cumsum([0, *map(len, (_LOREM, _JAVASCRIPT, *_POLICIES))])
_CITATIONS_B = np.frombuffer(b"edit]citation needed]", np.uint8)


class Cut(NamedTuple):
    """What is left of the texts that were asked, and what became of their lines."""

    judged: Judged
    bytes_B: np.ndarray
    """The texts that are kept, end to end (uint8 UTF-8)."""

    bounds_D: np.ndarray
    """Where each begins there; a refused one is empty."""

    starts_L: np.ndarray
    ends_L: np.ndarray
    """Where each line, or sentence, lies in the bytes that came, its line end left out (int64)."""

    rules_L: np.ndarray
    """What became of it (int64), a place in LINE_RULES."""

    lines_D: np.ndarray
    """Where each text's lines begin; a refused document's may be incomplete."""


def cut_c4(bytes_B: np.ndarray, bounds_D: np.ndarray, places: np.ndarray, settings: C4QualitySettings) -> Cut:
    """Drop lines, and decide which documents are left with too little.

    Args:
        bytes_B: Texts end to end (uint8 UTF-8).
        bounds_D: Where each begins, and where the last ends (int64).
        places: Which of them are asked (int64).
        settings: datatrove's.
    """
    asked = (
        settings.split_paragraph,
        settings.remove_citations,
        settings.filter_no_terminal_punct,
        settings.filter_lorem_ipsum,
        settings.filter_javascript,
        settings.filter_curly_bracket,
        settings.filter_policy,
    )
    bounds = (settings.min_num_sentences, settings.min_words_per_line, settings.max_word_length)
    code_D, value_D, *rest = _cut(
        read_only(bytes_B),
        read_only(bounds_D),
        read_only(places),
        np.array(asked, np.bool_),
        np.array(bounds, np.int64),
        _PHRASES_B,
        _PHRASE_BOUNDS,
        _CITATIONS_B,
        class_table(),
    )
    return Cut(Judged(code_D, value_D, _REASONS, (0, 0, settings.min_num_sentences)), *rest)


@kernel
def _cut(
    bytes_B: np.ndarray,
    bounds_D: np.ndarray,
    places: np.ndarray,
    asked: np.ndarray,
    bounds: np.ndarray,
    phrases_B: np.ndarray,
    phrase_bounds: np.ndarray,
    citations_B: np.ndarray,
    classes: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    num = len(places)
    code_D, value_D = np.zeros(num, np.int64), np.zeros(num, np.float64)
    total, num_lines = 0, 0
    for place in places:
        total += bounds_D[place + 1] - bounds_D[place]
        num_lines += _num_pieces(bytes_B, bounds_D[place], bounds_D[place + 1], asked[0], classes)
    out_B = np.empty(total + num_lines, np.uint8)
    out_D, lines_D = np.zeros(num + 1, np.int64), np.zeros(num + 1, np.int64)
    starts_L, ends_L = np.empty(num_lines, np.int64), np.empty(num_lines, np.int64)
    rules_L = np.empty(num_lines, np.int64)
    out, line = 0, 0
    for number in range(num):
        start, end = bounds_D[places[number]], bounds_D[places[number] + 1]
        begin, kept, sentences, code = out, 0, 0, 0
        first = start
        while True:
            stop, following = _piece_end(bytes_B, first, end, asked[0], classes)
            # A text without lines has none; one without sentences has itself for one.
            if first >= end and (asked[0] or first > start):
                break
            before = out
            if kept:
                out_B[out] = 10 if asked[0] else 32
                out += 1
            rule, written, found = _line(
                bytes_B, first, stop, asked, bounds, phrases_B, phrase_bounds, citations_B, classes, out_B, out
            )
            starts_L[line], ends_L[line], rules_L[line] = first, stop, rule
            line += 1
            if found:
                code = found
                break
            if rule:
                out = before
            else:
                if bounds[0] != -1:
                    sentences += _num_sentences(out_B, out, written, classes) if asked[0] else 1
                kept += 1
                out = written
            if following <= first:
                break
            first = following
        if code == 0 and sentences < bounds[0]:
            code = 3
            value_D[number] = sentences
        code_D[number] = code
        if code:
            out = begin
        else:
            left, right = strip(out_B, begin, out, classes)
            for place in range(left, right):
                out_B[begin + place - left] = out_B[place]
            out = begin + right - left
        out_D[number + 1], lines_D[number + 1] = out, line
    return code_D, value_D, out_B[:out], out_D, starts_L[:line], ends_L[:line], rules_L[:line], lines_D


@kernel
def _num_pieces(bytes_B: np.ndarray, start: int, end: int, by_line: bool, classes: np.ndarray) -> int:
    num, first = 0, start
    while first < end:
        _, first = _piece_end(bytes_B, first, end, by_line, classes)
        num += 1
    return max(num, 1)


@kernel
def _piece_end(bytes_B: np.ndarray, start: int, end: int, by_line: bool, classes: np.ndarray) -> tuple[int, int]:
    """Where a line or a sentence ends, and where the next one begins; white space belongs to the sentence after it."""
    if by_line:
        return line_end(bytes_B, start, end, classes)
    first, last = strip(bytes_B, start, end, classes)
    stop = sentence_end(bytes_B, first, last, classes)
    if stop >= last:
        return end, end
    return stop, stop


@kernel
def _num_sentences(bytes_B: np.ndarray, start: int, end: int, classes: np.ndarray) -> int:
    """Sentences of a line, which is one at least."""
    num = 0
    place, last = strip(bytes_B, start, end, classes)
    while place < last:
        place = sentence_end(bytes_B, place, last, classes)
        place, _ = strip(bytes_B, place, last, classes)
        num += 1
    return max(num, 1)


@kernel
def _line(
    bytes_B: np.ndarray,
    start: int,
    end: int,
    asked: np.ndarray,
    bounds: np.ndarray,
    phrases_B: np.ndarray,
    phrase_bounds: np.ndarray,
    citations_B: np.ndarray,
    classes: np.ndarray,
    out_B: np.ndarray,
    out: int,
) -> tuple[int, int, int]:
    """Write a line without its citations.

    Returns:
        What becomes of it (a place in LINE_RULES), where it ends in out_B, and the reason number that refuses the whole
        document (0: none).
    """
    start, end = strip(bytes_B, start, end, classes)
    words, longest, length = 0, 0, 0
    place = start
    while place < end:
        flags, width = class_at(bytes_B, place, classes)
        if flags & SPACE:
            length = 0
        else:
            words += length == 0
            length += 1
            longest = max(longest, length)
        place += width
    if bounds[2] != -1 and longest > bounds[2]:
        return 1, out, 0
    written = out
    place = start
    while place < end:
        if asked[1] and bytes_B[place] == 0x5B:
            after = _citation_end(bytes_B, place + 1, end, citations_B, classes)
            if after:
                place = after
                continue
        out_B[written] = bytes_B[place]
        written += 1
        place += 1
    if asked[2]:
        last = np.uint8(0) if written == out else out_B[written - 1]
        ends = last == 0x2E or last == 0x3F or last == 0x21 or last == 0x22 or last == 0x27
        if not ends or ends_with_ellipsis(out_B, out, written):
            return 2, written, 0
    if words < bounds[1]:
        return 3, written, 0
    found = _phrases(out_B, out, written, phrases_B, phrase_bounds)
    if asked[3] and found & _LOREM_FOUND:
        return 0, written, 1
    if asked[4] and found & _JAVASCRIPT_FOUND:
        return 4, written, 0
    if asked[5] and found & _CURLY_FOUND:
        return 0, written, 2
    if asked[6] and found & _POLICY_FOUND:
        return 5, written, 0
    return 0, written, 0


@kernel
def _citation_end(bytes_B: np.ndarray, place: int, end: int, citations_B: np.ndarray, classes: np.ndarray) -> int:
    """Where a citation ends whose bracket was opened before `place`; 0: it is none."""
    stop = place
    while stop < end:
        if bytes_B[stop] == 0x5D:
            return stop + 1
        flags, width = class_at(bytes_B, stop, classes)
        if not flags & DIGIT:
            break
        stop += width
    for first, last in ((0, 5), (5, 21)):
        if end - place >= last - first:
            length = 0
            while length < last - first and bytes_B[place + length] == citations_B[first + length]:
                length += 1
            if length == last - first:
                return place + length
    return 0


@kernel
def _phrases(bytes_B: np.ndarray, start: int, end: int, phrases_B: np.ndarray, phrase_bounds: np.ndarray) -> int:
    """Which phrases stand in a line, in small letters or capitals, and whether « { » does."""
    found = 0
    for place in range(start, end):
        byte = bytes_B[place]
        if byte == 0x7B:
            found |= _CURLY_FOUND
        byte |= 0x20
        if byte != 0x6C and byte != 0x6A and byte != 0x74 and byte != 0x70 and byte != 0x63 and byte != 0x75:
            continue
        for phrase in range(len(phrase_bounds) - 1):
            here = place
            wanted = phrase_bounds[phrase]
            while here < end and wanted < phrase_bounds[phrase + 1]:
                byte = bytes_B[here]
                if byte >= 0x41 and byte <= 0x5A:
                    byte |= 0x20
                elif byte == 0xE2 and end - here >= 3 and bytes_B[here + 1] == 0x84 and bytes_B[here + 2] == 0xAA:
                    # The Kelvin sign is the only other character whose small letter is one of these.
                    byte = np.uint8(0x6B)
                    here += 2
                if byte != phrases_B[wanted]:
                    break
                here += 1
                wanted += 1
            if wanted == phrase_bounds[phrase + 1]:
                found |= _LOREM_FOUND if phrase == 0 else _JAVASCRIPT_FOUND if phrase == 1 else _POLICY_FOUND
    return found
