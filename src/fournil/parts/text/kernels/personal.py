"""Places in UTF-8 that are worth a look for personal data: one pass over the bytes, no look at what is plain prose.

A place is an @ between a name and a host, a run of digits long enough, a run of hexadecimal digits and colons, a long
run of letters and digits, a postcode, or a word that announces something (`labels`). What each place holds is decided
in fournil.parts.text.personal, which reads the text around these places only.
"""

import numpy as np

from fournil.parts.text.kernels.bits import eight
from fournil.parts.text.kernels.characters import whole
from fournil.parts.text.kernels.compile import kernel
from fournil.parts.text.kernels.scan import ONE_BIT

SIGN, NUMBER, COLONS, TOKEN, POSTCODE, LABELS = 0, 1, 2, 3, 4, 5
"""Kinds of place; a label's own kind is LABELS and more."""

PREFIX, STRICT, NEAR_DIGIT, FAR_DIGIT, LONG, ARMOURED = 1, 2, 4, 8, 16, 32
"""What a label asks: nothing about how the word ends; a colon or = behind it; a digit near; a digit far; 12 bytes of a
token behind it; five hyphens before it."""

LABEL_SLOTS = 1 << 15
"""One for each value of the rolling hash of three bytes."""

_SPLITS, _DIGIT, _SIGN, _COLON = 0, 4, 8, 16
_IN_WORD, _LIKE_BEFORE = 1, 2
_LONGEST_WORD = 40
_LONG_TOKEN = 16
_MOST_GROUPS = 32
_NEAR, _FAR = 64, 160
_LOWER_BITS = np.uint64(0x2020202020202020)
_TWO, _THREE, _FIVE, _TEN, _SLOTS = np.uint64(2), np.uint64(3), np.uint64(5), np.uint64(10), np.uint64(LABEL_SLOTS - 1)


def byte_classes() -> np.ndarray:
    """Flags (uint8) of each byte: whether it belongs to a word, and whether it is one at which to stop and look.

    A continuation byte is what its first byte was; C2, E2 and F0 open spaces, punctuation and pictures.
    """
    classes = np.full(256, _SPLITS, np.uint8)
    for first, last in (("a", "z"), ("A", "Z")):
        classes[ord(first) : ord(last) + 1] = _IN_WORD
    classes[ord("0") : ord("9") + 1] = _IN_WORD | _DIGIT
    classes[0x80:0xC0] = _LIKE_BEFORE
    classes[0xC3:0xF0] = _IN_WORD
    classes[0xE2] = _SPLITS
    classes[ord("@")] = _SIGN
    classes[ord(":")] = _COLON
    return classes


def lower_bytes() -> np.ndarray:
    """Each byte in lower case (uint16), for the rolling hash: accented capitals of Latin-1 among others."""
    lower = np.arange(256, dtype=np.uint16)
    lower[ord("A") : ord("Z") + 1] += 32
    lower[0x80:0x9F] += 0x20
    return lower


def first_bytes(label: bytes) -> tuple[int, int]:
    """The first eight bytes of a label, all in lower case, and which bits of a text's eight bytes must be these."""
    head = label[:8]
    mask = (1 << 8 * len(head)) - 1
    return (int.from_bytes(head, "little") | int(_LOWER_BITS)) & mask, mask


def rolled(label: bytes) -> int:
    """The rolling hash of a label's first three bytes."""
    lower = lower_bytes()
    value = 0
    for byte in label[:3]:
        value = ((value << 5) ^ int(lower[byte])) & (LABEL_SLOTS - 1)
    return value


@kernel
def lowered(byte: int, before: int) -> int:
    """A byte of a text in lower case: ASCII, and the accented letters of Latin-1."""
    if 65 <= byte <= 90:
        return byte + 32
    if before == 0xC3 and 0x80 <= byte <= 0x9E:
        return byte + 0x20
    return byte


@kernel
def _is_host(byte: int) -> bool:
    return 48 <= byte <= 57 or 65 <= byte <= 90 or 97 <= byte <= 122 or byte == 45 or byte == 46 or byte >= 0x80


@kernel
def _is_name(byte: int) -> bool:
    return _is_host(byte) or byte == 95 or byte == 43 or byte == 37


@kernel
def _is_hex(byte: int) -> bool:
    return 48 <= byte <= 57 or 65 <= byte <= 70 or 97 <= byte <= 102


@kernel
def _is_token(byte: int) -> bool:
    return 48 <= byte <= 57 or 65 <= byte <= 90 or 97 <= byte <= 122 or byte == 45 or byte == 95 or byte == 46


@kernel
def _is_word(byte: int) -> bool:
    return 48 <= byte <= 57 or 65 <= byte <= 90 or 97 <= byte <= 122 or byte == 95


@kernel
def _separator(bytes_B: np.ndarray, place: int, end: int) -> int:
    """How many bytes of a separator within a number stand at a place: 0 for none."""
    if place >= end:
        return 0
    byte = bytes_B[place]
    if byte == 32 or 45 <= byte <= 47 or byte == 40 or byte == 41:  # space - . / ( )
        return 1
    if byte == 0xC2 and place + 1 < end and bytes_B[place + 1] == 0xA0:
        return 2
    if byte == 0xE2 and place + 2 < end and bytes_B[place + 1] == 0x80:
        last = bytes_B[place + 2]
        if last == 0xAF or last == 0x89 or last == 0x91:
            return 3
    return 0


@kernel
def _mail(bytes_B: np.ndarray, sign: int, begin: int, end: int) -> tuple[int, int]:
    """Bounds of what looks like a mail address or a password and a host around an @; 0, 0 for neither."""
    start = sign
    while start > begin and sign - start <= 64 and _is_name(bytes_B[start - 1]):
        start -= 1
    stop, dots = sign + 1, 0
    while stop < end and stop - sign <= 260 and _is_host(bytes_B[stop]):
        dots += bytes_B[stop] == 46
        stop += 1
    # A name or a host that is cut for its length begins and ends with a whole character.
    while start < sign and bytes_B[start] & 0xC0 == 0x80:
        start += 1
    while sign + 1 < stop < end and bytes_B[stop] & 0xC0 == 0x80:
        stop -= 1
    if stop == sign + 1 or (stop < end and bytes_B[stop] == 64):
        return 0, 0
    if start > begin and bytes_B[start - 1] == 64:
        return 0, 0
    if start == sign and (sign == begin or bytes_B[sign - 1] <= 32):
        return 0, 0
    if dots == 0 and not (stop < end and bytes_B[stop] == 58):
        return 0, 0
    return start, stop


@kernel
def _colons(bytes_B: np.ndarray, colon: int, begin: int, end: int) -> tuple[int, int]:
    """Bounds of an address of the sixth version of the Internet Protocol around a colon; 0, 0 for none."""
    start = colon
    while start > begin and colon - start < 5 and _is_hex(bytes_B[start - 1]):
        start -= 1
    if colon - start > 4 or (start > begin and (_is_word(bytes_B[start - 1]) or bytes_B[start - 1] >= 0x80)):
        return 0, 0
    stop, num, double = colon, 0, False
    while stop < end and stop - start < 48 and (_is_hex(bytes_B[stop]) or bytes_B[stop] == 58):
        if bytes_B[stop] == 58:
            num += 1
            double = double or (stop > start and bytes_B[stop - 1] == 58)
        stop += 1
    if stop < end and (_is_word(bytes_B[stop]) or bytes_B[stop] >= 0x80):
        return 0, 0
    if num >= 7 or (double and num >= 3):
        return start, stop
    return 0, 0


@kernel
def _label(
    bytes_B: np.ndarray,
    place: int,
    begin: int,
    end: int,
    label: int,
    next_L: np.ndarray,
    labels_B: np.ndarray,
    bounds_L: np.ndarray,
    asks_L: np.ndarray,
) -> int:
    """The longest of a chain of labels that stands at a place; -1 for none."""
    best, longest = -1, 0
    while label >= 0:
        length = bounds_L[label + 1] - bounds_L[label]
        if length > longest and place + length <= end:
            at = 0
            while (
                at < length
                and lowered(bytes_B[place + at], bytes_B[place + at - 1] if at else 0)
                == (labels_B[bounds_L[label] + at])
            ):
                at += 1
            if at == length and _holds(bytes_B, place, place + length, begin, end, asks_L[label]):
                best, longest = label, length
        label = next_L[label]
    return best


@kernel
def _holds_digit(bytes_B: np.ndarray, start: int, end: int) -> bool:
    """Whether a digit stands between two places."""
    at = start
    while at < end and not 48 <= bytes_B[at] <= 57:
        at += 1
    return at < end


@kernel
def _holds(bytes_B: np.ndarray, start: int, stop: int, begin: int, end: int, asks: int) -> bool:
    """Whether what a label asks of the text around it is so."""
    if not asks & 1 and stop < end:  # PREFIX
        byte = bytes_B[stop]
        if _is_word(byte) or 0xC3 <= byte < 0xE2:
            return False
    if asks & 2:  # STRICT
        at = stop
        while at < end and at - stop < 4 and (bytes_B[at] == 32 or bytes_B[at] == 34 or bytes_B[at] == 39):
            at += 1
        if at + 1 < end and bytes_B[at] == 0xC2 and bytes_B[at + 1] == 0xA0:
            at += 2
        if at >= end or (bytes_B[at] != 58 and bytes_B[at] != 61):
            return False
    if asks & 4:  # NEAR_DIGIT
        return _holds_digit(bytes_B, max(begin, start - 32), min(end, stop + _NEAR))
    if asks & 8:  # FAR_DIGIT
        return _holds_digit(bytes_B, stop, min(end, stop + _FAR))
    if asks & 32:  # ARMOURED
        return start - begin >= 5 and bytes_B[start - 1] == 45 and bytes_B[start - 5] == 45
    if asks & 16:  # LONG
        at = stop
        while at < end and _is_token(bytes_B[at]):
            at += 1
            if at - stop >= 12:
                return True
        return False
    return True


@kernel
def _is_capital(bytes_B: np.ndarray, place: int, end: int) -> bool:
    """Whether a capital letter stands at a place."""
    if place >= end:
        return False
    byte = bytes_B[place]
    if 65 <= byte <= 90:
        return True
    return byte == 0xC3 and place + 1 < end and 0x80 <= bytes_B[place + 1] <= 0x9E


@kernel
def _is_postcode(bytes_B: np.ndarray, start: int, stop: int, digits: int, begin: int, end: int) -> bool:
    """Whether a word with digits could be a postcode, or the second half of one."""
    length = stop - start
    first, last = bytes_B[start], bytes_B[stop - 1]
    if digits == length:
        before = bytes_B[start - 1] if start > begin else 10
        if length == 5:
            if stop + 1 < end and (bytes_B[stop] == 32 or bytes_B[stop] == 0xC2):
                return _is_capital(bytes_B, stop + 1 + (bytes_B[stop] == 0xC2), end)
            return before == 32 and start - begin >= 3 and 65 <= bytes_B[start - 2] <= 90 >= bytes_B[start - 3] >= 65
        if length == 4 and stop < end and bytes_B[stop] == 32 and _is_capital(bytes_B, stop + 1, end):
            comma = start - begin >= 2 and before == 32 and bytes_B[start - 2] == 44
            return comma or before == 10 or (before == 45 and start - begin >= 2 and 65 <= bytes_B[start - 2] <= 90)
        return False
    if length == 3 and digits in (1, 2) and 48 <= first <= 57 and start - begin >= 3 and bytes_B[start - 1] == 32:
        middle = bytes_B[start + 1]
        inward = 65 <= middle <= 90 and (65 <= last <= 90 or 48 <= last <= 57)
        before = bytes_B[start - 2]
        return inward and (48 <= before <= 57 or 65 <= before <= 90)
    if length == 4 and digits in (1, 2, 3) and start - begin >= 4 and bytes_B[start - 1] == 32:
        # Ireland: F99 W2X1
        return (
            65 <= first <= 90
            and (48 <= bytes_B[start - 2] <= 57 or bytes_B[start - 2] == 87)
            and (48 <= bytes_B[start - 3] <= 57 and 65 <= bytes_B[start - 4] <= 90)
        )
    return length == 6 and digits == 3 and 48 <= last <= 57 and 65 <= first <= 90 and 65 <= bytes_B[start + 4] <= 90


@kernel
def _is_nino(bytes_B: np.ndarray, start: int, stop: int, begin: int, end: int) -> bool:
    """Whether six digits stand between two capitals and one of A to D, as in a British insurance number."""
    at = start - 1 if start > begin and bytes_B[start - 1] == 32 else start
    if at - begin < 2 or not (65 <= bytes_B[at - 1] <= 90 and 65 <= bytes_B[at - 2] <= 90):
        return False
    at = stop + 1 if stop < end and bytes_B[stop] == 32 else stop
    return at < end and 65 <= bytes_B[at] <= 68


@kernel
def _is_prefixed(bytes_B: np.ndarray, start: int, begin: int) -> bool:
    """Whether two capitals and a space stand before a number, as a country does before its number for VAT."""
    if start - begin < 3 or bytes_B[start - 1] not in (32, 0xA0):
        return False
    at = start - 1 - (bytes_B[start - 1] == 0xA0)
    if at - begin < 2 or not (65 <= bytes_B[at - 1] <= 90 and 65 <= bytes_B[at - 2] <= 90):
        return False
    return at - 2 == begin or not _is_word(int(bytes_B[at - 3]))


@kernel
def _begins_word(bytes_B: np.ndarray, place: int, begin: int, classes: np.ndarray) -> bool:
    """Whether no letter and no digit stands before a place."""
    at = place - 1
    while at >= begin and classes[bytes_B[at]] & 2:
        at -= 1
    return at < begin or not classes[bytes_B[at]] & 1


@kernel
def _word_end(bytes_B: np.ndarray, place: int, end: int, classes: np.ndarray) -> tuple[int, int, int]:
    """Where the word at a place ends, and how many digits and letters it holds."""
    digits, letters, before = 0, 0, 1
    while place < end:
        flags = classes[bytes_B[place]]
        if flags & 4:
            digits += 1
        elif flags & 1:
            letters += 1
        elif not flags & 2 or not before:
            break
        before = 1
        place += 1
    return place, digits, letters


@kernel
def _word_start(bytes_B: np.ndarray, place: int, begin: int, classes: np.ndarray) -> int:
    """Where the word that holds a place begins, no further back than words are long."""
    start = place
    while start > begin and place - start <= _LONGEST_WORD and classes[bytes_B[start - 1]] & 3:
        start -= 1
    # A continuation byte belongs to a word only if its first byte does: apostrophes and spaces do not.
    while start < place and classes[bytes_B[start]] & 2:
        start += 1
    at = start
    while at < place:
        if classes[bytes_B[at]] == 0:
            start = at + 1
        at += 1
    while start < place and classes[bytes_B[start]] & 2:
        start += 1
    return start


@kernel
def _is_figure_of_a_machine(bytes_B: np.ndarray, start: int, stop: int, letters: int) -> bool:
    """Whether a word is a hexadecimal figure or a hash, or has more digits than any number of ours."""
    if letters == 0:
        return stop - start > 20
    if bytes_B[start] == 48 and bytes_B[start + 1] | 32 == 120:  # 0x
        return True
    prefixed = 65 <= bytes_B[start] <= 90 and 65 <= bytes_B[start + 1] <= 90
    return stop - start > 34 or (stop - start > 16 and not prefixed)


@kernel
def _number(
    bytes_B: np.ndarray,
    place: int,
    begin: int,
    end: int,
    text: int,
    num: int,
    classes: np.ndarray,
    kinds_P: np.ndarray,
    texts_P: np.ndarray,
    starts_P: np.ndarray,
    ends_P: np.ndarray,
) -> tuple[int, int]:
    """Look at the word around a digit, and at those behind it that hold digits.

    Returns:
        How many places there are now, and where the number ends.
    """
    start = _word_start(bytes_B, place, begin, classes)
    stop, digits, letters = _word_end(bytes_B, start, end, classes)
    stop = max(stop, place + 1)
    if stop - start >= _LONG_TOKEN and letters > 0:
        kinds_P[num], texts_P[num], starts_P[num], ends_P[num] = TOKEN, text, start, stop
        num += 1
    if stop - start > _LONGEST_WORD:
        return num, stop
    length, room = stop - start, len(kinds_P) - 4
    if _is_figure_of_a_machine(bytes_B, start, stop, letters):
        return num, stop
    total, mixed, groups, lead = digits, letters > 0, 1, digits
    dotted, num_dotted, quad = length <= 3 and letters == 0, 0, False
    thousands, last_length = digits <= 3 and letters == 0, length
    dashed, one_dot = length == 4 and letters == 0, False
    suffixed = letters > 0 and (classes[bytes_B[start]] & 4 != 0 or classes[bytes_B[stop - 1]] & 4 == 0)
    if length == 10 and digits == 4 and letters == 6 and classes[bytes_B[stop - 1]] & 4 == 0:
        total = 7  # a permanent account number of India
    if _is_postcode(bytes_B, start, stop, digits, begin, end):
        kinds_P[num], texts_P[num], starts_P[num], ends_P[num] = POSTCODE, text, start, stop
        num += 1
    while num < room:
        word, is_dot, is_space = stop, False, False
        for _ in range(3):
            width = _separator(bytes_B, word, end)
            if width == 0:
                break
            if is_dot and bytes_B[word] == 46:  # from one number to another: 1..10
                word = stop
                break
            is_dot = word == stop and bytes_B[word] == 46
            is_space = is_space or (word == stop and (bytes_B[word] == 32 or width > 1))
            word += width
        if word == stop or word >= end:
            break
        last, digits, letters = _word_end(bytes_B, word, end, classes)
        if digits == 0 or last - word > _LONGEST_WORD:
            break
        if last - word >= _LONG_TOKEN and letters > 0:
            kinds_P[num], texts_P[num], starts_P[num], ends_P[num] = TOKEN, text, word, last
            num += 1
        if _is_postcode(bytes_B, word, last, digits, begin, end):
            kinds_P[num], texts_P[num], starts_P[num], ends_P[num] = POSTCODE, text, word, last
            num += 1
        total += digits
        groups += 1
        last_length = last - word
        mixed = mixed or letters > 0
        suffixed = suffixed or (letters > 0 and classes[bytes_B[word]] & 4 != 0)
        thousands = thousands and is_space and digits == 3 and letters == 0
        short = last_length <= 3 and letters == 0
        num_dotted = num_dotted + 1 if is_dot and dotted and short else 0
        dotted = short
        quad = quad or num_dotted == 3
        stop = last
        dashed = dashed and (groups > 3 or (bytes_B[word - 1] == 45 and last_length >= 2))
        one_dot = is_dot and groups == 2
    plus = start > begin and bytes_B[start - 1] == 43
    if not plus and not mixed and groups == 2 and one_dot:
        return num, stop  # a decimal fraction
    if lead == 4 and groups >= 3 and dashed and stop < end and bytes_B[stop] == 58:
        return num, stop  # a date and a time
    zero = bytes_B[start] == 48
    wanted = quad or ((plus or suffixed) and total >= 7)
    if groups > _MOST_GROUPS:
        return num, stop  # a row of a table
    if total == 8 and groups == 2 and lead == 4 and bytes_B[start] in (49, 50):
        return num, stop  # from year to year
    if total == 8 and not wanted:
        year = groups == 3 and (lead == 4 or last_length == 4)
        if groups == 1:
            first, second = bytes_B[start], bytes_B[start + 1]
            year = (first == 49 and second == 57) or (first == 50 and second == 48)
        wanted = mixed or not (year or (thousands and groups > 1 and not zero))
    elif total > 8 and not wanted:
        wanted = zero or not thousands or total == 9 or _is_prefixed(bytes_B, start, begin)
    elif total == 6 and not wanted:
        wanted = _is_nino(bytes_B, start, stop, begin, end)
    if wanted:
        kinds_P[num], texts_P[num], starts_P[num], ends_P[num] = NUMBER, text, start, stop
        num += 1
    return num, stop


@kernel
def scan_personal(
    bytes_B: np.ndarray,
    bounds_D: np.ndarray,
    first: int,
    offset: int,
    classes: np.ndarray,
    lower: np.ndarray,
    hits_S: np.ndarray,
    slots_S: np.ndarray,
    next_L: np.ndarray,
    labels_B: np.ndarray,
    bounds_L: np.ndarray,
    first_L2: np.ndarray,
    asks_L: np.ndarray,
    kinds_L: np.ndarray,
    kinds_P: np.ndarray,
    texts_P: np.ndarray,
    starts_P: np.ndarray,
    ends_P: np.ndarray,
) -> tuple[int, int, int]:
    """Find places in texts, from an offset in text `first` on, until all are read or the arrays are full.

    On prose the loop reads one byte after another with a single branch that is nearly always taken: a rolling hash of
    three bytes says whether a label may begin there, so words are neither cut nor compared.

    Returns:
        How many places were found, and the text and the offset where the next call goes on.
    """
    num, room = 0, len(kinds_P) - 40
    for text in range(first, len(bounds_D) - 1):
        begin, end = bounds_D[text], bounds_D[text + 1]
        start = max(begin, offset)
        second = np.uint64(lower[bytes_B[start - 2]] if start - 2 >= begin else 0)
        third = np.uint64(lower[bytes_B[start - 1]] if start - 1 >= begin else 0)
        at, stop_at = np.uint64(start), np.uint64(end)
        while at < stop_at:
            byte = bytes_B[at]
            flags = classes[byte]
            first_byte, second, third = second, third, np.uint64(lower[byte])
            value = ((first_byte << _TEN) ^ (second << _FIVE) ^ third) & _SLOTS
            if (flags >> 2) | hits_S[value] == 0:
                at += ONE_BIT
                continue
            i = whole(at)
            if num >= room:
                return num, text, i
            label = -1
            if hits_S[value] and i - 2 >= begin and not (i - 3 >= begin and classes[bytes_B[at - _THREE]] & 1):
                label = int(slots_S[value])
            if label >= 0 and i + 6 <= len(bytes_B):
                # Eight bytes at once: nearly always, the word that begins so is another one.
                block = eight(bytes_B, at - _TWO) | _LOWER_BITS
                while label >= 0 and (block ^ first_L2[label, 0]) & first_L2[label, 1]:
                    label = int(next_L[label])
            if label >= 0 and _begins_word(bytes_B, i - 2, begin, classes):
                label = _label(bytes_B, i - 2, begin, end, label, next_L, labels_B, bounds_L, asks_L)
                if label >= 0:
                    kinds_P[num], texts_P[num], starts_P[num] = kinds_L[label], text, i - 2
                    ends_P[num] = i - 2 + bounds_L[label + 1] - bounds_L[label]
                    num += 1
            following = i + 1
            if flags & 8:
                start, stop = _mail(bytes_B, i, begin, end)
                if stop:
                    kinds_P[num], texts_P[num], starts_P[num], ends_P[num] = SIGN, text, start, stop
                    num += 1
            elif flags & 16:
                if i + 1 < end and (bytes_B[i + 1] == 58 or _is_hex(bytes_B[i + 1])):
                    start, stop = _colons(bytes_B, i, begin, end)
                    if stop:
                        kinds_P[num], texts_P[num], starts_P[num], ends_P[num] = COLONS, text, start, stop
                        num += 1
                        following = stop
            elif flags & 4:
                num, following = _number(bytes_B, i, begin, end, text, num, classes, kinds_P, texts_P, starts_P, ends_P)
            if following > i + 1:
                second, third = np.uint64(lower[bytes_B[following - 2]]), np.uint64(lower[bytes_B[following - 1]])
            at = np.uint64(following)
        offset = 0
    return num, len(bounds_D) - 1, 0
