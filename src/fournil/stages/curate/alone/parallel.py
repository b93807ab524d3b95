"""What one pair alone says of its translation: lengths, numbers, words that were left as they were, a score."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from fournil.stages.curate.sections.pairs import PairSettings

SMOOTHING = 15
"""Characters by which both sides are taken longer when their lengths are compared, so that short messages pass."""

RELATIVE_LENGTHS: Mapping[str, float] = {"fr": 1.14}
"""Characters of a language for one of English in the same text. Medians over 20,000 pairs each of more than 60 letters:
1.15 in a manual of programming, 1.14 in another and in everyday sentences, 1.04 in laws written in both at once."""

MARKUP = re.compile(r"<[^<>]*>|&[a-zA-Z]+;|%[-+ #0-9.*$]*[a-zA-Z]|\$?\{[^{}]*\}|https?://\S+|\\[a-z]")
_GROUPED = re.compile("(?<![\\d.,])\\d{1,3}(?:([ .,\u00a0\u202f\u2009'’])\\d{3}(?!\\d))(?:\\1\\d{3}(?!\\d))*")
_NUMBER = re.compile(r"\d{3,}")
_WORD = re.compile(r"(?:(?<=[\s(«\"“‘'’])|^)[^\W\d_]{2,}(?=[\s).,;:!?»\"”'’]|$)")
_FEW_WORDS = 6


class Broken(NamedTuple):
    """The rule that a pair breaks, what was found, and the bound."""

    rule: str
    value: str | None = None
    bound: str | None = None


class Side(NamedTuple):
    """One side of a pair."""

    language: str
    text: str
    num_letters: int


def judge_pair(sides: Sequence[Side], score: float | None, settings: PairSettings) -> Broken | None:
    """The first rule that a pair breaks."""
    texts = [side.text for side in sides]
    if len(set(texts)) < len(texts):
        return Broken("equal-sides")
    if min(side.num_letters for side in sides) == 0:
        return Broken("no-letter", "0", "1")
    if any(is_markup(text) for text in texts):
        return Broken("markup-only")
    if score is not None and settings.min_score is not None and score < settings.min_score:
        return Broken("low-score", f"{score:.6g}", f"{settings.min_score:g}")
    longest = max(len(text) for text in texts)
    if longest > settings.max_characters:
        return Broken("over-long", str(longest), str(settings.max_characters))
    ratio = length_ratio(sides)
    if ratio > settings.max_length_ratio:
        return Broken("length-ratio", f"{ratio:.6g}", f"{settings.max_length_ratio:g}")
    share = same_words(texts)
    if share > settings.max_same_words:
        return Broken("untranslated", f"{share:.6g}", f"{settings.max_same_words:g}")
    share = numbers_agree(texts)
    if share < settings.min_numbers:
        return Broken("numbers", f"{share:.6g}", f"{settings.min_numbers:g}")
    return None


def is_markup(text: str) -> bool:
    """Whether a text has no letter but in markup, directives and addresses."""
    return any(sign in text for sign in ("<", "%", "{", "&", "://")) and not any(
        character.isalpha() for character in MARKUP.sub("", text)
    )


def length_ratio(sides: Sequence[Side]) -> float:
    """The longer side to the shorter one, in characters, each held against what its language takes on average."""
    lengths = [(len(side.text) + SMOOTHING) / RELATIVE_LENGTHS.get(side.language, 1.0) for side in sides]
    return max(lengths) / min(lengths)


def same_words(texts: Sequence[str]) -> float:
    """The greatest share of words of a side that stand in another one too; 0 where a side has few words.

    Names, what stands in markup and what is joined with signs or digits are not looked at: they stay as they are.
    """
    words = [Counter(word for word in _WORD.findall(MARKUP.sub(" ", text)) if word[0].islower()) for text in texts]
    if min(each.total() for each in words) < _FEW_WORDS:
        return 0.0
    first, *others = words
    return max((first & other).total() / min(first.total(), other.total()) for other in others)


def numbers_of(text: str) -> Counter[str]:
    """The numbers of a text with three digits or more, however its language groups them.

    Shorter ones are not looked at: one writer spells them out where the other does not, and clocks differ too.
    """
    if not any(character.isdigit() for character in text):
        return Counter()
    return Counter(_NUMBER.findall(_GROUPED.sub(lambda match: re.sub(r"\D", "", match.group()), text)))


def numbers_agree(texts: Sequence[str]) -> float:
    """The share of numbers that all sides have; 1 where a side has none, which may have written them out."""
    numbers = [numbers_of(text) for text in texts]
    if not all(numbers):
        return 1.0
    common = numbers[0]
    for each in numbers[1:]:
        common = common & each
    return common.total() / max(each.total() for each in numbers)
