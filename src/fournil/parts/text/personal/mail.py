"""Mail addresses, and those written so that only people read them.

Documentation is full of what only looks like one, so what stays are addresses in example.org and the other reserved
names (RFC 2606, RFC 6761), mailing lists, role accounts (`postmaster@`, `bug-…@`, `git@`) unless they are asked for,
and always what has an @ but no host: systemd units, `icon@2x.png`, user@host:path of scp and git.
"""

import re
from collections.abc import Iterator

from fournil.parts.text.personal.found import Found
from fournil.parts.text.personal.window import Window

_EMAIL = re.compile(
    r"(?<![\w.+%@/-])[^\W_][\w.+%-]{0,63}@(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.)+[^\W\d_]{2,18}(?![\w@-]|\.\w)"
)
_HIDDEN = re.compile(
    r"(?<![\w.@])[\w+-]+(?:(?:\.|\s?[(\[](?:dot|point)[)\]]\s?|\s(?:dot|point)\s)[\w+-]+)*"
    r"(?:\s?[(\[](?:at|arobase|arobas|chez|a)[)\]]\s?|\s(?:at|arobase|arobas)\s)"
    r"[\w-]+(?:(?:\.|\s?[(\[](?:dot|point)[)\]]\s?|\s(?:dot|point)\s)[\w-]+)+(?![\w@])",
    re.IGNORECASE,
)
_SAID = re.compile(r"\s(?:dot|point)\s|[(\[]", re.IGNORECASE)
_RESERVED_HOST = re.compile(
    r"(?:^|\.)(?:ex[ae]mple\.[a-z]{2,3}|[\w-]+\.(?:example|invalid|test|localhost|local|localdomain|internal|lan|home)"
    r"|domaine?\.(?:com|fr|org|net|tld)|tld|mydomain\.(?:com|org)|foo\.(?:com|org|net)|bar\.(?:com|org|net))$",
    re.IGNORECASE,
)
_NO_HOST = re.compile(r"\.(?:localhost|local|localdomain|internal|lan|home|tld)$", re.IGNORECASE)
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


def emails(window: Window, start: int, end: int) -> Iterator[Found]:
    """The mail address around an @."""
    match = _EMAIL.search(window.text, max(0, start - 1), end + 2)
    if match is not None and _is_mail(window, match):
        yield Found("e-mail", match.start(), match.end())


def _is_mail(window: Window, match: re.Match[str]) -> bool:
    local, host = match.group().rsplit("@", 1)
    if _NO_DOMAIN.search(host) or _NO_HOST.search(host):
        return False
    if "reserved" in window.spare and _RESERVED_HOST.search(host):
        return False
    if "roles" in window.spare and (_ROLE.match(local) or _LIST_HOST.search(host)):
        return False
    # user:password@host is no address; user@host:path is a place for scp and git.
    if re.search(r"://[^\s/@]*$", window.before(match.start(), 80)) or window.before(match.start(), 1) == ":":
        behind = window.before(match.start(), 8).lower()
        if not re.search(r"(?:^|[^/])\b(?:mailto|mail|e-mail|courriel|email|adresse|mel):$|\s:$|\w:$", behind) or (
            "//" in window.before(match.start(), 40)
        ):
            return False
    return window.after(match.end(), 1) != ":" or not window.after(match.end() + 1, 1).strip()


def hidden_emails(window: Window, start: int, end: int) -> Iterator[Found]:
    """An address written in words around a place: « name (at) example (dot) org »."""
    for match in _HIDDEN.finditer(window.text, max(0, start - 60), end + 60):
        if match.start() <= start and end <= match.end() and _SAID.search(match.group()):
            yield Found("e-mail", match.start(), match.end())
            return
