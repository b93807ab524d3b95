import pyarrow as pa
import pytest
from stdnum.fr import nir

from fournil.core.languages import language
from fournil.parts.text.personal import find_all, find_personal_data, mask

BOTH = [language("fr"), language("en")]


def masked(text: str) -> str:
    found = find_personal_data(text, languages=BOTH)
    among_others = find_all(pa.array(["", text, "Rien à voir ici."]), languages=BOTH)
    assert among_others == ({1: found} if found else {})
    return mask(text, found)


def with_key(digits: str) -> str:
    return digits + nir.calc_check_digits(digits)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Écrivez à jeanne.dupont+pain@boulange-martin.fr.", "Écrivez à [E-MAIL]."),
        ("Jeanne Martin <jmartin@mail.gouv.qc.ca>", "Jeanne Martin <[E-MAIL]>"),
        ("Tél. : 01 42 68 53 00", "Tél. : [PHONE]"),
        ("Appelez le 06\u202f12\u202f34\u202f56\u202f78 !", "Appelez le [PHONE] !"),
        ("tél. 0612345678", "tél. [PHONE]"),
        ("Joignez-nous au +33 1 42 68 53 00.", "Joignez-nous au [PHONE]."),
        ("Call (212) 736-3100 today", "Call [PHONE] today"),
        ("Ring 020 7946 1234 now", "Ring [PHONE] now"),
        ("Connexion depuis 82.64.133.27 hier", "Connexion depuis [IP] hier"),
        ("from 2a01:e0a:1f2:5b30:21e:8cff:fe12:3456 port 22", "from [IP] port 22"),
        ("IBAN : FR14 2004 1010 0505 0001 3M02 606.", "IBAN : [IBAN]."),
        ("DE89370400440532013000", "[IBAN]"),
        ("IBAN DE89 3704 0044 0532 0130 00 BANQUE", "IBAN [IBAN] BANQUE"),
    ],
)
def test_personal_data_is_masked(text: str, expected: str):
    assert masked(text) == expected


@pytest.mark.parametrize("digits", ["1850778006084", "2690549588157", "184122A004123", "292052B033456"])
def test_a_nir_with_its_key_is_masked(digits: str):
    number = with_key(digits)
    spaced = f"{number[0]} {number[1:3]} {number[3:5]} {number[5:7]} {number[7:10]} {number[10:13]} {number[13:]}"
    assert masked(f"NIR {number}, fin") == "NIR [NIR], fin"
    assert masked(f"NIR {spaced}, fin") == "NIR [NIR], fin"
    wrong = number[:-2] + f"{(int(number[-2:]) % 97) + 1:02d}"
    assert masked(f"NIR {wrong}, fin") == f"NIR {wrong}, fin"


def test_a_nir_is_looked_for_only_where_it_is_in_use():
    text = f"No {with_key('1850778006084')}"
    assert [item.kind for item in find_personal_data(text, languages=[language("en")])] == []


@pytest.mark.parametrize(
    "text",
    [
        "adresse@example.org, utilisateur@exemple.fr, root@localhost",
        "debian-devel@lists.debian.org, submit@bugs.debian.org, bug-coreutils@gnu.org, postmaster@free.fr",
        "git@github.com:fournil/fournil.git and getty@tty1.service and icon@2x.png",
        "127.0.0.1, 192.168.1.20, 10.0.0.7, 192.0.2.44, 203.0.113.9, 255.255.255.0, 224.0.0.251",
        "version 1.2.3.4, dpkg 1.15.7.2, section 5.10.2.1, libc6_2.36.10.24-1, 82.64.133.0/24, 1.3.6.1.2.1",
        "2001:db8::8a2e:370:7334 and ::1 and fe80::1 and std::vector and 12:34:56",
        "0123456789 abcdef, 2004-05-06, 12 34 56, 01 99 00 12 34, (212) 555-0123, 3.14159265",
        "FR14 2004 1010 0505 0001 3M02 607",
        "Decimal('+35236450.6') et 1 000 000 000 000 euros",
        "SHA1 2fd4e1c67a2d28fced849ee1bb76e7391b93eb12 on 2026-11-22 10:11:12",
    ],
)
def test_what_only_looks_like_it_stays(text: str):
    assert masked(text) == text


def test_places_count_code_points():
    text = "é 𝄞 jo.lin@wanadoo.fr"
    (found,) = find_personal_data(text, languages=BOTH)
    assert text[found.start : found.end] == "jo.lin@wanadoo.fr"


def test_many_addresses_in_a_row():
    text = "a.b@free.fr, c@d@e.fr x@y @ z@free.fr;w@orange.fr " + "a" * 70 + "@free.fr"
    assert masked(text) == "[E-MAIL], c@d@e.fr x@y @ [E-MAIL];[E-MAIL] " + "a" * 70 + "@free.fr"


def test_only_the_kinds_wanted():
    text = "jo.lin@wanadoo.fr, 82.64.133.27"
    assert [item.kind for item in find_personal_data(text, languages=BOTH, kinds=["ip"])] == ["ip"]
