"""What one pass over the bytes of a batch of texts finds: words, lines, and the figures that rules ask.

The tables that kernels/scan.py reads are made here, from codepoints.py and from the languages' own files.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import pyarrow as pa

from fournil.core.languages import Language, known_languages, language, primary
from fournil.core.relatives import COLLOQUIAL, RELATIVES
from fournil.parts.text.codepoints import LETTER, flag_table, lower_codes, utf8_bytes
from fournil.parts.text.kernels import scan as kernel
from fournil.parts.text.scratch import scratch

_PARTS = re.compile("[A-Za-z]{1,8}|.", re.DOTALL)

NEUTRAL = "und"
"""How a text is read whose language nobody knows: no elision, no function words, common punctuation."""

BULLETS = "-*•‣⁃◦●■▪–—·"

SIGNS = {
    "other": "",
    "hash": "#",
    "brace": "{}",
    "exclamation": "!",
    "question": "?",
    "comma": ",",
    "separator": "|›→•·▶►",
    "currency": "€$£¥%",
    "underscore": "_=~",
    "replacement": "\ufffd",
    "at": "@",
    "quote": '«“”"',
    "colon": ":;",
}
"""Signs that are counted together, by the column's name."""


@dataclass(frozen=True)
class Words:
    """Words in reading order."""

    hashes_W: np.ndarray
    """uint64, of the word in lower case, all apostrophes and hyphens made alike."""

    lengths_W: np.ndarray
    """int32, in code points."""

    bounds_D: np.ndarray
    """int64: text d has words bounds_D[d]:bounds_D[d + 1]."""


@dataclass(frozen=True)
class Lines:
    """Lines that are not blank, without the white space around them."""

    lengths_L: np.ndarray
    """int64, in code points."""

    num_words_L: np.ndarray
    """int64."""

    bounds_D: np.ndarray
    """int64: text d has lines bounds_D[d]:bounds_D[d + 1]."""


@dataclass(frozen=True)
class Scan:
    """What was found in a batch."""

    words: Words
    lines: Lines
    profile_D: np.ndarray
    """int64: how each text was read, a number of profiles()."""

    counts_DF: np.ndarray
    """int64, by the columns that kernels/scan.py numbers."""

    signs_DS: np.ndarray
    """int64, by the columns of SIGNS."""

    def count(self, column: int) -> np.ndarray:
        """One of the figures, by text."""
        return self.counts_DF[:, column]

    def sign(self, name: str) -> np.ndarray:
        """How often the signs of a name stand in each text."""
        return self.signs_DS[:, list(SIGNS).index(name)]


@cache
def described(profile: int) -> Language:
    """The language of a profile, a nameless one for NEUTRAL."""
    tag = profiles()[profile]
    return Language(NEUTRAL, NEUTRAL, NEUTRAL) if tag == NEUTRAL else language(tag)


@cache
def profiles() -> tuple[str, ...]:
    """The ways of reading a text: one for each language that has a file, and NEUTRAL, the first."""
    return (NEUTRAL, *known_languages())


@cache
def profile_of(tag: str | None) -> int:
    """The number of the profile for a language tag."""
    known = profiles()
    return known.index(primary(tag)) if tag and primary(tag) in known else 0


@cache
def _common_flags() -> np.ndarray:
    """uint32 by code point: flag_table, and what is the same in every language."""
    flags = flag_table().astype(np.uint32)
    vowels = set("aeiouyœæøı")
    for code in np.flatnonzero(flags & LETTER).tolist():
        character = chr(code)
        base = unicodedata.normalize("NFD", character)[0].lower() if code > 0x7F else character.lower()
        # What is no Latin letter has vowels of its own, or writes none.
        if base in vowels or not "a" <= base <= "z":
            flags[code] |= kernel.VOWEL
        if character.isupper():
            flags[code] |= kernel.UPPER
    flags[-1] |= kernel.VOWEL
    flags[:0x80] |= lower_codes()[:0x80] << np.uint32(kernel.LOWER_SHIFT)
    for number, characters in enumerate(SIGNS.values()):
        for character in characters:
            flags[ord(character)] |= number << kernel.SIGN_SHIFT
    return flags


@cache
def tables() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What kernels know of characters: flags_PC, lower_C and elides_P of scan_bytes."""
    known = [described(profile) for profile in range(len(profiles()))]
    flags_PC = np.repeat(_common_flags()[None], len(known), 0)
    for flags, each in zip(flags_PC, known, strict=True):
        for bit, characters in (
            (kernel.TERMINAL, each.terminal_punctuation),
            (kernel.CLOSING, each.closing_marks),
            (kernel.BULLET, BULLETS),
            (kernel.SPEECH, each.speech_dashes),
        ):
            flags[[ord(character) for character in characters]] |= bit
    elides_P = np.array([each.apostrophe_ends_word for each in known], bool)
    return flags_PC, lower_codes(), elides_P


def word_hash(word: str) -> int:
    """The hash of one word, or of one end to end with its apostrophe (« l' »), as Words.hashes_W has it."""
    value = int(kernel.SEED)
    lower = lower_codes()
    for part in _PARTS.findall(word):
        code = ord(part[0])
        if code < 0x80 and part.isalpha():
            said = int.from_bytes(part.lower().encode(), "little")
        else:
            said = int(kernel.SINGLE) | (int(lower[code]) if code < 0x10000 else code)
        value = ((value ^ said) * int(kernel.PRIME)) % (1 << 64)
        value ^= value >> 33
    value ^= value >> 33
    value = value * int(kernel.ONE) % (1 << 64)
    value ^= value >> 33
    value = value * int(kernel.TWO) % (1 << 64)
    return value ^ (value >> 33)


def function_words_of(tag: str) -> frozenset[str]:
    """Those of a language, of its speech and of its relatives: a creole or an SMS is not short of them."""
    kin = (relative.words for relative in RELATIVES.get(tag, ()))
    return described(profile_of(tag)).stop_words.union(COLLOQUIAL.get(tag, ()), *kin)


@cache
def function_words() -> tuple[np.ndarray, np.ndarray]:
    """A table of the function words of all languages that have a file, by open addressing.

    Returns:
        uint64 hashes, 0 where nothing stands, and with each a bit for every profile whose language has the word.
    """
    bits: dict[int, int] = {}
    for profile in range(len(profiles())):
        for word in function_words_of(profiles()[profile]):
            key = word_hash(word)
            bits[key] = bits.get(key, 0) | 1 << profile
    return open_addressing(bits)


def open_addressing(bits: dict[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Keys (uint64, 0 where nothing stands) and what is said of each (uint64), as kernel.found_in looks for them."""
    size = 2
    while size < 4 * len(bits):
        size *= 2
    keys, values = np.zeros(size, np.uint64), np.zeros(size, np.uint64)
    for key in sorted(bits):
        slot = key % size
        while keys[slot]:
            slot = (slot + 1) % size
        keys[slot], values[slot] = key, bits[key]
    return keys, values


@cache
def _lorem() -> np.ndarray:
    return np.array([word_hash("lorem"), word_hash("ipsum")], np.uint64)


def scan(texts: pa.Array, tags: Sequence[str | None]) -> Scan:
    """Read a batch of texts.

    Args:
        texts: Strings without nulls.
        tags: The language in which each is to be read (a guess will do): it decides what elides, what ends a sentence
            and what opens a line of speech.
    """
    return scan_bytes(*utf8_bytes(texts), np.array([profile_of(tag) for tag in tags], np.int64))


def scan_bytes(bytes_B: np.ndarray, bounds_D: np.ndarray, profile_D: np.ndarray) -> Scan:
    """Read texts that are valid UTF-8: text d is bytes_B[bounds_D[d]:bounds_D[d + 1]], read as profile_D[d] says."""
    num_texts = len(bounds_D) - 1
    most_words = len(bytes_B) // 2 + num_texts + 1
    most_lines = int(np.count_nonzero(bytes_B == 0x0A)) + num_texts + 1
    size = 2
    while size < 2 * most_lines:
        size *= 2
    hashes_W, lengths_W = scratch("hashes_W", most_words, np.uint64), scratch("lengths_W", most_words, np.int32)
    word_bounds_D, line_bounds_D = np.zeros(num_texts + 1, np.int64), np.zeros(num_texts + 1, np.int64)
    starts_L, ends_L, lengths_L, words_L = (
        scratch(name, most_lines, np.int64) for name in ("starts_L", "ends_L", "lengths_L", "words_L")
    )
    hashes_L, opens_L = scratch("hashes_L", most_lines, np.uint64), scratch("opens_L", most_lines, np.bool_)
    counts_DF = np.zeros((num_texts, kernel.FIGURES), np.int64)
    signs_DS = np.zeros((num_texts, len(SIGNS)), np.int64)
    flags_PC, lower_C, elides_P = tables()
    kernel.scan_bytes(
        bytes_B,
        bounds_D,
        profile_D,
        flags_PC,
        lower_C,
        elides_P,
        *function_words(),
        _lorem(),
        hashes_W,
        lengths_W,
        word_bounds_D,
        starts_L,
        ends_L,
        lengths_L,
        hashes_L,
        opens_L,
        words_L,
        line_bounds_D,
        counts_DF,
        signs_DS,
        scratch("slots", size, np.int32),
        scratch("hashes_P", most_lines, np.uint64),
        scratch("lengths_P", most_lines, np.int64),
    )
    w, n = int(word_bounds_D[-1]), int(line_bounds_D[-1])
    return Scan(
        Words(hashes_W[:w].copy(), lengths_W[:w].copy(), word_bounds_D),
        Lines(lengths_L[:n].copy(), words_L[:n].copy(), line_bounds_D),
        profile_D,
        counts_DF,
        signs_DS,
    )
