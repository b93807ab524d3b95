"""What readers give: texts with what the file itself says about them, before licences and identifiers are settled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class RawDocument:
    """One text as a reader found it.

    `native_id` is unique among the texts of one source; `language` is a BCP 47 tag or None where nobody said it;
    `extra` holds what only this reader knows (encoding, line number, group of translations) and must fit JSON.
    """

    native_id: str
    text: str
    language: str | None = None
    title: str | None = None
    author: str | None = None
    date: str | None = None
    url: str | None = None
    category: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RawPair:
    """One text in several languages: `texts` maps BCP 47 tags to texts, `score` is the aligner's, if there is one."""

    native_id: str
    texts: Mapping[str, str]
    score: float | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Refused:
    """What a reader could not or would not read: the rule, the value seen, the bound, and the text if there is one."""

    native_id: str
    rule: str
    value: str
    bound: str
    text: str = ""
