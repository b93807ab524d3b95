"""Gettext catalogues: each message and its translation, from compiled (.mo) and source (.po) files."""

from __future__ import annotations

import codecs
import re
import struct
from dataclasses import dataclass

from fournil.core.errors import FournilError
from fournil.core.speech import tr

_MAGIC = 0x950412DE
_CONTEXT_END = "\x04"
_CHARSET = re.compile(rb"charset=([\w.:-]+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Message:
    """One message: source and target text, the context that tells equal sources apart, and whether it has plurals."""

    source: str
    target: str
    context: str | None
    plural: bool


def read_mo(data: bytes, *, where: str | None = None) -> list[Message]:
    """Read a compiled catalogue, as GNU gettext's manual describes its format.

    Args:
        data: the file.
        where: its name, for error messages.

    Returns:
        Messages in the file's order without those that are not translated. A message with plurals gives two: the
        singular with the first form, the plural with the last (French: `n > 1`; where there are three, "other").

    Raises:
        FournilError: the file is no catalogue, cut short, or not in the encoding that it names.
    """
    messages: list[Message] = []
    charset = "utf-8"
    for key, value in _entries(data, where):
        if not key:
            match = _CHARSET.search(value)
            charset = _known_charset(match[1].decode("ascii"), where) if match else charset
            continue
        try:
            source, target = key.decode(charset), value.decode(charset)
        except UnicodeDecodeError as error:
            raise _broken(
                tr("a message is not in {charset}, which the file names: {error}", charset=charset, error=error.reason),
                where,
            ) from None
        context, mark, rest = source.partition(_CONTEXT_END)
        sources, targets = (rest if mark else source).split("\0"), target.split("\0")
        messages += _messages(sources, targets, context if mark else None)
    return messages


def read_po(data: bytes, *, where: str | None = None) -> list[Message]:
    """Read a source catalogue; like `read_mo`, and without fuzzy and obsolete messages.

    Raises:
        FournilError: the file is no catalogue or not in the encoding that it names.
    """
    import polib

    match = _CHARSET.search(data[:65536])
    charset = match[1].decode("ascii") if match and match[1] != b"CHARSET" else "utf-8"
    try:
        text = data.decode(_known_charset(charset, where)).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise _broken(
            tr("the file is not in {charset}: see byte {place:,}", charset=charset, place=error.start), where
        ) from None
    if not re.search(r'^\s*msgid\s*"', text, re.MULTILINE):
        raise _broken(tr("the file holds no msgid"), where)
    try:
        catalogue = polib.pofile(text)
    except (OSError, ValueError, IndexError) as error:
        raise _broken(
            tr("the file does not follow the PO format: {error}", error=str(error).strip() or "?"), where
        ) from None
    messages: list[Message] = []
    for entry in catalogue:
        if entry.obsolete or entry.fuzzy:
            continue
        if entry.msgid_plural:
            forms = [entry.msgstr_plural[number] for number in sorted(entry.msgstr_plural)]
            messages += _messages([entry.msgid, entry.msgid_plural], forms, entry.msgctxt)
        else:
            messages += _messages([entry.msgid], [entry.msgstr], entry.msgctxt)
    return messages


def _messages(sources: list[str], targets: list[str], context: str | None) -> list[Message]:
    if len(sources) == 1:
        pairs = [(sources[0], targets[0])]
    elif len(targets) == 1:
        pairs = [(sources[1], targets[0])]
    else:
        pairs = [(sources[0], targets[0]), (sources[1], targets[-1])]
    plural = len(sources) > 1
    return [Message(source, target, context, plural) for source, target in pairs if source.strip() and target.strip()]


def _entries(data: bytes, where: str | None) -> list[tuple[bytes, bytes]]:
    if len(data) < 20:
        raise _broken(tr("the file has {size:,} bytes, fewer than a head", size=len(data)), where)
    order = next((order for order in "<>" if struct.unpack_from(order + "I", data)[0] == _MAGIC), None)
    if order is None:
        raise _broken(tr("the file does not begin like a compiled catalogue"), where)
    revision, count, sources_at, targets_at = struct.unpack_from(order + "4I", data, 4)
    if revision >> 16 > 1:
        raise _broken(tr("the file has revision {number:,}, which nobody has defined", number=revision >> 16), where)
    if max(sources_at, targets_at) + 8 * count > len(data):
        raise _broken(tr("the file ends before its table of {number:,} messages", number=count), where)
    numbers = f"{order}{2 * count}I"
    sources, targets = struct.unpack_from(numbers, data, sources_at), struct.unpack_from(numbers, data, targets_at)
    entries: list[tuple[bytes, bytes]] = []
    for place in range(0, 2 * count, 2):
        ends = sources[place + 1] + sources[place], targets[place + 1] + targets[place]
        if max(ends) > len(data):
            raise _broken(
                tr(
                    "the file is cut: message {number:,} ends at byte {end:,} of {size:,}",
                    number=place // 2,
                    end=max(ends),
                    size=len(data),
                ),
                where,
            )
        entries.append((data[sources[place + 1] : ends[0]], data[targets[place + 1] : ends[1]]))
    return entries


def _known_charset(name: str, where: str | None) -> str:
    try:
        return codecs.lookup(name).name
    except LookupError:
        raise _broken(tr("the file names an encoding that nobody knows: {name}", name=name), where) from None


def _broken(what: str, where: str | None) -> FournilError:
    what = tr("no readable gettext catalogue: {reason}", reason=what)
    return FournilError(what, where=where, fix=tr("Fetch the file again, or leave it out"))
