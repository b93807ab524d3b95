"""Keys of programming interfaces, tokens, private keys and passwords.

A key is known by its maker's prefix, or stands behind a word for one and looks random. A password has no look of its
own: it is what a label or a sentence announces, unless it is a placeholder or the advice not to use it.
"""

import re
from collections.abc import Iterator
from functools import cache

from fournil.core.languages import Language
from fournil.parts.text.personal.found import Found
from fournil.parts.text.personal.window import Window, cue_words

KEY_PREFIXES = (
    *("sk_live_", "sk_test_", "pk_live_", "pk_test_", "rk_live_", "rk_test_", "whsec_", "sk-", "ghp_", "gho_", "ghs_"),
    *("ghu_", "ghr_", "github_pat_", "glpat-", "xoxb-", "xoxp-", "xoxa-", "xapp-", "AIza", "AKIA", "ASIA", "hf_"),
    *("npm_", "pypi-", "ya29.", "eyJ", "SG.", "shpat_", "dop_v1_", "r8_", "gsk_", "sntrys_", "key-", "lin_api_"),
)
"""How keys begin, by those who make them."""

_PREFIXED = re.compile(
    rf"(?<![A-Za-z0-9_-])(?:{'|'.join(map(re.escape, KEY_PREFIXES))})[A-Za-z0-9_\-]{{12,}}"
    r"(?:\.[A-Za-z0-9_\-]{4,}){0,3}"
)
_ARMOUR = re.compile(r"-----BEGIN ([A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?)-----.{0,8000}?-----END \1-----", re.DOTALL)
_VALUE = r"[A-Za-z0-9_\-/+=.~]{12,200}"
_TOKEN = re.compile(r"(?<![A-Za-z0-9_\-/+.])[A-Za-z0-9_\-/+]{16,200}={0,2}(?![A-Za-z0-9_/+])")
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_WORDS = re.compile(r"[^\W_]+")
_HEX = re.compile(r"[0-9a-fA-F]+")
_ASSIGNED = re.compile(rf"['\"]?\s?(?:=>?|:)\s?['\"«]?\s?({_VALUE})")
_PLACEHOLDER = re.compile(
    r"your|votre|passw|motdepasse|mot_de_passe|secret|ton_|my_?|ici|here|placeholder|remplir|replace|xxx|\*\*|\.\.\.|…|<|>|change_?me|insert|dummy|sample|\{\{|\}\}|\^"
    r"|^(?:none|null|true|false|example|test|todo|abc123|123456)",
    re.IGNORECASE,
)
_PLAIN_PASSWORD = frozenset(
    (
        *("password", "passwd", "pass", "secret", "mypassword", "mypass", "motdepasse", "root", "admin", "test", "foo"),
        *("bar", "string", "none", "null", "true", "false", "user", "username", "123456", "12345", "1234", "default"),
        *("required", "optional", "incorrect", "invalid", "oublié", "requis", "obligatoire", "hunter2", "example"),
        *("value", "text", "hash", "empty", "encrypted", "postgres", "guest", "anonymous", "localhost", "field"),
    )
)


def prefixed_keys(window: Window, start: int, end: int) -> Iterator[Found]:
    """The key whose prefix stands at a place."""
    match = _PREFIXED.match(window.text, start)
    if match is not None and not _PLACEHOLDER.search(match.group()[:24]):
        body = match.group()
        if body.startswith("eyJ") and body.count(".") != 2:
            return  # any JSON in base 64
        if len(set(body)) >= 9 and (re.search(r"\d", body) or re.search(r"[a-z][A-Z]|[A-Z][a-z]", body[4:])):
            yield Found("key", match.start(), match.end())


def private_keys(window: Window, start: int, end: int) -> Iterator[Found]:
    """A private key in its armour."""
    match = _ARMOUR.match(window.text, start - 5)
    if match is not None:
        yield Found("key", match.start(), match.end())


def labelled_keys(window: Window, start: int, end: int) -> Iterator[Found]:
    """The value behind a word for a key and a colon or an equals sign."""
    if re.search(r"pub(?:lic)?[_ -]?$|publique[_ -]?$", window.before(start, 10), re.IGNORECASE):
        return
    name = re.compile(r"[\w.-]{0,40}").match(window.text, end)
    stop = name.end() if name is not None else end
    match = _ASSIGNED.match(window.text, stop) or _ASSIGNED.match(window.text, end)
    if match is None:
        return
    value = match.group(1).rstrip(".")
    if _PLACEHOLDER.search(value) or not _looks_random(value):
        wifi = re.search(r"ssid|wi-?fi", window.before(start, 80), re.IGNORECASE)
        if wifi and not _PLACEHOLDER.search(value) and window.text[start:end].lower() in ("clé", "cle", "clef", "key"):
            yield Found("password", match.start(1), match.start(1) + len(value))
        return
    yield Found("key", match.start(1), match.start(1) + len(value))


def _looks_random(value: str) -> bool:
    """Whether nobody would have written this as a name."""
    digits = sum(map(str.isdigit, value))
    if _HEX.fullmatch(value):
        return len(value) >= 16 and 2 <= digits < len(value)
    turns = len(re.findall(r"[a-z](?=[A-Z0-9])|[0-9](?=[A-Za-z])|[A-Z](?=[a-z0-9])", value))
    kinds = bool(re.search(r"[a-z]", value)) + bool(re.search(r"[A-Z]", value)) + (digits > 0)
    return len(value) >= 16 and turns >= 6 and len(set(value)) >= 9 and kinds == 3


def _fills_line(window: Window, match: re.Match[str]) -> bool:
    """Whether a word is a whole line of a certificate or a picture."""
    text = window.text
    before = match.start() == 0 or text[match.start() - 1] in "\n\"'"
    return len(match.group()) >= 56 and before and text[match.end() : match.end() + 1] in ("", "\n", "\\", "\r")


@cache
def _key_cue(languages: tuple[Language, ...]) -> tuple[re.Pattern[str], frozenset[str]]:
    """A pattern for a word for a key, and the words with which such words begin."""
    pattern = re.compile(rf"(?<![^\W_])(?:{cue_words(languages, 'secret')})(?![^\W_])", re.IGNORECASE)
    cues = [cue.lower() for each in languages for cue in each.cues.secret]
    begins = [_WORDS.match(cue) for cue in cues]
    assert all(begins), "a word for a key begins with a letter"
    return pattern, frozenset(begin.group() for begin in begins if begin is not None)


def _names_key(languages: tuple[Language, ...], text: str) -> bool:
    """Whether a word for a key stands in a text."""
    pattern, begins = _key_cue(languages)
    # A search that heeds no case tries every word at every place; beyond ASCII, case has more to it than lower().
    if text.isascii() and begins.isdisjoint(_WORDS.findall(text.lower())):
        return False
    return pattern.search(text) is not None


def tokens(window: Window, start: int, end: int) -> Iterator[Found]:
    """A long random word near a word for a key; of hexadecimal ones, which number files and commits, next to it."""
    for match in _TOKEN.finditer(window.text, max(0, start - 60), end + 90):
        if match.end() <= start or match.start() >= end:
            continue
        value = match.group()
        if (
            not _looks_random(value)
            or _PLACEHOLDER.search(value)
            or _fills_line(window, match)
            or "://" in window.before(match.start(), 60).split()[-1:]
        ):
            continue
        before = window.before(match.start(), 110)
        near = _names_key(window.languages, before[-32:]) or re.search(r"(?:old|new|ancien|nouvelle|nouveau)=$", before)
        if _HEX.fullmatch(value) or _UUID.fullmatch(value):
            named = near and not re.search(r"sha|md5|empreinte|fingerprint|commit|hash", before[-50:], re.IGNORECASE)
        else:
            named = _names_key(window.languages, before) and not re.search(r"[/\w]$", before[-1:])
        if named:
            yield Found("key", match.start(), match.end())


def uuids(window: Window, start: int, end: int) -> Iterator[Found]:
    """An identifier that a sentence calls a key."""
    for match in _UUID.finditer(window.text, max(0, start - 70), end + 90):
        behind = window.after(match.end(), 30)
        before = window.before(match.start(), 24)
        if re.match(
            r"\W{0,2}\s?(?:is|est)\s(?:the|la|your|votre|our)\s(?:api key|clé|key|token|jeton)", behind, re.IGNORECASE
        ) or (re.search(r"(?:key|token|secret|clé|jeton)\W{1,4}$", before, re.IGNORECASE)):
            yield Found("key", match.start(), match.end())


_QUOTED = re.compile(r"\s?[\"'«“]\s?([^\s\"'«»“”](?:[^\n\"»”]{0,60}?[^\s\"'»”])?)\s?[\"'»”]")
_QUOTED_BEFORE = re.compile(r"[\"«“]\s?([^\s\"«»“”]{6,40})\s?[\"»”]\s(?:as|comme|est|is)\s[\w' ]{1,24}$")
_SIGN = re.compile(r"['\"]?\s?(?::=|=>|=|:)\s?")
_SAYS = re.compile(
    r"(?:[:=]|\b(?:is|was|est|it's|c'est|c'était|était|devient|becomes|prends|essaie|try))\s*$", re.IGNORECASE
)
_WORD = re.compile(r"[\"'«“`(]?\s?([^\s\"«»“”<>`]{4,64})")
_TOKENS = re.compile(r"\S+")
_SENTENCE = re.compile(r"[.!?](?=\s+[A-ZÀ-Ý])")
_REPLY = re.compile(
    r"\n(?:\[[^\]\n]{1,12}\] ?)?(?:[-–—] ?|[\w' .-]{1,20}: )"
    r"(?:(?:oui|yes|yep|alors|ok|so|essaie|try|c'est|it's),? )*(\S{4,64})[ \t]*(?=\n|$)",
    re.IGNORECASE,
)
_WORDS_OF_ONE = re.compile(r"[a-zà-ÿ]+(?: [a-zà-ÿ]+){1,5}(?=\n|$)")
_REACH = 110
_PAGE = re.compile(r"\(\d[a-z]{0,4}\)")
"""How manuals name a page of theirs: passwd(5), openssl-passwd(1ssl)."""
_PROSE = re.compile(r"[A-ZÀ-Þ][a-zß-ÿœ]+ [a-zß-ÿœ]")
_ALGORITHM = re.compile(
    r"(?:argon|b?crypt|scrypt|yescrypt|pbkdf|sha|md|utf|oauth|base|rfc|php|ssl|tls|v|http)[-\d.]*(?:i?d|i)?",
    re.IGNORECASE,
)


def passwords(window: Window, start: int, end: int) -> Iterator[Found]:
    """What the word for a password at a place announces, on its line or on the next ones of a conversation."""
    text = window.text
    while text[end - 1].isspace():
        end -= 1
    if (page := _PAGE.match(text, end)) is not None:
        end = page.end()
    line_end = text.find("\n", end)
    line_end = len(text) if line_end < 0 else line_end
    low = max(0, start - 80)
    before = _QUOTED_BEFORE.search(text[low:start])
    if before is not None and _is_password(before.group(1), sure=True):
        yield Found("password", low + before.start(1), low + before.end(1))
        return
    spans = _behind(text, text[start:end].lower(), end, min(line_end, end + _REACH))
    yield from (Found("password", *span) for span in spans)
    if not spans and line_end - end <= 60:
        yield from _replies(text, line_end, sure=_SIGN.match(text, end) is None)


def _replies(text: str, place: int, *, sure: bool) -> Iterator[Found]:
    """Passwords that stand alone on the three lines behind a question."""
    for _ in range(3):
        reply = _REPLY.match(text, place)
        if reply is not None and _is_password(reply.group(1), sure=sure):
            yield Found("password", *reply.span(1))
        place, sure = text.find("\n", place + 1), False
        if place < 0:
            return


def _behind(text: str, label: str, end: int, stop: int) -> list[tuple[int, int]]:
    """Passwords behind a label: its value, or what its sentence says."""
    sign = _SIGN.match(text, end, stop)
    quoted = None
    if sign is not None or text[end : end + 1].isspace():
        quoted = _QUOTED.match(text, end if sign is None else sign.end(), stop)
    if quoted is not None:
        good = _is_password(quoted.group(1), sure=True) and (sign is not None or _has_figure(quoted.group(1)))
        return [quoted.span(1)] if good else []
    if sign is not None:
        words = _WORDS_OF_ONE.match(text, sign.end()) if "phrase" in label else None
        span = _word_at(text, sign.end(), stop, sure=True) if words is None else words.span()
        return [] if span is None else [span]
    sentence = _SENTENCE.search(text, end, stop)
    spans: list[tuple[int, int]] = []
    before = ""
    for number, token in enumerate(_TOKENS.finditer(text, end, stop if sentence is None else sentence.start())):
        says = number == 0 or bool(_SAYS.search(before))
        before = token.group()
        if number and says and (quoted := _QUOTED.match(text, token.start(), stop)) is not None:
            spans += [quoted.span(1)] if _is_password(quoted.group(1), sure=False) else []
        elif says or (not spans and number <= 2):
            span = _word_at(text, token.start(), stop, sure=False)
            value = "" if span is None else text[slice(*span)]
            if span is not None and ((says and _has_figure(value)) or _is_mixed(value)):
                spans.append(span)
    return spans


def _has_figure(value: str) -> bool:
    """Whether a word has letters, and a figure or a sign within."""
    return bool(re.search(r"\d", value) and re.search(r"[^\W\d_]", value)) or value.count("-") >= 2


def _is_mixed(value: str) -> bool:
    """Whether a word has letters, figures and something else."""
    return len(value) >= 8 and all(
        re.search(each, value) for each in (r"\d", r"[^\W\d_]{2}", r"[^\w'’/:-]|_|[a-z][A-Z]")
    )


def _word_at(text: str, place: int, stop: int, *, sure: bool) -> tuple[int, int] | None:
    match = _WORD.match(text, place, stop)
    if match is None or (sure and _PROSE.match(text, match.start(1))):
        return None
    value = re.split(r"&(?:amp;)?\w+=|[,;](?=\s|$)|['\"]?\)$", match.group(1))[0].rstrip("'")
    value = re.sub(r"(?:\.|,|;|:|\)|\?(?=$))+$", "", value)
    if not sure and re.fullmatch(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+", value):
        return None
    return (match.start(1), match.start(1) + len(value)) if _is_password(value, sure=sure) else None


def _is_password(value: str, *, sure: bool) -> bool:
    """Whether somebody would use this; `sure` where nothing but a password can stand there."""
    if (
        len(value) < 4
        or value.lower() in _PLAIN_PASSWORD
        or value[0] in "$<%{[(\\*/-@&_'\",;)]}|`"
        or _PLACEHOLDER.search(value)
    ):
        return False
    if re.fullmatch(r"[*•.x_-]+|…+|https?:.*|\d+", value) or re.search(
        r"\w\(|\)$|::|->|^[\w-]+\.[a-z]{2,4}$|, |^\. ", value
    ):
        return False
    lively = bool(re.search(r"\d", value) and re.search(r"[^\W\d]", value)) or bool(
        re.search(r"[^\w\s.'’-]|_", value) or re.search(r"[a-z][A-Z]", value) or value.count("-") >= 2
    )
    if re.fullmatch(r"[A-Z_]+", value, re.IGNORECASE if value[:1].islower() else 0) or _ALGORITHM.fullmatch(value):
        return False
    return lively or (sure and bool(re.search(r"[^\W\d_]{3}", value)) and " " not in value and len(value) >= 6)


_IN_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]{1,20}://[^\s:/@]{1,60}:([^\s/@]{3,64})@[\w.\[-]", re.IGNORECASE)
_IN_COMMAND = re.compile(
    r"\s(?:-p ?|--password[= ])[\"']?([^\s\"'-][^\s\"']{3,60})[\"']?(?=\s|$)"
    r"|\s-u ?[\"']?[\w.@-]+:([^\s\"':]{4,60})[\"']?(?=\s|$)"
)


def passwords_in_addresses(window: Window, start: int, end: int) -> Iterator[Found]:
    """The password in scheme://user:password@host around an @."""
    for match in _IN_ADDRESS.finditer(window.text, max(0, start - 90), end + 2):
        if (
            start - 90 <= match.start()
            and start <= match.end(1) + 1 <= end + 2
            and _is_password(match.group(1), sure=True)
        ):
            yield Found("password", *match.span(1))


def passwords_in_commands(window: Window, start: int, end: int) -> Iterator[Found]:
    """The password behind mysql's -p and curl's -u."""
    line = window.text.find("\n", end)
    for match in _IN_COMMAND.finditer(window.text, end - 1, line if line >= 0 else end + 160):
        group = 1 if match.group(1) else 2
        if _is_password(match.group(group), sure=False):
            yield Found("password", *match.span(group))
