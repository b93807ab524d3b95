"""Addresses of machines.

What stays: loopback, private, link-local, multicast, whole networks; four numbers of which fewer than two reach 20,
which are versions and sections far more often than hosts (1.2.3.4, 5.10.2.1), and any that follow a "version" or stand
inside a longer name. Of hosts on the Internet, two in a thousand have fewer than two numbers as large; of versions and
sections, nearly all.
"""

import ipaddress
import re
from collections.abc import Iterator

from fournil.parts.text.personal.found import Found
from fournil.parts.text.personal.window import Window

_IPV4 = re.compile(r"(?<![\w.:@=-])(?<!(?<!/)/)(?:\d{1,3}\.){3}\d{1,3}(?![\w-]|\.\w|/\d)", re.ASCII)
_AFTER_SIGN = re.compile(r"(?<=[@=])(?:\d{1,3}\.){3}\d{1,3}(?![\w-]|\.\w|/\d)", re.ASCII)
_IPV6 = re.compile(r"(?<![\w.:])(?=[0-9A-Fa-f]{0,4}:)[0-9A-Fa-f:]{6,45}(?<!:)(?![\w]|:\w|::|/\d)", re.ASCII)
_LARGE = 20
_UNICAST = ipaddress.ip_network("2000::/3")
_DOCUMENTATION = tuple(
    ipaddress.ip_network(each) for each in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32")
)
_VERSION_CUE = re.compile(
    r"(?:versions?|release|révision|revision|rev|oid|sections?|§|firmware|build|maj|driver|\bv)\.?\s*$", re.IGNORECASE
)


def machines(window: Window, start: int, end: int) -> Iterator[Found]:
    """Addresses between two places."""
    for pattern in (_IPV4, _AFTER_SIGN, _IPV6):
        for match in pattern.finditer(window.text, max(0, start - 1), end + 3):
            try:
                address = ipaddress.ip_address(match.group())
            except ValueError:
                continue
            if _is_host(window, address, match):
                yield Found("ip", match.start(), match.end())


def _is_host(window: Window, address: ipaddress.IPv4Address | ipaddress.IPv6Address, match: re.Match[str]) -> bool:
    if any(address in network for network in _DOCUMENTATION):
        return "reserved" not in window.spare and not _VERSION_CUE.search(window.before(match.start(), 12))
    if not address.is_global or address.is_multicast:
        return False
    if isinstance(address, ipaddress.IPv6Address):
        return address in _UNICAST
    octets = address.packed
    if sum(octet >= _LARGE for octet in octets) < 2 or octets[3] == 0 or len(set(octets)) == 1:
        return False
    return not _VERSION_CUE.search(window.before(match.start(), 12))
