"""The mode compat: documents are decided as datatrove's filters decide them.

Nothing changes a text before these filters see it; personal data is masked after them, as FineWeb does.
"""

import re
from collections.abc import Callable, Iterator

import numpy as np
import pyarrow as pa

from fournil.core.languages import known_languages, language, primary
from fournil.parts.text.codepoints import utf8_bytes
from fournil.parts.text.compat.c4 import LINE_RULES, Cut, cut_c4
from fournil.parts.text.compat.fineweb import judge_fineweb
from fournil.parts.text.compat.gopher import judge_gopher
from fournil.parts.text.compat.judged import Judged
from fournil.parts.text.compat.language import judge_language
from fournil.parts.text.compat.repetition import judge_repetition
from fournil.parts.text.ngrams import shingles
from fournil.stages.curate.alone.batch import Batch
from fournil.stages.curate.alone.judging import SHINGLE_WORDS
from fournil.stages.curate.names import LANGUAGE, QUALITY
from fournil.stages.curate.sections.compat import CompatRules

_CITATION = re.compile(r"\[\d*\]|\[edit\]|\[citation needed\]")


def filter_languages(batch: Batch) -> None:
    """Refuse other languages than those wanted, as datatrove's LanguageFilter does."""
    settings = batch.config.compat
    num = len(batch)
    tags = [tag or "" for tag in batch.tags]
    if "language" in settings.filters:
        wanted = settings.language.languages or tuple(dict.fromkeys(map(primary, batch.languages)))
        threshold = settings.language.language_threshold
        places = np.flatnonzero(batch.alive())
        found = judge_language(*utf8_bytes(batch.texts.values), places, languages=wanted, threshold=threshold)
        for number, place in enumerate(places.tolist()):
            tags[place] = batch.tags[place] = found.tags[number]
        for number in np.flatnonzero(found.judged.code_D).tolist():
            said = f"{found.tags[number]} {found.confidence_D[number]:.3f}"
            bound = f"{' '.join(wanted)} {threshold:g}"
            batch.refuse(int(places[number]), LANGUAGE, found.judged.reasons[0], said, bound)
    batch.arrays["found"] = np.array(tags, "U8")
    batch.arrays["second"] = np.full(num, "", "U8")
    batch.arrays["second_share"] = np.zeros(num, np.float32)
    batch.arrays["switching"] = np.zeros(num, np.float32)
    batch.arrays["split"] = np.zeros(num, bool)


def filter_quality(batch: Batch) -> None:
    """Ask the other filters in order, language by language; give the shingles of all documents that are left."""
    settings = batch.config.compat
    asked = batch.alive() & np.array([each not in batch.config.quality.skip for each in batch.categories], bool)
    for name in settings.filters:
        if name == "language":
            continue
        for tag, places in _by_language(batch, asked & batch.alive()):
            rules = settings.rules_of(tag)
            elides = tag in known_languages() and language(tag).apostrophe_ends_word
            if name == "c4":
                cut = cut_c4(*utf8_bytes(batch.texts.values), places, rules.c4)
                _refuse(batch, places, cut.judged)
                _put(batch, places, cut, by_line=rules.c4.split_paragraph)
            else:
                judged = _FILTERS[name](batch.texts.values, places, rules, elides)
                _refuse(batch, places, judged)
    batch.shingles, batch.arrays["shingle_counts"] = shingles(batch.scan().words, SHINGLE_WORDS, wanted=batch.alive())


def _repetition(texts: pa.Array, places: np.ndarray, rules: CompatRules, elides: bool) -> Judged:
    return judge_repetition(*utf8_bytes(texts), places, rules.gopher_repetition, elides=elides)


def _gopher(texts: pa.Array, places: np.ndarray, rules: CompatRules, elides: bool) -> Judged:
    return judge_gopher(*utf8_bytes(texts), places, rules.gopher_quality, elides=elides)


def _fineweb(texts: pa.Array, places: np.ndarray, rules: CompatRules, elides: bool) -> Judged:
    return judge_fineweb(*utf8_bytes(texts), places, rules.fineweb, elides=elides)


_FILTERS: dict[str, Callable[[pa.Array, np.ndarray, CompatRules, bool], Judged]] = {
    "gopher-repetition": _repetition,
    "gopher-quality": _gopher,
    "fineweb": _fineweb,
}


def _by_language(batch: Batch, wanted: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    places: dict[str, list[int]] = {}
    for place in np.flatnonzero(wanted).tolist():
        places.setdefault(primary(batch.tags[place] or ""), []).append(place)
    for tag in sorted(places):
        yield tag, np.array(places[tag], np.int64)


def _refuse(batch: Batch, places: np.ndarray, judged: Judged) -> None:
    for number in np.flatnonzero(judged.code_D).tolist():
        reason = int(judged.code_D[number]) - 1
        value, bound = float(judged.value_D[number]), judged.bounds[reason]
        batch.refuse(int(places[number]), QUALITY, judged.reasons[reason], value, bound)


def _put(batch: Batch, places: np.ndarray, cut: Cut, *, by_line: bool) -> None:
    """Take the texts that C4's rules have left, with an edit for what was dropped or changed."""
    new: dict[int, str] = {}
    bytes_B, bounds_D = utf8_bytes(batch.texts.values)
    kept_B = cut.bytes_B
    for number in np.flatnonzero(cut.judged.code_D == 0).tolist():
        place = int(places[number])
        was = bytes_B[bounds_D[place] : bounds_D[place + 1]].tobytes()
        now = kept_B[cut.bounds_D[number] : cut.bounds_D[number + 1]].tobytes()
        if was == now:
            continue
        new[place] = now.decode()
        lines = slice(cut.lines_D[number], cut.lines_D[number + 1])
        starts = (cut.starts_L[lines] - bounds_D[place]).tolist()
        rules = cut.rules_L[lines].tolist()
        if by_line and new[place].count("\n") + 1 == rules.count(0):
            _note(batch, place, was, new[place], starts, rules)
        else:
            batch.texts.edit(place, QUALITY, "c4-lines", 0, len(was.decode()), was.decode(), new[place])
    batch.texts.set(new)


def _note(batch: Batch, place: int, was: bytes, now: str, starts: list[int], rules: list[int]) -> None:
    """Note what happened to each line; neighbours that were dropped by one rule are one edit."""
    left = now.split("\n")
    ends = [*starts[1:], len(was)]
    point = kept = number = 0
    while number < len(rules):
        last = number
        while rules[number] and last + 1 < len(rules) and rules[last + 1] == rules[number]:
            last += 1
        old = was[starts[number] : ends[last]].decode()
        new = ""
        if not rules[number]:
            kept += 1
            new = left[kept - 1] + ("\n" if kept < len(left) else "")
        if old != new:
            rule = f"line-filter-{LINE_RULES[rules[number]]}"
            if not rules[number]:
                rule = "line-citation" if _CITATION.search(old) else "line-white-space"
            count = last - number + 1
            batch.texts.edit(place, QUALITY, rule, point, point + len(old), old, new, num=count)
        point += len(old)
        number = last + 1
