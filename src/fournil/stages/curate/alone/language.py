"""The step that finds each document's language and refuses other languages than those of the run.

Function words decide where they can: they are counted line by line in one look at the bytes. Where they leave a doubt
(short texts, tables, names, other languages) the identifier of parts/text/identify.py is asked, first about three
pieces of the text and, before anything is refused, about fifty.
"""

import re
from dataclasses import dataclass

import numpy as np

from fournil.core.languages import primary
from fournil.core.relatives import RELATIVES
from fournil.parts.text.function_words import FunctionWords, count_words
from fournil.parts.text.identify import CLOSE_PIECES, identify
from fournil.parts.text.line_languages import LineLanguages, line_languages
from fournil.stages.curate.alone.batch import Batch
from fournil.stages.curate.alone.marking import mark_rows
from fournil.stages.curate.alone.splitting import split_off
from fournil.stages.curate.names import LANGUAGE

_SURE_WORDS = 20
_SURE_SHARE = 0.3
"""A text with so many words, of which this share are function words of the run's languages, needs no identifier."""

_NEIGHBOURS = 5
"""So many times as many as those of other languages."""

_TERSE_WORDS, _TERSE_SHARE, _TERSE_NEIGHBOURS = 80, 0.15, 10
"""The same for a longer text that may be terse, as manuals are."""

_KIN_SHARE = 0.28
_KIN_NEIGHBOURS = 1.3
"""A relative needs this share of function words, and so many times as many as other languages."""

_KIN_WORDS = 3
"""And so many of its words, in so many characters."""
_KIN_CHARACTERS = 100_000
_WORD = re.compile(r"[^\W\d_]+")

_CONFIRMING_SHARE = 0.1
_CONFIRMING_NEIGHBOURS = 3
"""From this share of function words on, so many times those of other languages, they confirm a language of the run that
the identifier is not sure of."""
_CORRECTING_SHARE = 0.25
_CORRECTING_NEIGHBOURS = 4
"""And from this share on, they correct another language that it is not sure of."""


@dataclass(frozen=True)
class _Found:
    """By document."""

    tags: list[str]
    confidences: np.ndarray
    homes: list[str | None]
    """Of a relative: the language of the run that it lives beside."""
    sure_D: np.ndarray
    """Where it is a language of the run beyond doubt."""


def find_languages(batch: Batch) -> None:
    """Give each document its language, as named or else as found; refuse those of another one; part mixed ones."""
    counted = count_words(batch.texts.values, batch.languages)
    lines = line_languages(counted)
    found = _find(batch, counted, lines)
    _judge(batch, counted, lines, found)
    order_DN = np.argsort(-lines.share_DN, 1, kind="stable")
    second = order_DN[:, 1] if order_DN.shape[1] > 1 else np.zeros(len(batch), np.int64)
    second_share = lines.share_DN[np.arange(len(batch)), second] if order_DN.shape[1] > 1 else np.zeros(len(batch))
    judged = batch.alive() & ~batch.is_code
    second_share = np.where(judged, second_share, 0.0)
    mixed = np.flatnonzero(judged & (second_share >= batch.config.language.mixed_share)).tolist()
    names = np.array([*counted.tags, ""], "U8")
    batch.arrays["found"] = np.array(found.tags, "U8")
    batch.arrays["second"] = np.where(second_share > 0, names[second], "")
    batch.arrays["second_share"] = second_share.astype(np.float32)
    batch.arrays["switching"] = np.where(judged, lines.switching_D, 0.0).astype(np.float32)
    batch.arrays["split"] = np.zeros(len(batch), bool)
    settings = batch.config.language
    if settings.relatives == "mark":
        mark_rows(batch, {place: {"variety": found.tags[place]} for place, home in enumerate(found.homes) if home})
    if settings.mixed == "refuse":
        for place in mixed:
            value = f"{names[second[place]]} {second_share[place]:.3f}"
            batch.refuse(place, LANGUAGE, "language-mixed", value, f"{settings.mixed_share:g}")
    elif settings.mixed == "mark":
        mark_rows(batch, {place: {"languages": _shares(counted, lines, place)} for place in mixed})
    elif settings.mixed == "split":
        split_off(batch, counted, lines, mixed)


def _find(batch: Batch, counted: FunctionWords, lines: LineLanguages) -> _Found:
    settings = batch.config.language
    num = len(counted.tags)
    own_DN = counted.counts_DC[:, :num]
    own_D, others_D = own_DN.sum(1), counted.counts_DC[:, num]
    words_D = np.maximum(counted.num_words_D, 1)
    latin_D = 10 * counted.num_foreign_D < counted.num_letters_D
    plain_D = (words_D >= _SURE_WORDS) & (own_D >= _SURE_SHARE * words_D) & (own_D >= _NEIGHBOURS * others_D)
    terse_D = (words_D >= _TERSE_WORDS) & (own_D >= _TERSE_SHARE * words_D) & (own_D >= _TERSE_NEIGHBOURS * others_D)
    sure_D = (plain_D | terse_D) & latin_D
    kin_DK = counted.counts_DC[:, num + 1 :]
    kin_D = kin_DK.max(1, initial=0)
    is_kin_D = (
        ~sure_D
        & (counted.num_words_D >= _SURE_WORDS)
        & (kin_D >= _KIN_SHARE * words_D)
        & (kin_D >= _KIN_NEIGHBOURS * others_D)
        & (kin_D > own_DN.max(1, initial=0))
        & latin_D
    )
    tags, confidences = [""] * len(batch), np.zeros(len(batch))
    homes: list[str | None] = [None] * len(batch)
    if num:
        has_share_D = lines.share_DN.any(1)
        most_D = np.where(has_share_D, lines.share_DN.argmax(1), own_DN.argmax(1))
        for place, most in zip(np.flatnonzero(sure_D).tolist(), most_D[sure_D].tolist(), strict=True):
            tags[place] = counted.tags[most]
        confidences[sure_D] = own_D[sure_D] / (own_D[sure_D] + others_D[sure_D])
    for place in np.flatnonzero(is_kin_D).tolist():
        tag, home = counted.relatives[int(kin_DK[place].argmax())]
        if not _has_words_of(batch.texts.values[place].as_py(), tag, home):
            is_kin_D[place] = False
            continue
        tags[place], homes[place] = tag, home
        confidences[place] = kin_D[place] / (kin_D[place] + others_D[place])
    open_ = np.flatnonzero(~sure_D & ~is_kin_D & ~batch.is_code & (counted.num_letters_D > 0)).tolist()
    wanted = {primary(tag) for tag in batch.languages}
    kin = {relative.tag: home for home in sorted(wanted) for relative in RELATIVES.get(home, ())}

    least, least_letters = settings.min_confidence, settings.min_letters

    def weigh(place: int, tag: str, confidence: float) -> bool:
        """Take what the identifier says, with what the words say of it; whether it need not be asked more closely."""
        own, others = int(own_D[place]), int(others_D[place])
        share = own / int(words_D[place])
        home = kin.get(tag)
        if tag in wanted and share >= _CONFIRMING_SHARE and own >= _CONFIRMING_NEIGHBOURS * others:
            confidence = max(confidence, own / (own + others))
        elif home is not None:
            confidence = max(confidence, int(kin_D[place]) / max(int(kin_D[place]) + others, 1))
        elif confidence < least and share >= _CORRECTING_SHARE and own >= _CORRECTING_NEIGHBOURS * others:
            tag, confidence = counted.tags[int(own_DN[place].argmax())], own / (own + others)
        tags[place], confidences[place], homes[place] = tag, confidence, home
        expected = primary(batch.declared[place] or tag)
        return (home or tag) == expected and expected in wanted and confidence >= least

    doubtful = [
        place
        for place, tag, confidence in zip(open_, *identify(batch.texts.values, open_), strict=True)
        if not weigh(place, tag, confidence) and counted.num_letters_D[place] >= least_letters
    ]
    # A page of commands may hide its language from three glances: whoever may be refused is looked at closely.
    closer = identify(batch.texts.values, doubtful, num_pieces=CLOSE_PIECES)
    for place, tag, confidence in zip(doubtful, *closer, strict=True):
        weigh(place, tag, confidence)
    return _Found(tags, confidences, homes, sure_D & (counted.num_letters_D >= least_letters) & (confidences >= least))


def _has_words_of(text: str, tag: str, home: str) -> bool:
    """Whether a text has more than one or two words of a relative, said again and again: « na na na » is no Scots."""
    words = next(relative.words for relative in RELATIVES[home] if relative.tag == tag)
    return len(words.intersection(_WORD.findall(text[:_KIN_CHARACTERS].lower()))) >= _KIN_WORDS


def _judge(batch: Batch, counted: FunctionWords, lines: LineLanguages, found: _Found) -> None:
    settings = batch.config.language
    wanted = {primary(tag) for tag in batch.languages}
    sure, is_code = found.sure_D.tolist(), batch.is_code.tolist()
    for place, declared in enumerate(batch.declared):
        if is_code[place] or place in batch.verdicts:
            continue
        if sure[place] and (declared is None or declared == found.tags[place]):
            batch.tags[place] = found.tags[place]
            continue
        tag, confidence = found.homes[place] or found.tags[place], float(found.confidences[place])
        judged = int(counted.num_letters_D[place]) >= settings.min_letters
        value = f"{found.tags[place]} {confidence:.3f}"
        if declared is None:
            batch.tags[place] = tag or None
            if tag not in wanted and judged and confidence >= settings.min_confidence:
                batch.refuse(place, LANGUAGE, "language-outside", value, " ".join(batch.languages))
            elif not judged or confidence < settings.min_confidence:
                batch.refuse(place, LANGUAGE, "language-unsure", value, f"{settings.min_confidence:g}")
        elif primary(declared) not in wanted:
            batch.refuse(place, LANGUAGE, "language-outside", declared, " ".join(batch.languages))
        elif judged and tag != primary(declared) and confidence >= settings.mismatch_confidence:
            # A bilingual page is no mistake: its own language need not be the one that it has most of.
            number = counted.tags.index(primary(declared)) if primary(declared) in counted.tags else None
            if number is None or tag not in wanted or lines.share_DN[place, number] < settings.mixed_share:
                bound = f"{declared} {settings.mismatch_confidence:g}"
                batch.refuse(place, LANGUAGE, "language-mismatch", value, bound)
        if settings.relatives == "refuse" and found.homes[place] is not None:
            batch.refuse(place, LANGUAGE, "language-relative", value)


def _shares(counted: FunctionWords, lines: LineLanguages, place: int) -> dict[str, float]:
    shares = zip(counted.tags, lines.share_DN[place].tolist(), strict=True)
    return {tag: round(share, 3) for tag, share in shares if share > 0}
