"""Settings of the mode compat: datatrove's filters, under its own names."""

from dataclasses import dataclass, field

from fournil.core.speech import tr
from fournil.parts.text.compat.settings import (
    C4QualitySettings,
    FineWebQualitySettings,
    GopherQualitySettings,
    GopherRepetitionSettings,
    LanguageFilterSettings,
)

FILTERS = ("language", "gopher-repetition", "gopher-quality", "c4", "fineweb")


@dataclass(frozen=True)
class CompatRules:
    """The filters that look at words and lines."""

    gopher_repetition: GopherRepetitionSettings = field(default_factory=GopherRepetitionSettings)
    """What repeats itself."""

    gopher_quality: GopherQualitySettings = field(default_factory=GopherQualitySettings)
    """Lengths, signs and stop words; those of datatrove are English."""

    c4: C4QualitySettings = field(default_factory=C4QualitySettings)
    """Lines that are dropped. FineWeb has filter_no_terminal_punct = false."""

    fineweb: FineWebQualitySettings = field(default_factory=FineWebQualitySettings)
    """Lists and menus."""


@dataclass(frozen=True)
class LanguageRules:
    """Other rules for the documents of one language."""

    language: str
    """Its primary tag, as the model calls it."""

    rules: CompatRules = field(default_factory=CompatRules)
    """They begin from datatrove's defaults."""


@dataclass(frozen=True)
class CompatSettings:
    """What `quality.mode = "compat"` asks, with datatrove's defaults."""

    filters: tuple[str, ...] = FILTERS
    """Which filters are asked, in this order, which is FineWeb's; a document that one refuses is shown to no other."""

    language: LanguageFilterSettings = field(default_factory=LanguageFilterSettings)
    """The language filter."""

    rules: CompatRules = field(default_factory=CompatRules)
    """All others."""

    by_language: tuple[LanguageRules, ...] = ()
    """Other rules for the documents of some languages, each named once."""

    def __post_init__(self) -> None:
        """Refuse what makes no sense.

        Raises:
            ValueError: There is no such filter, or a language has two sets of rules.
        """
        named = [each.language for each in self.by_language]
        if len(set(named)) < len(named):
            raise ValueError(tr("by_language names a language twice: {languages}", languages=", ".join(named)))
        for name in self.filters:
            if name not in FILTERS:
                known = ", ".join(FILTERS)
                raise ValueError(tr("filters holds {name!r}, it must be among: {known}", name=name, known=known))

    def rules_of(self, tag: str) -> CompatRules:
        """The rules for documents of a language.

        Args:
            tag: Its primary tag.
        """
        return next((each.rules for each in self.by_language if each.language == tag), self.rules)
