"""Where in a batch of texts it is worth looking: the kernel's places, each with the finders that look there."""

from collections.abc import Callable, Iterator
from functools import cache
from typing import NamedTuple

import numpy as np

from fournil.core.languages import Language
from fournil.parts.text.kernels.personal import (
    ARMOURED,
    COLONS,
    FAR_DIGIT,
    LABEL_SLOTS,
    LABELS,
    LONG,
    NEAR_DIGIT,
    NUMBER,
    POSTCODE,
    PREFIX,
    SIGN,
    STRICT,
    TOKEN,
    byte_classes,
    first_bytes,
    lower_bytes,
    rolled,
    scan_personal,
)
from fournil.parts.text.personal import accounts, addresses, birth, mail, network, phone, secrets, spoken, tax
from fournil.parts.text.personal.found import Found
from fournil.parts.text.personal.window import Window

Finder = Callable[[Window, int, int], Iterator[Found]]

_PASSWORD, _SECRET, _PREFIX, _BIRTH, _ADDRESS, _SPOKEN, _HIDDEN, _COMMAND, ARMOUR, _BIRTH_SAID = range(
    LABELS, LABELS + 10
)
FINDERS: dict[int, tuple[tuple[str, Finder], ...]] = {
    SIGN: (("password", secrets.passwords_in_addresses), ("e-mail", mail.emails)),
    NUMBER: (
        ("iban", accounts.ibans),
        ("nir", accounts.nirs),
        ("siret", accounts.sirets),
        ("card", accounts.cards),
        ("ip", network.machines),
        ("tax-number", tax.tax_numbers),
        ("siren", accounts.sirens),
        ("phone", phone.phones),
        ("birth-date", birth.born_columns),
    ),
    COLONS: (("ip", network.machines),),
    TOKEN: (("key", secrets.tokens),),
    POSTCODE: (("address", addresses.postal_addresses),),
    ARMOUR: (("key", secrets.private_keys),),
    _PASSWORD: (("password", secrets.passwords),),
    _SECRET: (("key", secrets.labelled_keys), ("key", secrets.uuids)),
    _PREFIX: (("key", secrets.prefixed_keys),),
    _BIRTH: (("birth-date", birth.birth_dates),),
    _BIRTH_SAID: (("birth-date", birth.said_birth_dates),),
    _ADDRESS: (("address", addresses.announced_addresses),),
    _SPOKEN: (("phone", spoken.spoken_phones),),
    _HIDDEN: (("e-mail", mail.hidden_emails),),
    _COMMAND: (("password", secrets.passwords_in_commands),),
}
"""By kind of place, who looks there, and for what."""

_ROOM = 1 << 14


class Labels(NamedTuple):
    """Words in UTF-8 and a table by which the kernel finds the one that begins at a place."""

    hits_S: np.ndarray
    slots_S: np.ndarray
    next_L: np.ndarray
    bytes_B: np.ndarray
    bounds_L: np.ndarray
    first_L2: np.ndarray
    asks_L: np.ndarray
    kinds_L: np.ndarray


class Places(NamedTuple):
    """Places in the texts of a batch, in order: kind, text, and first and last byte in the batch."""

    kinds_P: np.ndarray
    texts_P: np.ndarray
    starts_P: np.ndarray
    ends_P: np.ndarray


def _words(languages: tuple[Language, ...], kinds: frozenset[str]) -> dict[str, tuple[int, int]]:
    """Labels that are looked for, with what each asks and its kind of place."""
    wanted: dict[str, tuple[int, int]] = {}
    cues = [each.cues for each in languages]
    if "e-mail" in kinds:
        wanted |= dict.fromkeys(("arobase", "arobas", "at)", "at]", "dot "), (PREFIX, _HIDDEN))
    if "phone" in kinds:
        wanted |= {
            f"{zero} {word}": (0, _SPOKEN)
            for each in cues
            for zero, nothing in each.number_words
            for word in ("double", "triple", *dict(each.number_words))
            if nothing == 0 and len(zero) > 1
        }
    if "address" in kinds:
        wanted |= {word: (FAR_DIGIT, _ADDRESS) for each in cues for word in each.address}
    if "birth-date" in kinds:
        wanted |= {word: (NEAR_DIGIT, _BIRTH) for each in cues for word in (*each.birth, *each.birth_labels)}
        wanted |= {
            f"{born} le {day}": (0, _BIRTH_SAID)
            for each in cues
            for born in each.birth
            for day in ("premier", *dict(each.number_words))
        }
    if "key" in kinds:
        wanted |= {word: (STRICT, _SECRET) for each in cues for word in each.secret}
        wanted |= dict.fromkeys(("key", "token", "secret", "apikey", "sid", "api_key"), (STRICT, _SECRET))
        wanted |= {word.lower(): (PREFIX | LONG, _PREFIX) for word in secrets.KEY_PREFIXES}
        wanted["begin "] = PREFIX | ARMOURED, ARMOUR
        wanted |= dict.fromkeys(("uuid", "clé ", "key is", "is the api key"), (0, _SECRET))
    if "password" in kinds:
        wanted |= {word: (0, _PASSWORD) for each in cues for word in each.password}
        universal = ("password", "passwd", "pwd", "psk", "passphrase")
        wanted |= dict.fromkeys(universal, (0, _PASSWORD)) | {"pass": (STRICT, _PASSWORD), "pw ": (PREFIX, _PASSWORD)}
        wanted |= dict.fromkeys(("mysql ", "mysqldump ", "sshpass ", "curl "), (PREFIX, _COMMAND))
    return {word: asks for word, asks in wanted.items() if len(word.encode()) >= 3}


@cache
def labels(languages: tuple[Language, ...], kinds: frozenset[str]) -> Labels:
    """The labels of some languages, for the kernel."""
    wanted = sorted((word.encode(), asks) for word, asks in _words(languages, kinds).items())
    slots_S = np.full(LABEL_SLOTS, -1, np.int32)
    next_L = np.full(len(wanted), -1, np.int32)
    for number, (word, _) in enumerate(wanted):
        slot = rolled(word)
        next_L[number], slots_S[slot] = slots_S[slot], number
    return Labels(
        (slots_S >= 0).astype(np.uint8),
        slots_S,
        next_L,
        np.frombuffer(b"".join(word for word, _ in wanted), np.uint8),
        np.cumsum([0, *(len(word) for word, _ in wanted)]).astype(np.int64),
        np.array([first_bytes(word) for word, _ in wanted], np.uint64).reshape(-1, 2),
        np.array([asks for _, (asks, _) in wanted], np.int64),
        np.array([kind for _, (_, kind) in wanted], np.uint8),
    )


_CLASSES, _LOWER = byte_classes(), lower_bytes()


def scan(bytes_B: np.ndarray, bounds_D: np.ndarray, known: Labels) -> Iterator[Places]:
    """Places worth a look, thousands at a time.

    Args:
        bytes_B: uint8, texts in UTF-8 end to end.
        bounds_D: int64, where each begins, and the end of the last.
        known: The labels looked for.
    """
    text, offset = 0, 0
    while text < len(bounds_D) - 1:
        found = Places(
            np.empty(_ROOM, np.uint8), np.empty(_ROOM, np.int64), np.empty(_ROOM, np.int64), np.empty(_ROOM, np.int64)
        )
        num, text, offset = scan_personal(bytes_B, bounds_D, text, offset, _CLASSES, _LOWER, *known, *found)
        yield Places(*(array[:num] for array in found))
