"""One pass over UTF-8 bytes that finds words, lines and paragraphs and counts what the rules of curation ask.

Suffixes: B bytes, D documents, W words, L lines, S signs; P profiles, one for each way of reading text
(see parts/text/scan.py, which makes the tables and names the columns).
"""

from typing import TypeAlias

import numpy as np

from fournil.parts.text.kernels.bits import HIGH_BITS, eight, eight_at_most, letters_in, lowered, trailing_zeros
from fournil.parts.text.kernels.compile import kernel, written_out

Whole: TypeAlias = int | np.int64

LETTER, DIGIT, SPACE, NEWLINE, PUNCTUATION, APOSTROPHE, HYPHEN, IGNORED = 1, 2, 4, 8, 16, 32, 64, 128
TERMINAL, CLOSING, BULLET, UPPER, VOWEL, SPEECH = 1 << 8, 1 << 9, 1 << 10, 1 << 11, 1 << 12, 1 << 13
SIGN_SHIFT, LOWER_SHIFT = 16, 24
"""Above the first, four bits: the number of the sign's counter. Above the second: ASCII in lower case."""

(
    WORDS,
    WORD_LENGTHS,
    CHARACTERS,
    SOLID,
    LETTERS,
    ALPHANUMERICS,
    CAPITAL_WORDS,
    FUNCTION_WORDS,
    TOKENS,
    LETTERED_TOKENS,
    LONGEST_TOKEN,
    SENTENCES,
    ELLIPSES,
    NEWLINES,
    LOREM_IPSUM,
    MIXED_WORDS,
    ODD_CAPITALS,
    WORDS_WITHOUT_VOWEL,
    SINGLE_LETTERS,
    MOJIBAKE,
    ADDRESSES,
    LINES,
    LINE_CHARACTERS,
    REPEATED_LINES,
    REPEATED_LINE_CHARACTERS,
    PARAGRAPHS,
    PARAGRAPH_CHARACTERS,
    REPEATED_PARAGRAPHS,
    REPEATED_PARAGRAPH_CHARACTERS,
    BULLET_LINES,
    ELLIPSIS_LINES,
    ENDED_LINES,
    SHORT_LINES,
    LONGEST_LINE,
    LOREM_WORDS,
    FIGURES,
) = range(36)
"""Columns of counts_DF; FIGURES is their number."""

SHORTEST_REPEAT = 10
"""Shorter lines are not held to repeat each other: closing braces and tags of code, « Oui. » in a dialogue."""

SHORT_LINE = 30

SEED = np.uint64(0xCBF29CE484222325)
PRIME = np.uint64(0x9E3779B97F4A7C15)
ONE = np.uint64(0xFF51AFD7ED558CCD)
TWO = np.uint64(0xC4CEB9FE1A85EC53)
HALF, ONE_BIT, TWO_BITS, THREE = np.uint64(33), np.uint64(1), np.uint64(2), np.uint64(3)
EIGHT, WHOLE, LOW_FIVE = np.uint64(8), np.uint64(64), np.uint64(31)
EVERY_BIT, NOT_FIRST = np.uint64(0xFFFFFFFFFFFFFFFF), np.uint64(0xFFFFFFFFFFFFFF00)
SINGLE = np.uint64(1 << 63)
"""A word's hash is made of its runs of ASCII letters, eight at a time, and of its other characters, marked by this."""
VOWELS = np.uint64(sum(1 << (ord(vowel) & 31) for vowel in "aeiouy"))
LAST_ENTRY = 0x20000


@kernel
def finish(value: np.uint64) -> np.uint64:
    """Spread a value over all 64 bits (the finaliser of MurmurHash3)."""
    value ^= value >> HALF
    value *= ONE
    value ^= value >> HALF
    value *= TWO
    return value ^ (value >> HALF)


@kernel
def mixed(value: np.uint64, part: np.uint64) -> np.uint64:
    """The hash of a word of which one more part was read."""
    value = (value ^ part) * PRIME
    return value ^ (value >> HALF)


@kernel
def lower_of(code: Whole, kind: Whole, lower_C: np.ndarray) -> np.uint64:
    """A character in lower case."""
    if code < 0x80:
        return np.uint64(kind >> LOWER_SHIFT)
    return np.uint64(lower_C[code] if code < 0x10000 else code)


@kernel
def has_vowel(small: np.uint64) -> bool:
    """Whether one of eight bytes, small letters and zeros, is a vowel."""
    for _ in range(2):
        found = (
            VOWELS >> (small & LOW_FIVE)
            | VOWELS >> (small >> np.uint64(8) & LOW_FIVE)
            | VOWELS >> (small >> np.uint64(16) & LOW_FIVE)
            | VOWELS >> (small >> np.uint64(24) & LOW_FIVE)
        )
        if found & ONE_BIT:
            return True
        small >>= np.uint64(32)
    return False


@kernel
def hash_bytes(bytes_B: np.ndarray, start: Whole, stop: Whole) -> np.uint64:
    """Hash of a slice of bytes, eight at a time."""
    value = SEED ^ np.uint64(stop - start)
    place, end = np.uint64(start), np.uint64(stop)
    while place + np.uint64(8) <= end:
        value = (value ^ eight(bytes_B, place)) * ONE
        value ^= value >> HALF
        place += np.uint64(8)
    while place < end:
        value = (value ^ np.uint64(bytes_B[place])) * TWO
        place += np.uint64(1)
    return finish(value)


@kernel
def decoded(bytes_B: np.ndarray, place: Whole) -> tuple[np.int64, int]:
    """The code point that begins at a byte, and how many bytes it has; the text is known to be UTF-8."""
    first = np.int64(bytes_B[place])
    if first < 0x80:
        return first, 1
    if first < 0xE0:
        return ((first & 0x1F) << 6) | (np.int64(bytes_B[place + 1]) & 0x3F), 2
    if first < 0xF0:
        middle = (np.int64(bytes_B[place + 1]) & 0x3F) << 6
        return ((first & 0x0F) << 12) | middle | (np.int64(bytes_B[place + 2]) & 0x3F), 3
    high = ((np.int64(bytes_B[place + 1]) & 0x3F) << 12) | ((np.int64(bytes_B[place + 2]) & 0x3F) << 6)
    return ((first & 0x07) << 18) | high | (np.int64(bytes_B[place + 3]) & 0x3F), 4


@written_out
def read_word(
    bytes_B: np.ndarray,
    place: Whole,
    stop: Whole,
    code: Whole,
    width: Whole,
    kind: Whole,
    flags: np.ndarray,
    lower_C: np.ndarray,
    elides: bool,
) -> tuple[np.uint64, Whole, Whole, Whole, bool, bool, Whole]:
    """Read the word that begins at a letter or digit.

    Args:
        bytes_B: UTF-8.
        place: Of its first byte.
        stop: Where the document ends.
        code: The first character, the bytes that it has and its flags, like the next two.
        width: Of it, in bytes.
        kind: Its flags.
        flags: By code point.
        lower_C: Lower-case code points.
        elides: Whether an apostrophe ends a word.

    Returns:
        The word's hash; how many characters it has; how many of them join others (apostrophes, hyphens); which kinds of
        characters it has (LETTER, DIGIT, VOWEL); whether a letter is a capital that is not the first of the word or
        behind a hyphen, whether all such letters are; and where the word ends.
    """
    value, length, joiners, seen = SEED, 0, 0, 0
    more_capitals, all_capitals, fresh = False, True, True
    num_bytes = np.uint64(len(bytes_B))
    at, end, step = np.uint64(place), np.uint64(stop), np.uint64(width)
    while True:
        if code < 0x80 and kind & LETTER:
            block = eight(bytes_B, at) if at + EIGHT <= num_bytes else eight_at_most(bytes_B, at)
            marks = letters_in(block)
            step = min(trailing_zeros(~marks & HIGH_BITS) >> THREE, end - at)
            mask = EVERY_BIT >> (WHOLE - (step << THREE))
            small = lowered(block) & mask
            capitals = marks & ~(block << TWO_BITS)
            # The first letter of a word, or behind a hyphen, may be a capital.
            inner = marks & mask & (NOT_FIRST if fresh else EVERY_BIT)
            more_capitals |= (capitals & inner) != 0
            all_capitals &= (inner & ~capitals) == 0
            value = mixed(value, small)
            seen |= LETTER | (VOWEL if has_vowel(small) else 0)
            length += np.int64(step)
        else:
            value = mixed(value, SINGLE | lower_of(code, kind, lower_C))
            seen |= kind
            if not fresh:
                more_capitals |= (kind & UPPER) != 0
                all_capitals &= (kind & UPPER) != 0
            length += 1
        fresh = False
        at += step
        if at >= end:
            break
        code, width = decoded(bytes_B, np.int64(at))
        kind, step = np.int64(flags[min(code, LAST_ENTRY)]), np.uint64(width)
        if kind & (LETTER | DIGIT):
            continue
        if not kind & (APOSTROPHE | HYPHEN) or at + step >= end:
            break
        next_code, width = decoded(bytes_B, np.int64(at + step))
        next_kind = np.int64(flags[min(next_code, LAST_ENTRY)])
        if not next_kind & (LETTER | DIGIT):
            break
        joiners += 1
        length += 1
        value = mixed(value, SINGLE | lower_of(code, kind, lower_C))
        at += step
        if kind & APOSTROPHE and elides:
            break
        code, kind, step, fresh = next_code, next_kind, np.uint64(width), True
    return finish(value), length, joiners, seen, more_capitals, all_capitals, np.int64(at)


@kernel
def found_in(keys: np.ndarray, value: np.uint64) -> np.int64:
    """Where a hash stands in an open-addressing table of a power of two (0 marks an empty place); -1: nowhere."""
    mask = np.uint64(len(keys) - 1)
    slot = value & mask
    while True:
        held = keys[slot]
        if held == value:
            return np.int64(slot)
        if held == 0:
            return np.int64(-1)
        slot = (slot + np.uint64(1)) & mask


@kernel
def mark_repeated(
    hashes: np.ndarray, lengths: np.ndarray, first: Whole, stop: Whole, shortest: int, slots: np.ndarray
) -> tuple[int, int]:
    """How many entries first:stop equal an earlier one and are long enough, and the sum of their lengths."""
    size = 2
    while size < 2 * (stop - first):
        size *= 2
    mask = np.uint64(size - 1)
    slots[:size] = 0
    num = total = 0
    for place in range(first, stop):
        if lengths[place] < shortest:
            continue
        slot = hashes[place] & mask
        while True:
            held = slots[slot]
            if held == 0:
                slots[slot] = place - first + 1
                break
            if hashes[first + held - 1] == hashes[place]:
                num += 1
                total += lengths[place]
                break
            slot = (slot + np.uint64(1)) & mask
    return num, total


@kernel
def ends_sentence(bytes_B: np.ndarray, start: Whole, stop: Whole, flags: np.ndarray) -> bool:
    """Whether a line ends a sentence: up to three closing marks or spaces may follow the sign."""
    kind = 0
    for _ in range(4):
        place = stop - 1
        while bytes_B[place] & 0xC0 == 0x80:
            place -= 1
        code, _ = decoded(bytes_B, place)
        kind = np.int64(flags[min(code, LAST_ENTRY)])
        if not (kind & (CLOSING | SPACE)) or place <= start:
            return (kind & TERMINAL) != 0
        stop = place
    return (kind & TERMINAL) != 0


@kernel
def scan_bytes(
    bytes_B: np.ndarray,
    bounds_D: np.ndarray,
    profile_D: np.ndarray,
    flags_PC: np.ndarray,
    lower_C: np.ndarray,
    elides_P: np.ndarray,
    function_keys: np.ndarray,
    function_profiles: np.ndarray,
    lorem: np.ndarray,
    hashes_W: np.ndarray,
    lengths_W: np.ndarray,
    word_bounds_D: np.ndarray,
    starts_L: np.ndarray,
    ends_L: np.ndarray,
    lengths_L: np.ndarray,
    hashes_L: np.ndarray,
    opens_L: np.ndarray,
    words_L: np.ndarray,
    line_bounds_D: np.ndarray,
    counts_DF: np.ndarray,
    signs_DS: np.ndarray,
    slots: np.ndarray,
    hashes_P: np.ndarray,
    lengths_P: np.ndarray,
) -> None:
    """Fill the arrays that follow `lorem`; those of words, lines and slots are as long as they can need to be."""
    num_words = num_lines = 0
    for document in range(len(bounds_D) - 1):
        profile = np.uint64(profile_D[document])
        flags, elides = flags_PC[profile], elides_P[profile]
        figures = counts_DF[document]
        signs = signs_DS[document]
        place, stop = bounds_D[document], bounds_D[document + 1]
        first_word, first_line, num_paragraphs = num_words, num_lines, 0
        characters = solid = letters = alphanumerics = word_lengths = 0
        tokens = lettered = longest_token = token_start = token_kinds = function_words = capital_words = 0
        line_start, line_end, line_begun, line_until, line_words = -1, 0, 0, 0, num_words
        opens = True
        paragraph_start, paragraph_begun = -1, 0
        before = np.uint64(0)
        while place < stop or line_start >= 0 or paragraph_start >= 0:
            # A line end is made where the text stops: the last line and paragraph are finished like all others.
            code, width = 0x0A, 1
            if place < stop:
                code = np.int64(bytes_B[place])
                if code >= 0x80:
                    code, width = decoded(bytes_B, place)
            kind = np.int64(flags[min(code, LAST_ENTRY)])
            if kind & (LETTER | DIGIT):
                start = place
                if line_start < 0:
                    line_start, line_begun = place, characters
                word = read_word(bytes_B, place, stop, code, width, kind, flags, lower_C, elides)
                value, length, joiners, seen, more_capitals, all_capitals, place = word
                first_capital = (kind & UPPER) != 0
                hashes_W[num_words], lengths_W[num_words] = value, length
                num_words += 1
                characters += length
                word_lengths += length
                alphanumerics += length - joiners
                line_end, line_until = place, characters
                if seen & LETTER:
                    token_kinds |= 1
                    letters += length - joiners
                    slot = found_in(function_keys, value)
                    if slot >= 0:
                        function_words += np.int64((function_profiles[slot] >> profile) & ONE_BIT)
                    if seen & DIGIT:
                        figures[MIXED_WORDS] += 1
                        for number in range(start, place):
                            letters -= 0x30 <= bytes_B[number] <= 0x39
                    elif more_capitals:
                        if first_capital and all_capitals:
                            capital_words += 1
                        else:
                            figures[ODD_CAPITALS] += 1
                    if length == 1:
                        figures[SINGLE_LETTERS] += 1
                    elif length > 3 and not seen & VOWEL:
                        figures[WORDS_WITHOUT_VOWEL] += 1
                    if value == lorem[0]:
                        figures[LOREM_WORDS] += 1
                    elif value == lorem[1] and before == lorem[0]:
                        figures[LOREM_IPSUM] += 1
                else:
                    token_kinds |= 2
                before = value
                continue
            if kind & SPACE:
                if characters > token_start:
                    longest_token = max(longest_token, characters - token_start)
                    if token_kinds:
                        tokens += 1
                        lettered += token_kinds & 1
                    token_kinds = 0
                if kind & NEWLINE:
                    if line_start >= 0:
                        starts_L[num_lines], ends_L[num_lines] = line_start, line_end
                        length = line_until - line_begun
                        lengths_L[num_lines] = length
                        hashes_L[num_lines] = hash_bytes(bytes_B, line_start, line_end)
                        opens_L[num_lines] = opens
                        words_L[num_lines] = num_words - line_words
                        if opens:
                            paragraph_start, paragraph_begun = line_start, line_begun
                        opens = False
                        code_first, _ = decoded(bytes_B, line_start)
                        opening = flags[min(code_first, LAST_ENTRY)]
                        ended = ends_sentence(bytes_B, line_start, line_end, flags)
                        figures[ENDED_LINES] += ended
                        if opening & BULLET and not (ended and opening & SPEECH):
                            figures[BULLET_LINES] += 1
                        if length < SHORT_LINE:
                            figures[SHORT_LINES] += 1
                        if line_end - line_start >= 3 and (
                            (
                                bytes_B[line_end - 1] == 0x2E
                                and bytes_B[line_end - 2] == 0x2E
                                and bytes_B[line_end - 3] == 0x2E
                            )
                            or (
                                bytes_B[line_end - 1] == 0xA6
                                and bytes_B[line_end - 2] == 0x80
                                and bytes_B[line_end - 3] == 0xE2
                            )
                        ):
                            figures[ELLIPSIS_LINES] += 1
                        figures[LINE_CHARACTERS] += length
                        figures[LONGEST_LINE] = max(figures[LONGEST_LINE], length)
                        num_lines += 1
                        if place >= stop:
                            opens = True
                    else:
                        opens = True
                    if opens and paragraph_start >= 0:
                        end = ends_L[num_lines - 1]
                        one_line = starts_L[num_lines - 1] == paragraph_start
                        hashes_P[num_paragraphs] = (
                            hashes_L[num_lines - 1] if one_line else hash_bytes(bytes_B, paragraph_start, end)
                        )
                        lengths_P[num_paragraphs] = line_until - paragraph_begun
                        figures[PARAGRAPH_CHARACTERS] += line_until - paragraph_begun
                        num_paragraphs += 1
                        paragraph_start = -1
                    line_start, line_words = -1, num_words
                    figures[NEWLINES] += place < stop
                if place >= stop:
                    break
                place += width
                characters += 1
                solid -= 1
                token_start = characters
                continue
            # A sign: punctuation, a symbol, something invisible.
            if line_start < 0:
                line_start, line_begun = place, characters
            if not kind & PUNCTUATION:
                token_kinds |= 2
            signs[(kind >> SIGN_SHIFT) & 15] += 1
            characters += 1
            after = place + width
            if kind & TERMINAL:
                position, next_kind = after, SPACE
                for turn in range(3):
                    next_kind = SPACE
                    if position >= stop:
                        break
                    code_after, width_after = decoded(bytes_B, position)
                    next_kind = flags[min(code_after, LAST_ENTRY)]
                    if turn == 2 or not next_kind & CLOSING:
                        break
                    position += width_after
                if next_kind & SPACE:
                    figures[SENTENCES] += 1
            if code == 0x2E:
                if (
                    after + 1 < stop
                    and bytes_B[after] == 0x2E
                    and bytes_B[after + 1] == 0x2E
                    and (place == bounds_D[document] or bytes_B[place - 1] != 0x2E)
                ):
                    figures[ELLIPSES] += 1
            elif code == 0x3A and after + 1 < stop and bytes_B[after] == 0x2F and bytes_B[after + 1] == 0x2F:
                figures[ADDRESSES] += 1
            elif code == 0x2026:
                figures[ELLIPSES] += 1
            # UTF-8 that was read as Latin-1 or Windows-1252: « Ã© » for « é », « â€™ » for « ’ ».
            elif (
                code >= 0x80
                and place >= bounds_D[document] + 2
                and bytes_B[place - 2] == 0xC3
                and (
                    (code < 0xC0 and (bytes_B[place - 1] & 0xFE) == 0x82)
                    or (code == 0x20AC and bytes_B[place - 1] == 0xA2)
                )
            ):
                figures[MOJIBAKE] += 1
            place = after
            line_end, line_until = place, characters
        if characters > token_start:
            longest_token = max(longest_token, characters - token_start)
            if token_kinds:
                tokens += 1
                lettered += token_kinds & 1
        word_bounds_D[document + 1] = num_words
        line_bounds_D[document + 1] = num_lines
        figures[WORDS], figures[WORD_LENGTHS] = num_words - first_word, word_lengths
        figures[CHARACTERS], figures[SOLID] = characters, characters + solid
        figures[LETTERS], figures[ALPHANUMERICS] = letters, alphanumerics
        figures[CAPITAL_WORDS], figures[FUNCTION_WORDS] = capital_words, function_words
        figures[TOKENS], figures[LETTERED_TOKENS], figures[LONGEST_TOKEN] = tokens, lettered, longest_token
        figures[LINES], figures[PARAGRAPHS] = num_lines - first_line, num_paragraphs
        num, total = mark_repeated(hashes_L, lengths_L, first_line, num_lines, SHORTEST_REPEAT, slots)
        figures[REPEATED_LINES], figures[REPEATED_LINE_CHARACTERS] = num, total
        num, total = mark_repeated(hashes_P, lengths_P, 0, num_paragraphs, 1, slots)
        figures[REPEATED_PARAGRAPHS], figures[REPEATED_PARAGRAPH_CHARACTERS] = num, total
