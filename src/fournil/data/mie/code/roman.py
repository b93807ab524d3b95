"""Roman numerals, both ways."""

VALUES = (1000, 900, 500, 400, 100, 90, 50, 40, 10, 9, 5, 4, 1)
SYMBOLS = tuple(zip(VALUES, ["M", "CM", "D", "CD", "C", "XC", "L", "XL", "X", "IX", "V", "IV", "I"], strict=True))


def to_roman(number: int) -> str:
    """Write a number from 1 to 3999 the way the Romans did."""
    if not 0 < number < 4000:
        raise ValueError("Roman numerals go from 1 to 3999")
    letters = []
    for value, symbol in SYMBOLS:
        count, number = divmod(number, value)
        letters.append(symbol * count)
    return "".join(letters)


def from_roman(text: str) -> int:
    """Read a numeral; only its usual spelling is accepted."""
    total, rest = 0, text.upper()
    for value, symbol in SYMBOLS:
        while rest.startswith(symbol):
            total, rest = total + value, rest.removeprefix(symbol)
    if rest or to_roman(total) != text.upper():
        raise ValueError(f"not a Roman numeral: {text!r}")
    return total
