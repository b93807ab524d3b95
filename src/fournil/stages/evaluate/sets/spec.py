"""A local set: what its TOML says.

name = "cuisine"
kind = "choice"
language = "fr"
data = "cuisine.jsonl"
"""

from __future__ import annotations

import string
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from fournil.core.errors import EXIT_USAGE, FournilError, nearest
from fournil.core.languages import CODE, known_languages, language, primary
from fournil.core.settings import docstrings
from fournil.core.speech import tr

CHOICE, CLASSIFICATION, READING, TRANSLATION, TEXT = "choice", "classification", "reading", "translation", "text"
KINDS = (CHOICE, CLASSIFICATION, READING, TRANSLATION, TEXT)
METRICS = {
    CHOICE: ("acc", "acc_norm"),
    CLASSIFICATION: ("acc", "acc_norm"),
    READING: ("f1", "exact"),
    TRANSLATION: ("chrf", "bleu"),
    TEXT: ("bits_per_byte",),
}
"""By kind, the first is the main one unless the set says otherwise."""
MAX_TOML_BYTES = 2**20
MAX_SHOTS = 100
MAX_TOKENS = 4096


@dataclass(frozen=True)
class Spec:
    """The keys of a set's TOML."""

    name: str
    """What scores call it: letters without accents, digits, `-` and `_`."""
    kind: str
    """`choice` (questions with the answers to choose from), `classification` (one of the same few labels), `reading`
    (the answer is written), `translation`, or `text` (how well plain text is foreseen)."""
    language: str
    """BCP 47 tag of the questions, of the text, or of what is translated into."""
    data: str = ""
    """The file with the items, beside this one: .jsonl (also .gz, .xz), .csv, .tsv or .parquet."""
    prompt: str = ""
    """What stands before the answer; `{column}` is a column's value. Silent: the language's own, such as `Question:
    {question}` and `Answer:` on the next line, below `{context}` where the items have one. Not for `text`."""
    gap: str = ""
    """Only for `choice`: what choices replace in the column `question`, such as `<...>`; then whole sentences are
    compared, and the prompt is empty unless given."""
    choices: str | tuple[str, ...] = "choices"
    """Only for `choice`: the column with the list of choices, or several columns with one each."""
    labels: tuple[str, ...] | dict[str, str] = ()
    """Only for `classification`: the labels, or a table from the values in the data to what the model is to say."""
    gold: str = "gold"
    """For `choice` and `classification`, the column with the right one: itself, its letter, or its place from 0."""
    answer: str = "answer"
    """Only for `reading`: the column with the answer, or with a list of answers any of which will do."""
    source_language: str = ""
    """Only for `translation`: BCP 47 tag of what is translated."""
    source: str = "source"
    """Only for `translation`: the column with what is translated."""
    reference: str = "reference"
    """Only for `translation`: the column with a good translation, or with a list of them."""
    text: str = "text"
    """Only for `text`: the column."""
    shots: int = 0
    """Solved examples before each item, the first ones of `examples`."""
    examples: str = ""
    """The file with these examples, which has the same columns (silent: the set itself, but for the item asked)."""
    max_tokens: int = 64
    """The longest answer that is written, in tokens (`reading`, `translation`)."""
    metric: str = ""
    """The one that tables show: `acc` or `acc_norm` (which divides by the choice's length), `f1` or `exact`, `chrf` or
    `bleu`."""
    pair: str = ""
    """The same word in two sets puts them side by side as one task in two languages."""

    @property
    def main(self) -> str:
        """The metric that tables show."""
        return self.metric or METRICS[self.kind][0]

    @property
    def direction(self) -> str:
        """The language, or for translation from which into which: without regions, whose "-" says nothing of that."""
        target = primary(self.language)
        return f"{primary(self.source_language)}-{target}" if self.kind == TRANSLATION else target


ONLY = {
    "gap": (CHOICE,),
    "choices": (CHOICE,),
    "labels": (CLASSIFICATION,),
    "gold": (CHOICE, CLASSIFICATION),
    "answer": (READING,),
    "source_language": (TRANSLATION,),
    "source": (TRANSLATION,),
    "reference": (TRANSLATION,),
    "text": (TEXT,),
    "prompt": (CHOICE, CLASSIFICATION, READING, TRANSLATION),
    "shots": (CHOICE, CLASSIFICATION, READING, TRANSLATION),
    "examples": (CHOICE, CLASSIFICATION, READING, TRANSLATION),
    "max_tokens": (READING, TRANSLATION),
}
"""Keys that mean something for some kinds only."""


def read_spec(path: Path) -> Spec:
    """Read and check a set's TOML.

    Raises:
        FournilError: For an unknown key (with the nearest right name), one that its kind does not have, a missing one,
            or a value that cannot be.
    """
    try:
        data = path.read_bytes()
        if len(data) > MAX_TOML_BYTES:
            raise FournilError(tr("larger than {count:,} bytes", count=MAX_TOML_BYTES), where=path, code=EXIT_USAGE)
        table = tomllib.loads(data.decode("utf-8-sig"))
    except OSError as error:
        fix = tr("Give the path of a set's TOML file.")
        raise FournilError(tr("cannot be read: {error}", error=error.strerror), where=path, fix=fix) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise FournilError(tr("not valid TOML: {error}", error=error), where=path, code=EXIT_USAGE) from error
    try:
        return check_spec(table)
    except ValueError as problem:
        what, _, fix = str(problem).partition("\n")
        raise FournilError(what, where=path, fix=fix or None, code=EXIT_USAGE) from problem


def check_spec(table: Mapping[str, Any]) -> Spec:
    """Make a table a spec.

    Raises:
        ValueError: What is wrong and, on a second line, how to mend it.
    """
    known = [field.name for field in fields(Spec)]
    for key in table:
        if key not in known:
            guess = nearest(key, known)
            fix = tr("Did you mean {guess!r}?", guess=guess) if guess else tr("Known: {names}.", names=", ".join(known))
            raise _WrongError(tr("unknown key {key!r}", key=key), fix)
    for key in ("name", "kind", "language", "data"):
        if key not in table:
            raise _WrongError(tr("the key {key!r} is missing", key=key), tr("docs/own-sets.md says what it means."))
    for key, value in table.items():
        _check_type(key, value)
    kind = table["kind"]
    if kind not in KINDS:
        raise _WrongError(tr("there is no kind {kind!r}", kind=kind), tr("Known: {names}.", names=", ".join(KINDS)))
    for key in table:
        if kind not in ONLY.get(key, KINDS):
            what = tr("{key} means nothing for the kind {kind!r}", key=key, kind=kind)
            raise _WrongError(what, tr("It is for {kinds}.", kinds=", ".join(ONLY[key])))
    made: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in table.items()}
    return _checked(Spec(**made))


def docs_of(key: str) -> str:
    """Return what a key means, in one line."""
    return " ".join(docstrings(Spec)[key].split())


def columns_of(template: str) -> list[str]:
    """Return the columns that a prompt names.

    Raises:
        ValueError: It is no template: a single brace, a place without a name, or with more than a name, which could
            fail on some rows alone or fill memory.
    """
    names = []
    for _, name, form, conversion in string.Formatter().parse(template):
        if name is None:
            continue
        if form or conversion:
            raise ValueError(tr("a place must be a column's name and nothing more"))
        if not name.isidentifier():
            raise ValueError(tr("a place must be a column's name"))
        names.append(name)
    return names


class _WrongError(ValueError):
    def __init__(self, what: str, fix: str = "") -> None:
        super().__init__(f"{what}\n{fix}")


def _check_type(key: str, value: object) -> None:
    texts = isinstance(value, list) and all(isinstance(one, str) for one in value)
    table = isinstance(value, dict) and all(isinstance(one, str) for one in value.values())
    if key in ("shots", "max_tokens"):
        if not isinstance(value, int) or isinstance(value, bool):
            raise _WrongError(tr("{key} must be a whole number", key=key))
    elif key == "choices":
        if not (isinstance(value, str) or (texts and value)):
            raise _WrongError(tr("{key} must be a string or an array of strings", key=key))
    elif key == "labels":
        if not (texts or table):
            raise _WrongError(tr("{key} must be an array of strings, or a table of them", key=key))
    elif not isinstance(value, str):
        raise _WrongError(tr("{key} must be a string", key=key))


def _checked(spec: Spec) -> Spec:
    if not spec.name or not all(char.isascii() and (char.isalnum() or char in "-_") for char in spec.name):
        what = tr("name is {name!r}", name=spec.name)
        raise _WrongError(what, tr("It is made of letters without accents, digits, - and _."))
    for key in ("language", *(("source_language",) if spec.kind == TRANSLATION else ())):
        tag = getattr(spec, key)
        known = [name for name in known_languages() if name != CODE]
        if primary(tag) not in known:
            what = tr("{key} is {tag!r}", key=key, tag=tag)
            raise _WrongError(what, tr("Known: {names}.", names=", ".join(known)))
    if spec.kind == CLASSIFICATION:
        labels = spec.labels.values() if isinstance(spec.labels, dict) else spec.labels
        if len(labels) < 2 or len(set(labels)) < len(labels) or not all(map(str.strip, labels)):
            what = tr("labels must be two or more, all different and none empty")
            raise _WrongError(what, tr("docs/own-sets.md says what it means."))
    for key, least, most in (("shots", 0, MAX_SHOTS), ("max_tokens", 1, MAX_TOKENS)):
        figure = getattr(spec, key)
        if not least <= figure <= most:
            said = {"name": key, "figure": figure, "least": least, "most": most}
            raise _WrongError(tr("{name} is {figure}, it must be from {least} to {most}", **said))
    if spec.metric and spec.metric not in METRICS[spec.kind]:
        what = tr("metric is {metric!r}", metric=spec.metric)
        raise _WrongError(what, tr("Known: {names}.", names=", ".join(METRICS[spec.kind])))
    try:
        columns_of(spec.prompt)
    except ValueError as error:
        raise _WrongError(
            tr("prompt is no template: {error}", error=error), tr("Write a brace that is meant twice.")
        ) from error
    if not spec.prompt and not spec.gap and spec.kind != TEXT and not language(spec.language).prompts:
        raise _WrongError(tr("the key {key!r} is missing", key="prompt"), tr("docs/own-sets.md says what it means."))
    return spec
