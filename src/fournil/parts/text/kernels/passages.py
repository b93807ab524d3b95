"""Pieces of texts that may stand in many of them: paragraphs, lines, and samples of runs of words.

B bytes, D texts, W words of a text, P pieces.
"""

import numpy as np

from fournil.parts.text.kernels.compile import kernel

PARAGRAPH, LINE, PASSAGE = 0, 1, 2
_OFFSET = 0xCBF29CE484222325
_PRIME = 0x100000001B3
_STEP = 0x9E3779B97F4A7C15


@kernel
def _mixed(value: np.uint64, kind: int) -> np.uint64:
    """Spread over all bits, but for two that tell the kind."""
    value += np.uint64(kind + 1) * np.uint64(_STEP)
    value ^= value >> np.uint64(33)
    value *= np.uint64(0xFF51AFD7ED558CCD)
    value ^= value >> np.uint64(33)
    value *= np.uint64(0xC4CEB9FE1A85EC53)
    value ^= value >> np.uint64(33)
    return (value & ~np.uint64(3)) | np.uint64(kind)


@kernel
def find_pieces(
    bytes_B: np.ndarray,
    bounds_D: np.ndarray,
    line_characters: int,
    paragraph_characters: int,
    run_words: int,
    window: int,
    keys_P: np.ndarray,
    texts_P: np.ndarray,
    spans_P: np.ndarray,
) -> int:
    """Find the pieces of all texts.

    Of all runs of words, that with the smallest hash in each window of neighbouring ones is given (winnowing,
    Schleimer et al. 2003): two texts that share run_words + window - 1 words in a row share at least one.

    Args:
        bytes_B: uint8, UTF-8.
        bounds_D: int64.
        line_characters: Shorter lines are passed over; 0: all are.
        paragraph_characters: Shorter paragraphs are passed over; 0: all are.
        run_words: Words in a run; 0: no runs are looked for.
        window: Of so many runs one is given.
        keys_P: uint64; gets a hash of each piece, whose two lowest bits are its kind.
        texts_P: int64; gets the text of each.
        spans_P: int64, P x 2; gets where in its text each begins and ends. Lines end behind their line end,
            paragraphs behind the blank lines after them.

    Returns:
        How many pieces there are.
    """
    longest = 0
    for text in range(len(bounds_D) - 1):
        longest = max(longest, bounds_D[text + 1] - bounds_D[text])
    most_words = longest // 2 + 1 if run_words > 0 else 0
    hashes_W = np.empty(most_words, np.uint64)
    starts_W = np.empty(most_words, np.int64)
    ends_W = np.empty(most_words, np.int64)
    runs_W = np.empty(most_words, np.uint64)
    top = np.uint64(1)
    for _ in range(run_words):
        top *= np.uint64(_STEP)
    num = 0
    for text in range(len(bounds_D) - 1):
        begin, end = bounds_D[text], bounds_D[text + 1]
        # Lines and paragraphs.
        paragraph, paragraph_length, paragraph_start = np.uint64(_OFFSET), 0, np.int64(-1)
        place = begin
        while place < end and (line_characters > 0 or paragraph_characters > 0):
            line_start = place
            while place < end and bytes_B[place] != 10:
                place += 1
            first, last = line_start, place
            while first < last and bytes_B[first] <= 32:
                first += 1
            while last > first and bytes_B[last - 1] <= 32:
                last -= 1
            place = min(place + 1, end)
            if first == last:
                if paragraph_start >= 0 and paragraph_length >= paragraph_characters > 0:
                    behind = place
                    while behind < end and bytes_B[behind] == 10:
                        behind += 1
                    keys_P[num] = _mixed(paragraph, PARAGRAPH)
                    texts_P[num] = text
                    spans_P[num, 0], spans_P[num, 1] = paragraph_start - begin, behind - begin
                    num += 1
                paragraph, paragraph_length, paragraph_start = np.uint64(_OFFSET), 0, np.int64(-1)
                continue
            line, length = np.uint64(_OFFSET), 0
            for position in range(first, last):
                line = (line ^ np.uint64(bytes_B[position])) * np.uint64(_PRIME)
                length += (bytes_B[position] & 0xC0) != 0x80
            if paragraph_start < 0:
                paragraph_start = line_start
            paragraph = (paragraph ^ line) * np.uint64(_STEP)
            paragraph_length += length
            if length >= line_characters > 0:
                keys_P[num] = _mixed(line, LINE)
                texts_P[num] = text
                spans_P[num, 0], spans_P[num, 1] = line_start - begin, place - begin
                num += 1
        if paragraph_start >= 0 and paragraph_length >= paragraph_characters > 0:
            keys_P[num] = _mixed(paragraph, PARAGRAPH)
            texts_P[num] = text
            spans_P[num, 0], spans_P[num, 1] = paragraph_start - begin, end - begin
            num += 1
        if run_words == 0:
            continue
        # Words between white space, then runs of them, then the smallest hash of each window.
        num_words = 0
        place = begin
        while place < end:
            while place < end and bytes_B[place] <= 32:
                place += 1
            if place == end:
                break
            starts_W[num_words] = place - begin
            word = np.uint64(_OFFSET)
            while place < end and bytes_B[place] > 32:
                word = (word ^ np.uint64(bytes_B[place])) * np.uint64(_PRIME)
                place += 1
            hashes_W[num_words] = word
            ends_W[num_words] = place - begin
            num_words += 1
        num_runs = num_words - run_words + 1
        if num_runs < window:
            continue
        running = np.uint64(0)
        for word_ in range(num_words):
            running = running * np.uint64(_STEP) + hashes_W[word_]
            if word_ >= run_words:
                running -= top * hashes_W[word_ - run_words]
            if word_ >= run_words - 1:
                runs_W[word_ - run_words + 1] = _mixed(running, PASSAGE)
        least, given = np.int64(-1), np.int64(-1)
        for run in range(window - 1, num_runs):
            if least <= run - window:
                least = run - window + 1
                for other in range(least + 1, run + 1):
                    if runs_W[other] <= runs_W[least]:
                        least = other
            elif runs_W[run] <= runs_W[least]:
                least = run
            if least != given:
                given = least
                keys_P[num] = runs_W[given]
                texts_P[num] = text
                spans_P[num, 0], spans_P[num, 1] = starts_W[given], ends_W[given + run_words - 1]
                num += 1
    return num
