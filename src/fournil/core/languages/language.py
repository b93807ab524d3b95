"""What Fournil has to know about a language, as one frozen dataclass."""

from dataclasses import dataclass, field

from fournil.core.cues import Cues


@dataclass(frozen=True)
class Language:
    """One language. Everything that depends on it elsewhere asks here, so another language is one more file."""

    tag: str
    """BCP 47 primary tag, as in the documents' `language` column."""

    name: str
    """English name, which is a message too: the language files mark it, so that it is translated (`name_of`)."""

    native_name: str
    """The language's own name for itself."""

    stop_words: frozenset[str] = frozenset()
    """Function words in lower case, the apostrophe written as U+0027; running text cannot do without them."""

    apostrophe_ends_word: bool = False
    """True where elision joins two words: French « l’homme » is « l’ » and « homme ». False where the apostrophe stands
    inside one word: English "don't"."""

    mean_word_length: tuple[float, float] = (3.0, 10.0)
    """Least and greatest mean word length of prose, in letters (Gopher: 3 to 10, measured on English)."""

    terminal_punctuation: str = ".!?…"
    """Characters that end a sentence."""

    closing_marks: str = "\"')]}»”’"
    """What may stand after the end of a sentence and still belongs to it."""

    speech_dashes: str = ""
    """Dashes that open a line of speech, « — Non, dit-il. », which is no item of a list when it ends a sentence."""

    furniture: tuple[str, ...] = ()
    """Phrases of two words or more in which sites, shops and swindles speak: notices, menus, adverts."""

    boilerplate: tuple[str, ...] = ()
    """Lower-case phrases of cookie banners and the like; a line that holds one is no text (C4)."""

    phone_regions: tuple[str, ...] = ()
    """ISO 3166 regions whose national telephone numbers are written in texts of this language."""

    cues: Cues = field(default_factory=Cues)
    """Words that announce personal data."""

    identifiers: tuple[str, ...] = ()
    """Identifiers of persons that this language's texts hold, by their kind in parts/text/personal."""

    articles: frozenset[str] = frozenset()
    """Words that an answer is the same without, in lower case, the apostrophe written as U+0027."""

    prompts: tuple[tuple[str, str], ...] = ()
    """How this language asks, by kind of question (stages/evaluate/sets); places in braces are columns, `{from}` and
    `{to}` the languages' own names."""

    def __hash__(self) -> int:
        """Return the tag's hash: languages are keys of many caches, and each tag has one."""
        return hash(self.tag)
