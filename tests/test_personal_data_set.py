"""The labelled personal data of tests/data/personal_data: its form, never how well the rules do on it."""

import hashlib
import ipaddress
import json
import re
from collections import Counter
from importlib import import_module
from pathlib import Path
from typing import Any

import phonenumbers
import pytest
from stdnum import iban, luhn
from stdnum.exceptions import ValidationError
from stdnum.fr import nir, siren, siret

FOLDER = Path(__file__).parent / "data" / "personal_data"
FILES = sorted(FOLDER.glob("*.jsonl"))
TYPES = frozenset(
    {"email", "phone", "iban", "card", "nir", "siren", "siret", "tax_number", "ipv4", "ipv6"}
) | frozenset({"key", "password", "birth_date", "address"})
TAX_NUMBERS = {
    "fr": "fr.tva fr.nif mc.tva be.vat be.nn ch.uid ch.vat ch.ssn lu.tva ca.sin ca.bn"
    " ma.ice tn.mf sn.ninea gn.nifp dz.nif",
    "en": "us.ssn us.ein us.itin gb.vat gb.utr ie.pps ie.vat ca.sin ca.bn au.tfn au.abn nz.ird in_.pan in_.gstin"
    " za.tin ke.pin fr.tva fr.nif be.vat de.vat nl.btw",
}
"""python-stdnum's modules, by language: a tax number is right when one of them takes it."""
NINO = re.compile(r"[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z]\d{6}[A-D]")
"""UK National Insurance numbers have a shape and no checksum."""


def read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


TEXTS = [text for path in FILES for text in read(path)]


def kept_back(identifier: str) -> bool:
    return int(hashlib.sha256(identifier.encode()).hexdigest(), 16) % 3 == 0


def is_tax_number(value: str, language: str) -> bool:
    plain = re.sub(r"[\s.\-]", "", value)
    modules = [import_module(f"stdnum.{name}") for name in TAX_NUMBERS[language].split()]
    return any(module.is_valid(form) for module in modules for form in (value, plain)) or bool(NINO.fullmatch(plain))


def wrong(kind: str, value: str, language: str) -> str:
    """Why a span's text cannot be of its type; empty when it can."""
    digits = re.sub(r"\D", "", value)
    plain = re.sub(r"[\s.\-]", "", value)
    try:
        match kind:
            case "iban":
                iban.validate(plain)
                assert "02" <= plain[2:4] <= "98", "banks give check digits from 02 to 98"
            case "card":
                luhn.validate(digits)
                assert 13 <= len(digits) <= 19, "a card has 13 to 19 digits"
            case "nir":
                nir.validate(plain)
            case "siren":
                siren.validate(plain)
            case "siret":
                siret.validate(plain)
            case "tax_number":
                assert is_tax_number(re.sub(r"\s", " ", value), language), "no tax office would take it"
            case "ipv4":
                ipaddress.IPv4Address(value)
            case "ipv6":
                ipaddress.IPv6Address(value)
            case "phone":
                assert 6 <= len(digits) <= 15 or len(value.split()) >= 6, "a subscriber number has 6 to 15 digits"
            case "email":
                assert re.search(r"@|\bat\b|arobase|chez", value), "no @ and no word for it"
            case "birth_date":
                assert re.search(r"\d", value) or len(value.split()) >= 3, "no figures, no words for them"
            case "address":
                assert re.search(r"[^\W\d_]{3}", value), "no word"
            case _:
                pass
    except (ValidationError, ValueError, AssertionError) as error:
        return str(error) or type(error).__name__
    return ""


def faults(text: dict[str, Any], language: str) -> list[str]:
    """What is wrong with the form of one text, in words."""
    found = []
    if set(text) - {"note"} != {"id", "language", "kind_of_text", "text", "spans"}:
        found.append(f"fields {sorted(text)}")
        return found
    if text["language"] != language or not re.fullmatch(rf"{language}-[a-z0-9-]*\d+", text["id"]):
        found.append("language or id")
    if not re.fullmatch(r"[a-z][a-z_ -]*", text["kind_of_text"]) or not text["text"].strip():
        found.append("kind or text")
    if "note" in text and not text["note"].strip():
        found.append("empty note")
    before = 0
    for span in text["spans"]:
        if set(span) != {"start", "end", "type", "text"} or span["type"] not in TYPES:
            found.append(f"span {span}")
            continue
        if not before <= span["start"] < span["end"] or text["text"][span["start"] : span["end"]] != span["text"]:
            found.append(f"offsets of {span}")
        if span["text"] != span["text"].strip():
            found.append(f"space at a border of {span['text']!r}")
        if reason := wrong(span["type"], span["text"], language):
            found.append(f"{span['type']} {span['text']!r}: {reason}")
        before = span["end"]
    return found


def test_the_set_is_there() -> None:
    assert FILES
    assert all(re.fullmatch(r"(fr|en)-[a-z0-9-]+", path.stem) for path in FILES)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_offsets_types_and_checksums_are_right(path: Path) -> None:
    language = path.stem[:2]
    found = {text.get("id", "?"): wrongs for text in read(path) if (wrongs := faults(text, language))}
    assert not found


def test_ids_and_texts_are_unique() -> None:
    for field in ("id", "text"):
        assert [value for value, times in Counter(text[field] for text in TEXTS).items() if times > 1] == []


def test_a_third_is_kept_back_and_which_never_changes() -> None:
    first = [f"fr-{number:04}" for number in range(1, 13)]
    assert [name for name in first if kept_back(name)] == ["fr-0003", "fr-0006", "fr-0008", "fr-0010", "fr-0012"]
    kept = sum(kept_back(text["id"]) for text in TEXTS)
    assert 0.27 < kept / len(TEXTS) < 0.40


@pytest.mark.parametrize("language", sorted({path.stem[:2] for path in FILES}))
def test_about_a_third_of_the_texts_hold_nothing(language: str) -> None:
    texts = [text for text in TEXTS if text["language"] == language]
    assert 0.25 < sum(not text["spans"] for text in texts) / len(texts) < 0.5


def test_every_type_is_on_both_sides_of_the_split() -> None:
    for side in (False, True):
        held = {span["type"] for text in TEXTS if kept_back(text["id"]) is side for span in text["spans"]}
        assert held == TYPES


def test_no_mail_address_stands_unmarked() -> None:
    """What looks like one and is none (user, password and host; packages) says so in its note."""
    for text in TEXTS:
        covered = "".join(span["text"] for span in text["spans"])
        for address in re.findall(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+", text["text"]):
            assert address in covered or address.split("@")[0] in covered or "note" in text, (text["id"], address)


def test_most_phone_numbers_are_numbers_that_somebody_could_have() -> None:
    spans = [span["text"] for text in TEXTS for span in text["spans"] if span["type"] == "phone"]
    international = [value for value in spans if value.startswith("+")]
    possible = [value for value in international if phonenumbers.is_possible_number(phonenumbers.parse(value))]
    assert len(possible) >= 0.95 * len(international)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"start": 3, "end": 8}, "offsets"),
        ({"type": "name"}, "span"),
        ({"text": "732829321", "type": "siren"}, "siren"),
        ({"text": "999.1.1.1", "type": "ipv4"}, "ipv4"),
        ({"text": "4111 1111 1111 1112", "type": "card"}, "card"),
    ],
)
def test_a_fault_is_found(change: dict[str, Any], said: str) -> None:
    span = {"start": 0, "end": 0, "type": "phone", "text": "01 99 00 12 34"} | change
    if "end" not in change:
        span["end"] = len(span["text"])
    text = {"id": "fr-1", "language": "fr", "kind_of_text": "chat", "spans": [span]}
    text["text"] = span["text"] + "."
    assert [fault for fault in faults(text, "fr") if fault.startswith(said)]
