"""Bounds as other works have published them, and which bounds a document is held to."""

from dataclasses import replace
from typing import Any

from fournil.stages.curate.sections.quality import FOURNIL, Bounds, QualitySettings

OFF = 1e9
"""A bound that nothing breaks."""

_NEVER = 1 << 40

_NONE = Bounds(
    min_words=0,
    max_words=_NEVER,
    max_hash_ratio=OFF,
    max_ellipsis_ratio=OFF,
    max_bullet_lines=OFF,
    max_ellipsis_lines=OFF,
    min_lettered_words=0.0,
    min_stop_words=0,
    min_stop_word_share=0.0,
    max_duplicate_lines=OFF,
    max_duplicate_line_characters=OFF,
    max_duplicate_paragraphs=OFF,
    max_duplicate_paragraph_characters=OFF,
    max_top_ngrams=(OFF, OFF, OFF),
    max_duplicate_ngrams=(OFF, OFF, OFF, OFF, OFF, OFF),
    min_sentences=0,
    max_token=_NEVER,
    max_curly_ratio=OFF,
    max_lorem_ipsum=_NEVER,
    min_ended_lines=0.0,
    max_short_lines=OFF,
    max_newline_ratio=OFF,
    min_unpunctuated_stop_word_share=0.0,
    max_broken_characters=OFF,
    max_single_letters=OFF,
    max_odd_capitals=OFF,
    max_words_without_vowel=OFF,
    max_addresses=OFF,
    max_exclamations=OFF,
    max_separators=OFF,
    max_furniture=OFF,
)
"""Bounds that nothing breaks."""

_REPEATED_RUNS: dict[str, Any] = {
    "max_top_ngrams": (0.20, 0.18, 0.16),
    "max_duplicate_ngrams": (0.15, 0.14, 0.13, 0.12, 0.11, 0.10),
}

GOPHER = replace(
    _NONE,
    min_words=50,
    max_words=100_000,
    max_hash_ratio=0.1,
    max_ellipsis_ratio=0.1,
    max_bullet_lines=0.9,
    max_ellipsis_lines=0.3,
    min_lettered_words=0.8,
    min_stop_words=2,
    max_duplicate_lines=0.3,
    max_duplicate_line_characters=0.2,
    max_duplicate_paragraphs=0.3,
    max_duplicate_paragraph_characters=0.2,
    **_REPEATED_RUNS,
)
"""Rae et al. 2021, table A1 and section A.1."""

PUBLISHED = replace(
    GOPHER,
    max_duplicate_line_characters=0.01,
    min_sentences=5,
    max_token=1000,
    max_curly_ratio=0.0,
    max_lorem_ipsum=0,
    min_ended_lines=0.12,
    max_short_lines=0.67,
    max_newline_ratio=0.3,
)
"""Gopher, C4 (Raffel et al. 2020) and FineWeb (Penedo et al. 2024), the stricter one where two name the same figure."""

LUCIE = replace(
    _NONE,
    min_words=50,
    max_words=100_000,
    max_hash_ratio=0.1,
    max_ellipsis_ratio=0.1,
    max_bullet_lines=0.9,
    max_ellipsis_lines=0.3,
    min_lettered_words=0.7,
    min_sentences=3,
    max_curly_ratio=0.0,
    max_lorem_ipsum=0,
    **_REPEATED_RUNS,
)
"""What Lucie asks of RedPajama-V2 (Gouvert et al. 2025); its bounds on perplexity are those of the models' section."""

CROISSANT = replace(_NONE, min_lines=50, min_characters=5000, max_characters=1_000_000, min_good_lines=0.5)
"""What CroissantLLM asks of Gallica's books (Faysse et al. 2024, and its code): enough lines, half of them good."""

_PRESETS = {"gopher": GOPHER, "fineweb": PUBLISHED, "lucie": LUCIE, "croissant": CROISSANT}


def bounds_for(settings: QualitySettings, *, published: bool) -> Bounds:
    """The bounds that hold for a document.

    Args:
        settings: Of the step.
        published: Whether the document's category is one of `published_for`.
    """
    if settings.preset != FOURNIL:
        return _PRESETS[settings.preset]
    return PUBLISHED if published else settings.bounds
