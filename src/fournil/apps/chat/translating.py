"""Translation of texts of any length: lines stay lines, long ones go through the model sentence by sentence."""

from __future__ import annotations

import re
from collections.abc import Sequence

from fournil.core.errors import EXIT_USAGE, FournilError
from fournil.core.languages import language
from fournil.core.speech import tr
from fournil.parts.model.engine import Engine
from fournil.parts.model.translation import BackPrompt, translate
from fournil.parts.tokenize.prompts import ChatFormat

SENTENCE_END = re.compile(r"[.!?…][»”\"')\]]*(\s+)(?=\S)")
SPACES = re.compile(r"(\s+)")
MAX_BATCH = 64
LONGEST_TOKEN = 64
"""Characters that a token is held to have at most; with longer ones a text is cut earlier than it must be."""


class Translator:
    """Translates into one language.

    Args:
        engine: The model, with a chat template.
        to: The language's tag.

    Raises:
        FournilError: The model does not know the language.
    """

    def __init__(self, engine: Engine, to: str) -> None:
        assert engine.chat is not None
        self.engine, self.chat, self.to = engine, engine.chat, to
        self.by_token = self.chat.language_token(to) is not None
        known = _languages_of(self.chat)
        if known and not self.by_token:
            raise FournilError(
                tr("this model does not translate into {to!r}", to=to),
                where="--to",
                fix=tr("It knows {languages}.", languages=_listed(known)),
                code=EXIT_USAGE,
            )
        self.name = language(to).name
        others = [tag for tag in known if tag != to]
        self.back = self._way_back(others[0]) if self.by_token and len(others) == 1 else None

    def translate(self, lines: Sequence[str]) -> list[str]:
        """Translate lines; blank ones and the white space around others stay as they are."""
        pieces: list[str] = []
        plan: list[list[str | int]] = []
        """For each line what it is put together from: white space as it is, pieces by their numbers."""
        for line in lines:
            parts: list[str | int] = []
            for piece, space in self._split(line):
                if piece:
                    parts.append(len(pieces))
                    pieces.append(piece)
                parts.append(space)
            plan.append(parts)
        answers = self._ask(pieces)
        return ["".join(answers[part] if isinstance(part, int) else part for part in parts) for parts in plan]

    def _split(self, line: str) -> list[tuple[str, str]]:
        """Pieces that fit the model, each with the white space behind it; an empty first one may bring that before."""
        inner = line.strip()
        if not inner:
            return [("", line)]
        start = line.index(inner)
        found = [("", line[:start])] if start else []
        room = self.engine.context_length // (3 if self.chat.single_turn else 2)
        whole = not self.chat.single_turn and self._fits(inner, room)
        sentences = [(inner, "")] if whole else _cut(inner, SENTENCE_END)
        for sentence, space in sentences:
            if self._fits(sentence, room):
                found.append((sentence, space))
            else:
                parts = self._by_words(sentence, room)
                found += [*parts[:-1], (parts[-1][0], space)]
        return [*found[:-1], (found[-1][0], found[-1][1] + line[start + len(inner) :])]

    def _by_words(self, sentence: str, room: int) -> list[tuple[str, str]]:
        """As many words at a time as fit; a word that is too long for the model alone is cut where it must be."""
        parts: list[tuple[str, str]] = []
        for word, space in _cut(sentence, SPACES):
            joined = parts[-1][0] + parts[-1][1] + word if parts and parts[-1][1] else None
            if joined is not None and self._fits(joined, room):
                parts[-1] = (joined, space)
                continue
            while not self._fits(word, room) and len(word) > 1:
                half = min(len(word) // 2, room * LONGEST_TOKEN)
                while not self._fits(word[:half], room) and half > 1:
                    half //= 2
                parts.append((word[:half], ""))
                word = word[half:]
            parts.append((word, space))
        return parts

    def _fits(self, text: str, room: int) -> bool:
        """Whether a text's prompt has at most so many tokens; one that is far too long is not even cut into tokens."""
        return len(text) <= room * LONGEST_TOKEN and len(self._prompt(text)) <= room

    def _way_back(self, source: str) -> BackPrompt:
        return lambda answer: self.chat.encode([{"role": "user", "content": answer, "language": source}])

    def _prompt(self, text: str) -> list[int]:
        if self.by_token:
            return self.chat.encode([{"role": "user", "content": text, "language": self.to}])
        return self.chat.encode([{"role": "user", "content": f"Translate into {self.name}:\n\n{text}"}])

    def _ask(self, pieces: Sequence[str]) -> list[str]:
        answers: list[str] = []
        for start in range(0, len(pieces), MAX_BATCH):
            prompts = [self._prompt(piece) for piece in pieces[start : start + MAX_BATCH]]
            limits = [min(32 + 2 * len(prompt), self.engine.context_length - len(prompt)) for prompt in prompts]
            answers += translate(
                self.engine, pieces[start : start + MAX_BATCH], prompts, max_new_tokens=limits, back=self.back
            )
        return answers


def _cut(text: str, separator: re.Pattern[str]) -> list[tuple[str, str]]:
    """Cut at the white space that the separator's group finds, but not where a sentence goes on in small letters."""
    parts: list[tuple[str, str]] = []
    start = 0
    for found in separator.finditer(text):
        if separator is SENTENCE_END and text[found.end()].islower():
            continue
        parts.append((text[start : found.start(1)], found[1]))
        start = found.end()
    return [*parts, (text[start:], "")]


def _listed(names: Sequence[str]) -> str:
    if len(names) < 2:
        return "".join(names)
    return tr("{others} and {last}", others=", ".join(names[:-1]), last=names[-1])


def _languages_of(chat: ChatFormat) -> list[str]:
    """Languages that the tokenizer has tokens for."""
    found = (re.fullmatch(r"<\|([a-z]{2,3})\|>", special) for special in chat.specials)
    return sorted(match[1] for match in found if match and match[1] != "end")
