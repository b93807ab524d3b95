"""What Python's `str` and datatrove say of each character, as one table that kernels read."""

from functools import cache

import numpy as np

SPACE = 1
"""`str.isspace`: what `strip` and `split` take for white space."""

LINE = 2
"""Where `str.splitlines` ends a line."""

ALPHA = 4
"""`str.isalpha`."""

DIGIT = 8
"""`str.isdecimal`: what `\\d` matches."""

SYMBOL = 16
"""What datatrove calls punctuation: a word of nothing else is no word for Gopher's rules."""

TERMINAL = 32
"""What datatrove takes for the end of a sentence."""

WORD = 64
"""Letters, marks and numbers: what words are made of, in our splitter."""

LOWER = 128
"""`str.islower`."""

TABLE_SIZE = 0x40000
"""Beyond plane 3 there are tags and private use only: none of the flags holds there."""

# As hexadecimal code points and ranges, the terminal ones apart.
_SYMBOLS = """
0-8 B-1F 22-2D 2F 3A-3E 40 5B-60 7B-9F AB B4 BB 2013-2014 2019 201C-201E 2026 2236 2501 25BA 3001 3008-300D 3010-3011
FF05 FF08-FF09 FF0C FF11 FF1A-FF1B FF5E
"""
_TERMINALS = """
21 2E 3F 589 61D-61F 6D4 700-702 7F9 837 839 83D-83E 964-965 104A-104B 1362 1367-1368 166E 1735-1736 17D4-17D6
17D9-17DA 1803 1809 1944-1945 1AA8-1AAB 1B5A-1B5B 1B5E-1B5F 1B7D-1B7E 1C3B-1C3C 1C7E-1C7F 203C-203D 2047-2049 2E2E
2E3C 2E53-2E54 3002 A4FF A60E-A60F A6F3 A6F7 A876-A877 A8CE-A8CF A92F A9C8-A9C9 AA5D-AA5F AAF0-AAF1 ABEB FE52
FE56-FE57 FF01 FF0E FF1F FF61 10A56-10A57 10F55-10F59 10F86-10F89 11047-11048 110BE-110C1 11141-11143 111C5-111C6
111CD 111DE-111DF 11238-11239 1123B-1123C 112A9 1144B-1144C 115C2-115C3 115C9-115D7 11641-11642 1173C-1173E 11944
11946 11A42-11A43 11A9B-11A9C 11C41-11C42 11EF7-11EF8 11F43-11F44 16A6E-16A6F 16AF5 16B37-16B38 16B44 16E98 1BC9F
1DA88
"""
_LINES = "A-D 1C-1E 85 2028-2029"


def _codes(ranges: str) -> list[int]:
    codes: list[int] = []
    for item in ranges.split():
        first, _, last = item.partition("-")
        codes += range(int(first, 16), int(last or first, 16) + 1)
    return codes


def terminal_characters() -> tuple[str, ...]:
    """The characters that end a sentence, in order."""
    return tuple(map(chr, _codes(_TERMINALS)))


@cache
def class_table() -> np.ndarray:
    """Flags (uint8) by code point; a code point beyond the table takes its last entry, which has none."""
    characters = [chr(code) for code in range(TABLE_SIZE)]
    table = np.zeros(TABLE_SIZE, np.uint8)
    for flag, holds in (
        (SPACE, str.isspace),
        (ALPHA, str.isalpha),
        (DIGIT, str.isdecimal),
        (WORD, str.isalnum),
        (LOWER, str.islower),
    ):
        table[np.fromiter(map(holds, characters), bool, TABLE_SIZE)] |= flag
    table[_marks()] |= WORD
    table[_codes(_LINES)] |= LINE
    table[_codes(_TERMINALS)] |= TERMINAL | SYMBOL
    table[_codes(_SYMBOLS)] |= SYMBOL
    return table


def _marks() -> np.ndarray:
    """Combining marks: neither letters nor numbers for Python, but nothing that parts a word."""
    from fournil.parts.text.codepoints import LETTER, flag_table

    flags = flag_table()[: min(len(flag_table()) - 1, TABLE_SIZE)]
    return np.flatnonzero(flags & LETTER)


@cache
def member_table(characters: tuple[str, ...]) -> np.ndarray:
    """1 (uint8) for the code points of some characters.

    Args:
        characters: One code point each.
    """
    table = np.zeros(TABLE_SIZE, np.uint8)
    table[[ord(character) for character in characters]] = 1
    return table
