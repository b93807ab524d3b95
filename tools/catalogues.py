"""The catalogues of messages: collected from the sources, kept in step with them, compiled, checked.

`make catalogues` runs this. Messages are the literals in `tr`, `trn`, `mark` and `markn`, the text under each setting
of a stage, and argparse's own sentences. Nothing is guessed: a message whose English changes waits for its translation.
A file holds no dates and no line numbers, so that a change shows only what changed.
"""

from __future__ import annotations

import argparse
import ast
import re
import string
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import polib

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ROOT / "src" / "fournil"
LOCALES = SOURCES / "data" / "locale"
DOMAIN = "fournil"

WHOLE = ("tr", "mark")
COUNTED = ("trn", "markn")

ARGPARSE = (
    "%(prog)s: error: %(message)s\n",
    "argument %(argument_name)s: %(message)s",
    "expected at least one argument",
    "expected at most one argument",
    "expected one argument",
    "ignored explicit argument %r",
    "invalid %(type)s value: %(value)r",
    "invalid choice: %(value)r (choose from %(choices)s)",
    "invalid choice: %(value)r, maybe you meant %(closest)r? (choose from %(choices)s)",
    "not allowed with argument %s",
    "one of the arguments %s is required",
    "options",
    "positional arguments",
    "the following arguments are required: %s",
    "unknown parser %(parser_name)r (choices: %(choices)s)",
    "unrecognized arguments: %s",
    "usage: ",
)
"""What argparse says by itself where our verbs can make it, in Python 3.11 to 3.14."""
ARGPARSE_COUNTED = (("expected %s argument", "expected %s arguments"),)


class Message(NamedTuple):
    """What is translated: English, and its plural where it depends on a number."""

    text: str
    plural: str = ""


class Misuse(NamedTuple):
    """A call that the collection cannot see the message of."""

    place: str
    why: str


def trees(sources: Path = SOURCES) -> Iterator[tuple[Path, ast.Module]]:
    """Parse every source file."""
    for path in sorted(sources.rglob("*.py")):
        yield path, ast.parse(path.read_text("utf-8"))


def collect(sources: Path = SOURCES) -> set[Message]:
    """Collect every message."""
    found = {Message(text) for text in ARGPARSE} | {Message(*texts) for texts in ARGPARSE_COUNTED}
    for path, tree in trees(sources):
        found |= {message for node in ast.walk(tree) if (message := _message(node)) is not None}
        if path.name == "config.py" and path.parent.parent.name == "stages":
            found |= {Message(text) for part in _with_sections(tree, sources) for text in documented(part)}
    return found


def _with_sections(settings: ast.Module, sources: Path) -> Iterator[ast.Module]:
    """Give a file of settings, and the files that it takes whole sections of them from."""
    yield settings
    for node in settings.body:
        if isinstance(node, ast.ImportFrom) and _SECTION.fullmatch(node.module or ""):
            path = sources.joinpath(*str(node.module).split(".")[1:]).with_suffix(".py")
            yield from _with_sections(ast.parse(path.read_text("utf-8")), sources)


_SECTION = re.compile(r"fournil\.(stages\.\w+\.sections\.\w+|parts\..+\.settings)")


def misuses(sources: Path = SOURCES) -> list[Misuse]:
    """Find calls whose message is no literal: nobody would collect it."""
    found: list[Misuse] = []
    for path, tree in trees(sources):
        for node in ast.walk(tree):
            if _called(node) and _message(node) is None:
                place = f"{path.relative_to(sources)}:{node.lineno}"  # pyright: ignore[reportAttributeAccessIssue]
                found.append(Misuse(place, "its message is no literal"))
    return found


SPEAKING = ("FournilError", "ValueError", "print", "note", "task", "advance", "say")
"""Calls whose text a person reads."""

DEVELOPERS = {
    "core/speech.py": "asks for a language that Fournil does not speak: the command line never does",
    "parts/model/attention.py": "a caller's mistake: engines see to it that prompts fit",
    "parts/model/generate.py": "a caller's mistake: the verbs check what people type",
    "parts/model/score.py": "a caller's mistake: the stage checks its settings",
    "parts/text/fasttext_file.py": "what is wrong with the bytes of a model that a package of ours brings",
    "parts/tokenize/template_process.py": "said by one process to another, which puts it into its own sentence",
    "parts/tokenize/sentencepiece.py": "what is wrong with the file's bytes; the reader says that it cannot be read",
    "stages/evaluate/mini/items.py": "what is wrong with the package's own items: whoever writes them reads it",
    "parts/train/interleave.py": "a caller's mistake: a mixture asks for no order of nothing",
    "parts/train/quotas.py": "a caller's mistake: the settings know the rules",
    "parts/train/schedule.py": "a caller's mistake: the loop ends with the last phase",
}
"""Files whose ValueErrors speak to whoever writes code, each with its reason."""


def untranslated(sources: Path = SOURCES) -> list[Misuse]:
    """Find texts for people that are bare literals, so that no reader gets them in another language."""
    found: list[Misuse] = []
    for path, tree in trees(sources):
        name = path.relative_to(sources).as_posix()
        if name.startswith("data/"):
            continue  # what a recipe bakes
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call):
                continue
            called = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            if called not in SPEAKING or (called == "ValueError" and name in DEVELOPERS):
                continue
            said = [*node.args, *(keyword.value for keyword in node.keywords if keyword.arg not in ("where", "end"))]
            found += [
                Misuse(f"{name}:{node.lineno}", f"{called}({words!r}) is in English for everybody")
                for words in map(_bare_words, said)
                if words
            ]
    return found


def _bare_words(node: ast.AST) -> str:
    """The words of a literal; commands, which are the same in every language, are none."""
    parts = node.values if isinstance(node, ast.JoinedStr) else [node]
    text = "".join(str(part.value) for part in parts if isinstance(part, ast.Constant) and isinstance(part.value, str))
    words = re.sub(r"--?[a-z]+|\bfournil \w+|\b\w+\.toml\b|Wh\b", "", text)
    return text if re.search(r"[A-Za-z]{2}", words) else ""


def documented(tree: ast.Module) -> Iterator[str]:
    """Give the text under each field of the dataclasses of a file, in one line, as `--settings` asks for it."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.ClassDef):
            continue
        for field, after in zip(node.body, node.body[1:], strict=False):
            if isinstance(field, ast.AnnAssign) and isinstance(after, ast.Expr) and _literal(after.value):
                yield " ".join(str(after.value.value).split())  # pyright: ignore[reportAttributeAccessIssue]


def _called(node: ast.AST) -> str:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in (*WHOLE, *COUNTED):
        return node.func.id
    return ""


def _literal(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _message(node: ast.AST) -> Message | None:
    name = _called(node)
    if not name:
        return None
    assert isinstance(node, ast.Call)
    texts = node.args[: 1 if name in WHOLE else 2]
    if len(texts) < (1 if name in WHOLE else 2) or not all(map(_literal, texts)):
        return None
    return Message(*(text.value for text in texts))  # pyright: ignore[reportAttributeAccessIssue]


def update(path: Path, messages: set[Message], taken: list[Path]) -> polib.POFile:
    """Bring a catalogue in step with the messages; translations of the same English stay.

    Args:
        path: The catalogue.
        messages: What there is to translate.
        taken: Other catalogues, whose translations fill what is empty here.
    """
    known: dict[tuple[str, str], polib.POEntry] = {}
    old = polib.pofile(str(path))
    for file in (*taken, path):
        known |= {
            (entry.msgid, entry.msgid_plural): entry
            for entry in polib.pofile(str(file))
            if entry.translated() and not entry.obsolete
        }
    typeset = french_typeset if path.parents[1].name == "fr" else str
    new = polib.POFile(wrapwidth=110)
    new.header, new.metadata = old.header, old.metadata
    for message in sorted(messages):
        entry = polib.POEntry(msgid=message.text, msgid_plural=message.plural)
        same = known.get(message)
        if message.plural:
            entry.msgstr_plural = {form: typeset(same.msgstr_plural.get(form, "") if same else "") for form in (0, 1)}
        else:
            entry.msgstr = typeset(same.msgstr if same else "")
        new.append(entry)
    return new


def places(text: str) -> Counter[str]:
    """Return the named places of a message, with how they are formatted."""
    if re.search(r"%(\(\w+\))?[a-z]", text) and "{" not in text:  # argparse's: %s, %(name)r
        return Counter(name or "%" for name in re.findall(r"%(\(\w+\))?[a-z]", text))
    try:
        parts = list(string.Formatter().parse(text))
    except ValueError:
        return Counter([f"broken: {text}"])
    return Counter(
        f"{name}!{conversion or ''}:{spec or ''}"
        for _, name, spec, conversion in parts
        if name is not None and re.fullmatch(r"\w+", name)
    )


TAG = re.compile(r"<(/?[a-zA-Z][a-zA-Z0-9]*)[^<>]*>")
_NOT_WORDS = re.compile(r"`[^`]*`|\{[^{}]*\}|%\(\w+\)[a-z]|<[a-zA-Z/][^<>]*>|https?://\S+")

_UNITS = "s|min|h|o|ko|Mo|Go|To|Wh|kWh|W|€"
_TYPOGRAPHY = (
    (re.compile(r"(?<!\xa0):(?=\s|$)"), "a colon without its no-break space (U+00A0)"),
    (re.compile(r"(?<!\u202f)[;!?](?=\s|$)"), "; ! or ? without its narrow no-break space (U+202F)"),
    (re.compile(r"(?<=[\w\xa0])(?<!\u202f)%(?=\W|$)"), "a per cent sign without its narrow no-break space (U+202F)"),
    (re.compile(r"«(?!\xa0)|(?<!\xa0)»"), "quotation marks without their no-break space (U+00A0)"),
    (re.compile(r"'"), "a straight apostrophe: ’"),
    (re.compile(r'"'), "straight quotation marks: « »"),
    (re.compile(r"\.\.\."), "three dots: …"),
    (re.compile(rf"(?<=\d) (?:{_UNITS})(?![\w’'])"), "a unit without its no-break space (U+00A0)"),
)


_CODE = re.compile(r"(`[^`]*`|\{[^{}]*\}|%\(\w+\)[a-z]|<[a-zA-Z/][^<>]*>|https?://\S+)")
_TYPESETTING = (
    (re.compile(r" (?=:(?:\s|$))|(?<=«) | (?=»)"), "\xa0"),
    (re.compile(r" (?=[;!?](?:\s|$|\xa0))| (?=%(?:\W|$))"), "\u202f"),
    (re.compile(rf"(?<=\d) (?=(?:{_UNITS})(?![\w’']))"), "\xa0"),
    (re.compile(r"(?<=\w)'(?=[\w«\uffff]|$)"), "’"),
    (re.compile(r"\.\.\."), "…"),
)


def french_typeset(text: str) -> str:
    """Put the spaces and signs of French typography where a keyboard puts plain ones; code is left alone."""
    parts = _CODE.split(text)
    words = [part if number % 2 == 0 else _HIDDEN for number, part in enumerate(parts)]
    whole = "".join(words)
    for pattern, sign in _TYPESETTING:
        whole = pattern.sub(sign, whole)
    code = iter(parts[1::2])
    return re.sub(_HIDDEN, lambda _: next(code), whole)


_HIDDEN = "\uffff0"
"""Stands for code while the words around it are set; the digit has units after it set as after figures."""


def french_faults(text: str) -> list[str]:
    """Return what is wrong with the typography of a French text; code in backticks and tags are left alone."""
    words = _NOT_WORDS.sub("X0", text)
    return [fault for pattern, fault in _TYPOGRAPHY if pattern.search(words)]


def faults(entry: polib.POEntry, language: str) -> list[str]:
    """Return what is wrong with a translation."""
    pairs = [(entry.msgid, entry.msgstr)]
    if entry.msgid_plural:
        pairs = [(entry.msgid, entry.msgstr_plural.get(0, "")), (entry.msgid_plural, entry.msgstr_plural.get(1, ""))]
    found: list[str] = []
    if entry.fuzzy:
        found.append("a guess")
    for number, (english, text) in enumerate(pairs):
        if not text:
            found.append("no translation")
            continue
        wanted, given = places(english), places(text)
        if entry.msgid_plural and number == 0:  # "one document" may do without its number
            wanted, given = +Counter(wanted), given | Counter({k: v for k, v in wanted.items() if k[:6] == "count!"})
        if wanted != given:
            found.append(f"places {sorted(given)} instead of {sorted(wanted)}")
        if Counter(TAG.findall(english)) != Counter(TAG.findall(text)):
            found.append("other tags")
        if _ends(english) != _ends(text):
            found.append("other white space at its ends")
        found += french_faults(text) if language == "fr" else []
    return found


def _ends(text: str) -> tuple[str, str]:
    """White space that a place has before and after; no-break spaces belong to the words."""
    return text[: len(text) - len(text.lstrip(" \n"))], text[len(text.rstrip(" \n")) :]


def main() -> int:
    """Update and compile the catalogue of every language; print what is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--take", nargs="*", type=Path, default=[], help="catalogues that fill what is empty")
    parser.add_argument("--check", action="store_true", help="print what is wrong and write nothing")
    options = parser.parse_args()
    messages = collect()
    wrong = [f"{place}: {why}" for place, why in (*misuses(), *untranslated())]
    for path in sorted(LOCALES.glob(f"*/LC_MESSAGES/{DOMAIN}.po")):
        catalogue = update(path, messages, options.take)
        language = path.parents[1].name
        for entry in catalogue:
            wrong += [f"{language}: {entry.msgid!r}: {fault}" for fault in faults(entry, language)]
        if not options.check:
            catalogue.save(str(path))
            catalogue.save_as_mofile(str(path.with_suffix(".mo")))
        done = sum(entry.translated() for entry in catalogue)
        print(f"{language}: {done} of {len(catalogue)} messages", file=sys.stderr)
    print("\n".join(wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
