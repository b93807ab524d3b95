"""What is found, and what is written in its place."""

from typing import NamedTuple

MARKS = {
    "e-mail": "[E-MAIL]",
    "phone": "[PHONE]",
    "ip": "[IP]",
    "iban": "[IBAN]",
    "card": "[CARD]",
    "nir": "[NIR]",
    "siren": "[SIREN]",
    "siret": "[SIRET]",
    "tax-number": "[TAX NUMBER]",
    "key": "[KEY]",
    "password": "[PASSWORD]",
    "birth-date": "[BIRTH DATE]",
    "address": "[ADDRESS]",
}
"""What stands in the text in place of each kind."""

KINDS = tuple(MARKS)

SPARED = ("reserved", "roles")
"""What is left standing unless asked: names, addresses and numbers that are reserved for examples and for fiction; mail
addresses of roles and of mailing lists."""


class Found(NamedTuple):
    """Personal data at text[start:end]."""

    kind: str
    start: int
    end: int


def mask(text: str, found: list[Found]) -> str:
    """The text with marks in place of what was found."""
    pieces, place = [], 0
    for item in found:
        pieces += [text[place : item.start], MARKS[item.kind]]
        place = item.end
    return "".join([*pieces, text[place:]])
