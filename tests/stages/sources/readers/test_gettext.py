"""Catalogues: real ones, made ones, cut and foreign ones."""

import struct
from pathlib import Path

import pytest

from fournil.core.errors import FournilError
from fournil.stages.sources.readers.gettext import Message, read_mo, read_po

PO = """
msgid ""
msgstr "Content-Type: text/plain; charset=UTF-8\\nPlural-Forms: nplurals=2; plural=(n > 1);\\n"

msgid "File"
msgstr "Fichier"

msgctxt "verbe"
msgid "Open"
msgstr "Ouvrir"

#, fuzzy
msgid "Close"
msgstr "Fermer ?"

msgid "Empty"
msgstr ""

msgid "%d loaf"
msgid_plural "%d loaves"
msgstr[0] "%d pain"
msgstr[1] "%d pains"

#~ msgid "Old"
#~ msgstr "Vieux"
"""

MESSAGES = [
    Message("File", "Fichier", None, False),
    Message("Open", "Ouvrir", "verbe", False),
    Message("%d loaf", "%d pain", None, True),
    Message("%d loaves", "%d pains", None, True),
]


def compiled(entries: dict[bytes, bytes], order: str = "<") -> bytes:
    head, table, at = 28, b"", 28 + 16 * len(entries)
    texts = b""
    for side in (list(entries), list(entries.values())):
        for text in side:
            table += struct.pack(order + "2I", len(text), at + len(texts))
            texts += text + b"\0"
    start = struct.pack(order + "7I", 0x950412DE, 0, len(entries), head, head + 8 * len(entries), 0, 0)
    return start + table + texts


ENTRIES = {
    b"": b"Content-Type: text/plain; charset=UTF-8\n",
    b"File": b"Fichier",
    b"verbe\x04Open": b"Ouvrir",
    b"Empty": b"",
    b"%d loaf\0%d loaves": b"%d pain\0%d pains",
}


def test_po() -> None:
    assert read_po(PO.encode()) == MESSAGES


@pytest.mark.parametrize("order", ["<", ">"])
def test_mo_in_both_byte_orders(order: str) -> None:
    assert read_mo(compiled(ENTRIES, order)) == MESSAGES


def test_the_charset_that_a_catalogue_names() -> None:
    latin = {b"": b"Content-Type: text/plain; charset=ISO-8859-1\n", b"summer": "été".encode("latin-1")}
    assert read_mo(compiled(latin)) == [Message("summer", "été", None, False)]
    wrong = latin | {b"": b"Content-Type: text/plain; charset=UTF-8\n"}
    with pytest.raises(FournilError, match="not in utf-8"):
        read_mo(compiled(wrong))


def test_three_plural_forms_and_one() -> None:
    three = {b"%d day\0%d days": b"%d jour\0%d de jours\0%d jours"}
    assert [message.target for message in read_mo(compiled(three))] == ["%d jour", "%d jours"]
    assert read_mo(compiled({b"%d day\0%d days": b"%d jour(s)"})) == [Message("%d days", "%d jour(s)", None, True)]


def test_real_catalogues_agree(shared: Path) -> None:
    folder = shared / "samples" / "gettext"
    mo = read_mo((folder / "django_contrib_auth_fr.mo").read_bytes())
    po = read_po((folder / "django_contrib_auth_fr.po").read_bytes())
    assert set(mo) == set(po)
    assert len(mo) == 89 + 2  # two of the entries have plurals
    assert Message("Personal info", "Informations personnelles", None, False) in mo
    conf = read_po((folder / "django_conf_fr.po").read_bytes())
    assert len(conf) == 348 + 15
    assert sum(message.context is not None for message in conf) == 25


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"", "fewer than a head"),
        (b"#!/bin/sh\necho bonjour le monde", "does not begin like"),
        (compiled(ENTRIES)[:60], "ends before its table"),
        (compiled(ENTRIES)[:-20], "the file is cut: message"),
        (struct.pack("<5I", 0x950412DE, 9 << 16, 0, 28, 28), "revision 9"),
    ],
)
def test_foreign_and_cut_mo_files(data: bytes, what: str) -> None:
    with pytest.raises(FournilError, match=what) as raised:
        read_mo(data, where="fr.mo")
    assert raised.value.where == "fr.mo"
    assert raised.value.fix


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"hello", "no msgid"),
        (PO.replace("UTF-8", "NO-8").encode(), "nobody knows"),
        (b'msgid "a"\nmsgstr "b"\nbake the bread', "does not follow"),
        ('msgid ""\nmsgstr "charset=UTF-8"\nmsgid "é"\nmsgstr "é"'.encode("latin-1"), "not in UTF-8"),
    ],
)
def test_foreign_and_cut_po_files(data: bytes, what: str) -> None:
    with pytest.raises(FournilError, match=what):
        read_po(data)
