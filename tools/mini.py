"""Checks the items of fournil-mini, and writes their review pages: `python tools/mini.py [SET ...]`.

Prints, for each set: number of items, right answers by place, what choosing the longest answer and a classifier that
does not see the question get, sentence frames used twice, and questions that are nearly the same. `--why` says what
gives the right choices away.

A sentence frame is a question without its content words: the function words of the language (core/languages), the gap,
and one place for each run of other words. « Le chat dort sur le lit. » is « le _ sur le _ ».
"""

from __future__ import annotations

import argparse
import itertools
import re
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from fournil.core.languages import language
from fournil.stages.evaluate.mini.items import (
    ASKED,
    FOLDER,
    GAP,
    GAPPED,
    IN_CONTEXT,
    LANGUAGES,
    SETS,
    TRANSLATION,
    YES_NO,
    Item,
    path_of,
    read_items,
)
from fournil.stages.evaluate.sets import baselines

NUM_ITEMS = 60
NUM_CHOICES = 4
MARGIN = 0.05
"""How far from chance a baseline may be."""
MIN_FUNCTION_WORDS = 3
"""A frame with fewer is too short to be one."""
MAX_OVERLAP = 0.7
"""The greatest share of words that two questions of a set may have in common."""
SHOWN = 25
"""Problems of a set that are printed."""
ELIDED = {"l'": "le", "qu'": "que", "lorsqu'": "lorsque", "puisqu'": "puisque"}
"""What an elided word stands for, where it is not its letters and an e."""


def words(text: str, tag: str) -> list[str]:
    """Split into words in lower case; the gap is one; French elision ends a word, which is written in full."""
    text = text.replace("’", "'").lower()
    if not language(tag).apostrophe_ends_word:
        return re.findall(r"<\.\.\.>|\w+(?:['-]\w+)*", text)
    found = re.findall(r"<\.\.\.>|\w+'(?=\w)|\w+", text)
    return [ELIDED.get(word, word[:-1] + "e") if word.endswith("'") else word for word in found]


def frame(question: str, tag: str) -> str:
    """Return the question's frame, or nothing where it has too few function words to be one."""
    functional = language(tag).stop_words
    functional = functional | {word[:-1] + "e" for word in functional if word.endswith("'")}
    parts = [word if word in functional or word == GAP else "_" for word in words(question, tag)]
    if sum(part not in ("_", GAP) for part in parts) < MIN_FUNCTION_WORDS:
        return ""
    return " ".join(part for part, _ in itertools.groupby(parts))


def asked(item: Item) -> str:
    """Return what is read of an item: its question, or the text to translate."""
    return item.question or item.source


def overlap(one: Sequence[str], two: Sequence[str]) -> float:
    """Share of words that two texts have in common."""
    ours, theirs = Counter(one), Counter(two)
    return 2 * (ours & theirs).total() / max(ours.total() + theirs.total(), 1)


def repeated_frames(items: Sequence[Item], tag: str) -> dict[str, list[str]]:
    """Return the frames used more than once, each with its items."""
    found: dict[str, list[str]] = {}
    for item in items:
        if known := frame(asked(item), tag):
            found.setdefault(known, []).append(item.id)
    return {known: ids for known, ids in found.items() if len(ids) > 1}


def near_duplicates(items: Sequence[Item], tag: str) -> list[tuple[str, str, float]]:
    """Return pairs of items whose questions (or whose different contexts) are nearly the same."""
    found = []
    contexts: dict[str, str] = {}
    for item in items:
        contexts.setdefault(item.context, item.id)
    for texts in ([(item.id, asked(item)) for item in items], [(name, text) for text, name in contexts.items()]):
        split = [(name, words(text, tag)) for name, text in texts if text]
        for (one, ours), (two, theirs) in itertools.combinations(split, 2):
            if (share := overlap(ours, theirs)) > MAX_OVERLAP:
                found.append((one, two, share))
    return found


def letters(items: Sequence[Item]) -> Counter[int]:
    """Count right answers by place."""
    return Counter(item.gold for item in items)


def malformed(items: Sequence[Item], tag: str, name: str) -> Iterator[str]:
    """Say what is wrong with single items."""
    for number, item in enumerate(items, 1):
        if item.id != f"{tag}-{name}-{number:02}":
            yield f"{item.id}: its id should be {tag}-{name}-{number:02}"
        texts = [item.question, item.context, item.source, *item.choices, *item.references]
        if any(text != text.strip() or "  " in text or "\n" in text for text in texts):
            yield f"{item.id}: white space at an end, doubled, or a new line"
        french = texts if tag == "fr" else []
        if name == TRANSLATION:
            french = item.references if tag == "fr" else [item.source]
        if any(re.search(r"(?<![\s\xa0\u202f])[;!?»]|«(?![\xa0\u202f])| [;:!?»]", text) for text in french if text):
            yield f"{item.id}: French sets ; ! ? and quotation marks apart with a no-break space"
        if name == TRANSLATION:
            if not item.source or not item.references or not all(item.references):
                yield f"{item.id}: a source and one reference or more"
            if item.source in item.references or len(set(item.references)) < len(item.references):
                yield f"{item.id}: a reference that says the same again"
            continue
        if not item.question or (name in IN_CONTEXT and not item.context):
            yield f"{item.id}: without question or context"
        if (item.question.count(GAP) == 1) != (name in GAPPED) or (name in ASKED and GAP in item.question):
            yield f"{item.id}: one gap {GAP} where choices fill one, none elsewhere"
        wanted = len(YES_NO[tag]) if name == "boolean" else NUM_CHOICES
        if len({choice.lower() for choice in item.choices}) != wanted or len(item.choices) != wanted:
            yield f"{item.id}: {wanted} different choices"
        if name == "boolean" and item.choices != YES_NO[tag]:
            yield f"{item.id}: the choices are {YES_NO[tag]}"
        if not (isinstance(item.gold, int) and 0 <= item.gold < len(item.choices)):
            yield f"{item.id}: gold is the place of a choice, from 0"


def problems(items: Sequence[Item], tag: str, name: str, num_items: int = NUM_ITEMS) -> list[str]:
    """Return all that is wrong with a set; nothing, when it may ship."""
    found = list(malformed(items, tag, name))
    if len(items) != num_items:
        found.append(f"{len(items)} items, not {num_items}")
    found += [f"one frame in {', '.join(ids)}: {known}" for known, ids in repeated_frames(items, tag).items()]
    found += [f"nearly the same ({share:.0%}): {one}, {two}" for one, two, share in near_duplicates(items, tag)]
    contexts = Counter(item.context for item in items if item.context)
    found += [f"{count} questions on one context: {text[:60]}…" for text, count in contexts.items() if count > 3]
    if name == TRANSLATION or not items or any("choices" in line or "gold" in line for line in found):
        return found
    num_choices = len(items[0].choices)
    counts, even = letters(items), len(items) / num_choices
    for place in range(num_choices):
        if abs(counts[place] - even) > 1:
            found.append(f"gold is {'ABCD'[place]} {counts[place]} times, it should be {even:.4g}, give or take 1")
    for system, credit in baselines.BASELINES.items():
        share = float(credit(items).mean())
        if abs(share - 1 / num_choices) > MARGIN + 1e-9:
            found.append(f"{system} gets {share:.1%}, chance is {1 / num_choices:.0%}, 5 points are allowed")
    return found


def summary(items: Sequence[Item], tag: str, name: str) -> str:
    """Return a set's line."""
    line = f"{tag}/{name:12} {len(items):3} items"
    if name == TRANSLATION or not items:
        return line
    counts = letters(items)
    shown = " ".join(f"{'ABCD'[place]} {counts[place]}" for place in range(len(items[0].choices)))
    shares = "  ".join(f"{system} {credit(items).mean():.1%}" for system, credit in baselines.BASELINES.items())
    return f"{line}  gold {shown:22} {shares}"


def why(items: Sequence[Item]) -> Iterator[str]:
    """Say what the classifier that does not see the question goes by, and what it gets right."""
    credits_I, long_I = baselines.hidden(items), baselines.longest(items)
    yield "hidden gets right: " + " ".join(
        item.id[-2:] for item, got in zip(items, credits_I, strict=True) if got > 0.5
    )
    yield "longest gets right: " + " ".join(item.id[-2:] for item, got in zip(items, long_I, strict=True) if got > 0)
    figures = {"characters": lambda text: len(text), "words": lambda text: len(text.split())}
    for label, figure in figures.items():
        right = [figure(item.choices[item.gold]) for item in items]
        wrong = [figure(text) for item in items for place, text in enumerate(item.choices) if place != item.gold]
        yield f"{label}: right {sum(right) / len(right):.2f}, wrong {sum(wrong) / len(wrong):.2f}"
    right = Counter(piece for item in items for piece in set(re.findall(r"\w+", item.choices[item.gold].lower())))
    for piece, count in right.most_common(8):
        wrong = sum(
            piece in re.findall(r"\w+", text.lower())
            for item in items
            for place, text in enumerate(item.choices)
            if place != item.gold
        )
        yield f"word {piece!r}: in {count} right choices, in {wrong} wrong ones"


def main() -> int:
    """Print what the sets are like; fail when one may not ship."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("sets", nargs="*", metavar="LANGUAGE[/SET]", help="such as fr or fr/grammar (default: all)")
    parser.add_argument("--why", action="store_true", help="say what gives the right choices away")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where fr/ and en/ are")
    arguments = parser.parse_args()
    failed = False
    for tag, name in itertools.product(LANGUAGES, SETS):
        if arguments.sets and tag not in arguments.sets and f"{tag}/{name}" not in arguments.sets:
            continue
        if not path_of(tag, name, arguments.folder).exists():
            print(f"{tag}/{name:12} is missing")
            failed = True
            continue
        try:
            items = read_items(tag, name, arguments.folder)
        except ValueError as problem:
            print(f"{tag}/{name}: {problem}")
            failed = True
            continue
        print(summary(items, tag, name))
        found = problems(items, tag, name)
        failed |= bool(found)
        for line in found[:SHOWN]:
            print(f"    {line[:200]}")
        if len(found) > SHOWN:
            print(f"    and {len(found) - SHOWN} more")
        if arguments.why and name != TRANSLATION:
            for line in why(items):
                print(f"    ({line})")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
