"""Rows of tables and objects of jsonl, turned into documents and pairs by the names of their fields."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from fournil.stages.sources.readers.raw import RawDocument, RawPair, Refused
from fournil.stages.sources.readers.tables import Row, no_field

_DETAILS = ("title", "author", "date", "url", "category")
_LICENCES = ("licence", "license")
_PAIR_MAPS = ("texts", "translation")
_NAMES_OF_LANGUAGES = {
    "english": "en",
    "anglais": "en",
    "eng": "en",
    "french": "fr",
    "français": "fr",
    "fra": "fr",
    "fre": "fr",
}
_MOST_IDS = 2_000_000


@dataclass(frozen=True)
class Fields:
    """What the fields of a row are called."""

    text: str = "text"
    id: str = "id"
    language_field: str = "language"
    pair: tuple[str, str] | None = ("en", "fr")
    """Language tags, or TAG=COLUMN where columns are not called by their languages."""
    language: str | None = None

    @cached_property
    def pair_tags(self) -> dict[str, str]:
        """Column → language tag of translations, in order."""
        named = (one.partition("=") for one in self.pair or ())
        return {column or tag: tag for tag, _, column in named}

    @cached_property
    def needed(self) -> frozenset[str]:
        """Names of which a file must have one to hold any text."""
        names = {self.text, *_PAIR_MAPS}
        tags = self.pair_tags
        names |= {*tags, *(word for word, tag in _NAMES_OF_LANGUAGES.items() if tags.get(tag) == tag)}
        return frozenset(names)

    @property
    def asked(self) -> frozenset[str]:
        """The names to tell a user who has none of them."""
        return frozenset({self.text, *self.pair_tags})

    @cached_property
    def known(self) -> frozenset[str]:
        """All names that mean anything here."""
        return self.needed | {self.id, self.language_field, "lang", "score", "source", "group", *_DETAILS, *_LICENCES}


def converted(
    rows: Iterable[Row | Refused], path: Path, name: str, fields: Fields
) -> Iterator[RawDocument | RawPair | Refused]:
    """Documents and pairs of a file's rows; ids are `NAME#ID`, made unique by the row's number where they are not.

    Raises:
        FournilError: the first row has no field that could hold text.
    """
    seen: set[str] = set()
    first = True
    for row in rows:
        if isinstance(row, Refused):
            yield row
            continue
        number, values = row
        if first:
            first = False
            if not any(key in fields.needed or key.lower() in fields.needed for key in values):
                raise no_field(path, fields.asked, values)
        given = values.get(fields.id)
        own = str(given).strip() if isinstance(given, (str, int)) else ""
        native = f"{name}#{own or number}"
        if own:
            # Past so many ids they are no longer remembered: each then carries its row's number.
            if len(seen) >= _MOST_IDS or native in seen:
                native = f"{native}#{number}"
            else:
                seen.add(native)
        yield _row(values, native, fields)


def _row(values: Mapping[str, Any], native: str, fields: Fields) -> RawDocument | RawPair | Refused:
    extra: dict[str, Any] = {}
    licence = next((value for key in _LICENCES if _filled(value := values.get(key))), None)
    if licence:
        extra["licence"] = licence
    for key in ("source", "group"):
        if _filled(values.get(key)):
            extra["origin" if key == "source" else key] = values[key]
    if encoding := values.get("\0encoding"):
        extra["encoding"] = encoding
    text = values.get(fields.text)
    if text is None and (texts := _texts(values, fields)):
        if any("\0" in side for side in texts.values()):
            return Refused(native, "binary", "NUL", "text", "\n".join(texts.values()))
        if not all(side.strip() for side in texts.values()):
            return Refused(native, "empty", "a side without text", "text on both sides", "\n".join(texts.values()))
        score = values.get("score")
        return RawPair(native, texts, _number(score), extra)
    if not isinstance(text, str):
        return Refused(native, "no-text", type(text).__name__, f"text in the field {fields.text}")
    if "\0" in text:
        return Refused(native, "binary", "NUL", "text", text)
    if not text.strip():
        return Refused(native, "empty", "no text", "some text")
    language = values.get(fields.language_field) or values.get("lang")
    tag = primary_language(language) if isinstance(language, str) and language.strip() else fields.language
    details = {key: str(value) for key in _DETAILS if (value := values.get(key)) not in (None, "")}
    return RawDocument(native, text.replace("\r\n", "\n"), tag, extra=extra, **details)


def primary_language(tag: str) -> str:
    """The primary subtag of a language tag as people write them: `fr` for `fr_FR`, `FR`, `fra`, `French`."""
    primary = tag.strip().replace("_", "-").split("-")[0].lower()
    return _NAMES_OF_LANGUAGES.get(primary, primary)


def _texts(values: Mapping[str, Any], fields: Fields) -> dict[str, str] | None:
    for key in _PAIR_MAPS:
        mapping = values.get(key)
        if isinstance(mapping, Mapping):
            texts = {str(tag): text for tag, text in mapping.items() if isinstance(text, str)}
            return texts if len(texts) > 1 else None
    if not fields.pair:
        return None
    tags = fields.pair_tags
    named = {tags.get(key) or _NAMES_OF_LANGUAGES.get(key.lower(), key): value for key, value in values.items()}
    texts = {tag: named[tag] for tag in tags.values() if isinstance(named.get(tag), str)}
    return texts if len(texts) == len(tags) else None


def _filled(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _number(value: object) -> float | None:
    try:
        return float(value) if isinstance(value, (str, int, float)) and value != "" else None
    except ValueError:
        return None
