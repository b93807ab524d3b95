"""Lines and paragraphs of a batch of texts."""

from dataclasses import dataclass

import numpy as np

from fournil.core.languages import Language
from fournil.parts.text.codepoints import NEWLINE, SPACE, CodePoints, among, maxima, merged, sums
from fournil.parts.text.hashes import mix, slice_hashes

BULLETS = "-*•‣⁃◦●■▪–—·"


SHORTEST_REPEAT = 10
"""Shorter lines are not held to repeat each other: closing braces and tags of code, « Oui. » in a dialogue."""


@dataclass(frozen=True)
class Lines:
    """Lines that are not blank, without the white space around them."""

    starts_L: np.ndarray
    ends_L: np.ndarray
    """Where each lies in the batch's code points."""

    opens_L: np.ndarray
    """True where a blank line, or nothing, stands before: a paragraph begins."""

    bounds_D: np.ndarray
    """Text d has lines bounds_D[d]:bounds_D[d + 1]."""


def split_lines(points: CodePoints) -> Lines:
    """Find the lines of each text."""
    breaks = np.flatnonzero(points.flags_C & NEWLINE)
    bounds_D = points.bounds_D
    edges = merged(bounds_D, breaks + 1)
    starts, ends = edges[:-1], edges[1:]
    solid = np.flatnonzero((points.flags_C & SPACE) == 0)
    first, last = np.searchsorted(solid, starts), np.searchsorted(solid, ends)
    filled = last > first
    starts_L, ends_L = solid[first[filled]], solid[last[filled] - 1] + 1
    # A line opens a paragraph when the line before it is blank, or lies in another text.
    opens = np.ones(len(starts), bool)
    opens[1:] = ~filled[:-1]
    opens[np.searchsorted(starts, bounds_D[:-1][np.diff(bounds_D) > 0])] = True
    return Lines(starts_L, ends_L, opens[filled], np.searchsorted(starts_L, bounds_D))


def _repeated(hashes: np.ndarray, bounds_D: np.ndarray) -> np.ndarray:
    """True for every item that equals an earlier item of the same text."""
    lengths_D = np.diff(bounds_D)
    keys = mix(
        hashes + np.repeat(np.arange(len(lengths_D)), lengths_D).astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    )
    order = np.argsort(keys, kind="stable")
    later = np.zeros(len(keys), bool)
    later[order[1:]] = keys[order[1:]] == keys[order[:-1]]
    return later


def line_statistics(
    points: CodePoints, lines: Lines, running: np.ndarray, *, language: Language
) -> dict[str, np.ndarray]:
    """What the Gopher and FineWeb rules ask of lines.

    Args:
        points: The texts.
        lines: Their lines.
        running: Prefix sums of the texts' code points, as hashes.prefix_sums gives them.
        language: Whose punctuation ends a sentence.

    Returns:
        By text: `num_lines`; shares of lines that repeat an earlier one and have at least SHORTEST_REPEAT
        characters (`duplicate_lines`), that begin with a bullet
        (`bullet_lines`), end with an ellipsis (`ellipsis_lines`), end a sentence (`ended_lines`), have fewer than 30
        characters (`short_lines`); `duplicate_line_characters`, the share of all lines' characters in repeated ones;
        the same two for paragraphs; `longest_line` and `mean_line` in characters. A text without lines has zeros.
    """
    bounds_D = lines.bounds_D
    lengths_L = lines.ends_L - lines.starts_L
    num_lines = np.diff(bounds_D)
    divisor = np.maximum(num_lines, 1)
    characters = sums(lengths_L, bounds_D)
    safe = np.maximum(characters, 1)
    values_C, flags_C = points.values_C, points.flags_C
    out: dict[str, np.ndarray] = {"num_lines": num_lines}

    later_L = _repeated(slice_hashes(running, lines.starts_L, lines.ends_L), bounds_D) & (lengths_L >= SHORTEST_REPEAT)
    out["duplicate_lines"] = sums(later_L, bounds_D) / divisor
    out["duplicate_line_characters"] = sums(np.where(later_L, lengths_L, 0), bounds_D) / safe

    opening = np.flatnonzero(lines.opens_L)
    if len(opening):
        starts_P = lines.starts_L[opening]
        ends_P = lines.ends_L[np.append(opening[1:], len(lines.ends_L)) - 1]
        bounds_P = np.searchsorted(starts_P, points.bounds_D)
        later_P = _repeated(slice_hashes(running, starts_P, ends_P), bounds_P)
        lengths_P = ends_P - starts_P
        out["duplicate_paragraphs"] = sums(later_P, bounds_P) / np.maximum(np.diff(bounds_P), 1)
        out["duplicate_paragraph_characters"] = sums(np.where(later_P, lengths_P, 0), bounds_P) / np.maximum(
            sums(lengths_P, bounds_P), 1
        )
    else:
        out["duplicate_paragraphs"] = out["duplicate_paragraph_characters"] = np.zeros(len(num_lines))

    first = values_C[lines.starts_L]
    out["bullet_lines"] = sums(among(first, BULLETS), bounds_D) / divisor
    last_position = lines.ends_L - 1
    last = values_C[last_position]
    dots = (last == 0x2E) & (lengths_L >= 3)
    dots &= (values_C[np.maximum(last_position - 1, 0)] == 0x2E) & (values_C[np.maximum(last_position - 2, 0)] == 0x2E)
    out["ellipsis_lines"] = sums((last == 0x2026) | dots, bounds_D) / divisor
    position = last_position.copy()
    for _ in range(3):
        back = among(values_C[position], language.closing_marks) | ((flags_C[position] & SPACE) != 0)
        position = np.where(back & (position > lines.starts_L), position - 1, position)
    ended = among(values_C[position], language.terminal_punctuation)
    out["ended_lines"] = sums(ended, bounds_D) / divisor
    out["short_lines"] = sums(lengths_L < 30, bounds_D) / divisor
    out["mean_line"] = characters / divisor
    out["longest_line"] = maxima(lengths_L, bounds_D)
    return out
