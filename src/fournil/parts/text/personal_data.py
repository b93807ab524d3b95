"""Personal data: e-mail and IP addresses, telephone numbers, IBAN and NIR, found and replaced by typed marks.

Documentation is full of what only looks like personal data, so precision comes first. What stays:
- addresses in example.org and the other reserved names (RFC 2606, RFC 6761), mailing lists, role accounts
(`postmaster@`,
  `bug-…@`, `git@`), and what has an @ but no host (systemd units, `icon@2x.png`);
- IP addresses that are loopback, private, link-local, multicast, reserved for documentation (RFC 5737, RFC 3849) or
whole
  networks; four numbers of which fewer than two reach 20, which are versions and sections far more often than hosts
  (1.2.3.4, 5.10.2.1), and any that follow a "version" or stand inside a longer name;
- numbers in the ranges that ARCEP and the NANP keep for fiction; ten digits without any separator, unless a word such
  as « tél. » stands before them.
An IBAN and a NIR must have a right check key.
"""

import bisect
import ipaddress
import re
from collections.abc import Callable, Iterator, Sequence
from functools import cache, lru_cache
from typing import NamedTuple

import numpy as np
import phonenumbers
import pyarrow as pa
from stdnum import iban as stdnum_iban
from stdnum.fr import nir as stdnum_nir

from fournil.core.languages import Language
from fournil.parts.text.arrow import matches

MARKS = {"e-mail": "[E-MAIL]", "phone": "[PHONE]", "ip": "[IP]", "iban": "[IBAN]", "nir": "[NIR]"}
"""What stands in the text in place of each kind."""

_SPACES = " \u00a0\u202f"
_ODD_SPACES = re.compile("[\u00a0\u202f]")
# Each pattern is written once, without what may stand around it, and used twice: by Arrow (RE2, no look-around,
# hundreds of megabytes a second) to find the few texts worth a look, and by Python within them.
_EMAIL = re.compile(
    r"(?<![\w.+%@/:-])[A-Za-z0-9][\w.+%-]{0,63}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,18}(?![\w@-]|\.\w)",
    re.ASCII,
)
_LONGEST_HOST = 260
_RESERVED_HOST = re.compile(
    r"(?:^|\.)(?:example\.(?:com|net|org|edu|fr)|exemple\.(?:com|net|org|fr)|[\w-]+\.(?:example|invalid|test|localhost|local|localdomain|internal|lan|home)"
    r"|domaine?\.(?:com|fr|org|net|tld)|tld|mydomain\.(?:com|org)|foo\.(?:com|org|net)|bar\.(?:com|org|net))$",
    re.IGNORECASE,
)
_LIST_HOST = re.compile(
    r"^(?:lists?|listes?|mailman|bugs?|tracker|packages|alioth-lists)\.|\.(?:lists|bugs)\.", re.IGNORECASE
)
# Ends of names that are no top-level domains: units of systemd, pictures, files.
_NO_DOMAIN = re.compile(
    r"\.(?:service|socket|target|timer|mount|automount|device|path|slice|scope|swap|conf|png|jpg|jpeg|gif|svg|webp|py|so|js"
    r"|css|html|htm|xml|json|txt|exe|dll|sh|log|bz|gz|xz|zip|deb|rpm)$",
    re.IGNORECASE,
)
_ROLE = re.compile(
    r"^(?:abuse|admin|administrator|announce|bugs?|bug-.*|bugzilla.*|contact|control|debian-.*|devel|docs?|feedback|ftpmaster"
    r"|git|help|hostmaster|info|infos|kernel|licensing|list|listmaster|mailer-daemon|majordomo|maintainers?|news|nobody"
    r"|no-?reply|office|owner|owner-.*|postmaster|press|root|sales|security|service|staff|submit|support|team|translation.*"
    r"|traduc.*|traduction.*|user|username|utilisateur|usenet|webmaster|www|.*-(?:announce|bugs?|commits?|devel|dev|discuss|help|l10n.*"
    r"|list|maint|maintainers?|owner|request|security|team|users?)|you|your[._-]?(?:name|mail|email)|votre[._-]?(?:nom|mail)|foo|bar|me|moi"
    r"|someone|somebody|nom|name|adresse|address|email|mail)$",
    re.IGNORECASE,
)
_IPV4_CORE = r"(?:\d{1,3}\.){3}\d{1,3}"
_IPV4 = re.compile(rf"(?<![\w.:@/=-]){_IPV4_CORE}(?![\w-]|\.\w|/\d)", re.ASCII)
_IPV6_CORE = r"(?:[0-9A-Fa-f]{1,4}:){2,7}(?::|[0-9A-Fa-f]{1,4})(?::[0-9A-Fa-f]{1,4}){0,5}"
_IPV6 = re.compile(rf"(?<![\w.:]){_IPV6_CORE}(?![\w:.]|/\d)", re.ASCII)
# Of hosts on the Internet, two in a thousand have fewer than two numbers as large; of versions and sections, nearly
# all.
_LARGE = 20
_UNICAST = ipaddress.ip_network("2000::/3")
_VERSION_CUE = re.compile(r"(?:version|versions|release|révision|revision|rev|oid|section|§|v)\.?\s*$", re.IGNORECASE)
_PHONE_CORE = (
    rf"(?:(?:\+|00)[1-9]\d{{0,2}}(?:[{_SPACES}.\-/]?\(0\))?(?:[{_SPACES}.\-/]?\(?\d{{1,4}}\)?){{1,5}}[{_SPACES}.\-/]?\d{{2,4}}"
    rf"|0[1-9](?:[{_SPACES}]\d{{2}}){{4}}|0[1-9](?:\.\d{{2}}){{4}}|0[1-9](?:-\d{{2}}){{4}}|0[1-9]\d{{8}}"
    rf"|0\d{{2,4}}[{_SPACES}]\d{{3,4}}[{_SPACES}]\d{{3,4}}|0\d{{2,4}}[{_SPACES}]\d{{6}}"
    rf"|(?:1[{_SPACES}.\-])?(?:\(\d{{3}}\)[{_SPACES}]?|\d{{3}}[.\-])\d{{3}}[.\-]\d{{4}})"
)
_PHONE = re.compile(rf"(?<![\w.+/=-]){_PHONE_CORE}(?![\w-]|[.,]\d|[{_SPACES}]\d)", re.ASCII)
_FICTION = re.compile(
    r"^\+33(?:19900|26191|35301|46571|53649|63998)|^\+1\d{3}55501|^\+44(?:7700900|\d{2,4}4960\d|2079460)"
)
_IBAN_CORE = rf"[A-Z]{{2}}\d{{2}}(?:[{_SPACES}]?[A-Z0-9]{{4}}){{2,7}}(?:[{_SPACES}]?[A-Z0-9]{{1,3}})?"
_IBAN = re.compile(rf"(?<![\w]){_IBAN_CORE}(?![\w])", re.ASCII)
_NIR_CORE = (
    rf"[1-478][{_SPACES}]?\d{{2}}[{_SPACES}]?\d{{2}}[{_SPACES}]?(?:\d{{2}}|2[ABab])"
    rf"(?:[{_SPACES}]?\d{{3}}){{2}}[{_SPACES}]?\d{{2}}"
)
_NIR = re.compile(rf"(?<![\w.]){_NIR_CORE}(?![\w]|[.,]\d)", re.ASCII)

_MAYBE = {
    "e-mail": r"[A-Za-z0-9]@[A-Za-z0-9]",
    "iban": _IBAN_CORE,
    "nir": _NIR_CORE,
    "phone": _PHONE_CORE,
    "ip": f"{_IPV4_CORE}|{_IPV6_CORE}",
}


class Found(NamedTuple):
    """Personal data at text[start:end]."""

    kind: str
    start: int
    end: int


def _emails(text: str, languages: Sequence[Language]) -> Iterator[Found]:
    done, before = 0, -1
    sign = text.find("@")
    while sign >= 0:
        # From the sign back as far as a name may reach, which is not beyond another one: nothing else is read.
        match = _EMAIL.search(text, max(done, sign - 64, before + 1), sign + _LONGEST_HOST)
        before = sign
        if match is not None and match.start() < sign < match.end():
            done = match.end()
            if _is_personal(text, match):
                yield Found("e-mail", match.start(), match.end())
        sign = text.find("@", max(done, sign + 1))


def _is_personal(text: str, match: re.Match[str]) -> bool:
    local, host = match.group().rsplit("@", 1)
    if _RESERVED_HOST.search(host) or _LIST_HOST.search(host) or _NO_DOMAIN.search(host) or _ROLE.match(local):
        return False
    # user@host:path is a place for scp and git, not a person's address.
    return text[match.end() : match.end() + 1] != ":" or not text[match.end() + 1 : match.end() + 2].strip()


def _ips(text: str, languages: Sequence[Language]) -> Iterator[Found]:
    for pattern in (_IPV4, _IPV6):
        for match in pattern.finditer(text):
            try:
                address = ipaddress.ip_address(match.group())
            except ValueError:
                continue
            if not address.is_global or address.is_multicast:
                continue
            if address.version == 4:
                octets = address.packed
                if sum(octet >= _LARGE for octet in octets) < 2 or octets[3] == 0 or len(set(octets)) == 1:
                    continue
                if _VERSION_CUE.search(text, max(0, match.start() - 12), match.start()):
                    continue
            elif address not in _UNICAST:
                continue
            yield Found("ip", match.start(), match.end())


@cache
def _cues(language: Language) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{'|'.join(map(re.escape, language.phone_cues)) or '(?!)'})\b")


def _phones(text: str, languages: Sequence[Language]) -> Iterator[Found]:
    for match in _PHONE.finditer(text):
        written = match.group()
        if written.isdigit():
            before = text[max(0, match.start() - 24) : match.start()].lower()
            if not any(_cues(each).search(before) for each in languages):
                continue
        # One point and no other separator: a decimal fraction.
        if written.count(".") == 1 and written.lstrip("+").replace(".", "").isdigit():
            continue
        regions: list[str | None] = (
            [None] if written.startswith("+") else [r for each in languages for r in each.phone_regions]
        )
        full = next(filter(None, (_full_number(_ODD_SPACES.sub(" ", written), region) for region in regions)), None)
        if full is not None and not _FICTION.match(full):
            yield Found("phone", match.start(), match.end())


@lru_cache(maxsize=1 << 14)  # a page of tables may hold the same figures a thousand times
def _full_number(written: str, region: str | None) -> str | None:
    """A telephone number as it is dialled from anywhere, or None where it is none."""
    try:
        number = phonenumbers.parse(written, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _ibans(text: str, languages: Sequence[Language]) -> Iterator[Found]:
    for match in _IBAN.finditer(text):
        # The pattern is greedy; a word in capitals that follows may have been taken for the last group.
        for end in _shorter_ends(match):
            if stdnum_iban.is_valid(re.sub(f"[{_SPACES}]", "", text[match.start() : end])):
                yield Found("iban", match.start(), end)
                break


def _shorter_ends(match: re.Match[str]) -> Iterator[int]:
    yield match.end()
    written = match.group()
    for place in range(len(written) - 1, 14, -1):
        if written[place] in _SPACES:
            yield match.start() + place


def _nirs(text: str, languages: Sequence[Language]) -> Iterator[Found]:
    for match in _NIR.finditer(text):
        if stdnum_nir.is_valid(re.sub(f"[{_SPACES}]", "", match.group()).upper()):
            yield Found("nir", match.start(), match.end())


_FINDERS: dict[str, Callable[[str, Sequence[Language]], Iterator[Found]]] = {
    "e-mail": _emails,
    "iban": _ibans,
    "nir": _nirs,
    "phone": _phones,
    "ip": _ips,
}


def may_hold_personal_data(texts: pa.Array, *, kinds: Sequence[str] = tuple(MARKS)) -> dict[int, list[str]]:
    """Which texts of a batch are worth a closer look, and for what."""
    wanted: dict[int, list[str]] = {}
    for kind in kinds:
        for place in np.flatnonzero(matches(texts, _MAYBE[kind])).tolist():
            wanted.setdefault(place, []).append(kind)
    return dict(sorted(wanted.items()))


def find_personal_data(text: str, *, languages: Sequence[Language], kinds: Sequence[str] = tuple(MARKS)) -> list[Found]:
    """Personal data in one text, in order, none overlapping another (IBAN and NIR before telephone numbers).

    Args:
        text: The text.
        languages: Whose telephone numbers and identifiers are looked for.
        kinds: Which of MARKS.
    """
    national = {name for each in languages for name in each.identifiers}
    found: list[Found] = []
    for kind, finder in _FINDERS.items():
        if kind in kinds and (kind != "nir" or kind in national):
            for item in finder(text, languages):
                if not _overlaps(item, found):
                    bisect.insort(found, item, key=_start)
    return found


def _start(item: Found) -> int:
    return item.start


def _overlaps(item: Found, found: Sequence[Found]) -> bool:
    """Whether one of these, in order and apart from each other, touches the item."""
    place = bisect.bisect_left(found, item.end, key=_start)
    return place > 0 and found[place - 1].end > item.start


def mask(text: str, found: Sequence[Found]) -> str:
    """The text with marks in place of what was found."""
    pieces, place = [], 0
    for item in found:
        pieces += [text[place : item.start], MARKS[item.kind]]
        place = item.end
    return "".join([*pieces, text[place:]])
