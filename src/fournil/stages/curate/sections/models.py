"""Settings of the step models: perplexity, text that was read from images, classifiers."""

from dataclasses import dataclass, field

from fournil.core.bounds import within
from fournil.core.speech import tr

BUCKETS = ("head", "middle", "tail")


@dataclass(frozen=True)
class PerplexitySettings:
    """How surprising a text may be to a model that has read clean text of its language."""

    models: dict[str, str] = field(default_factory=dict)
    """By language a folder that the verb `perplexity` made, or clean text (files, or a folder of Parquet files)
    to train one on. Documents in other languages, and code, are not judged."""

    min_perplexity: float | None = None
    """Documents below are refused (CroissantLLM: 10, of another model)."""

    max_perplexity: float | None = None
    """Documents above are refused (CroissantLLM: 300 to 500, Lucie: 1,000, of another model)."""

    min_percentile: float | None = None
    """The same bound as a percentile of the model's reference text, from 0 to 100."""

    max_percentile: float | None = None
    """The same bound as a percentile of the model's reference text, from 0 to 100."""

    min_ratio: float | None = None
    """The same bound as a multiple of the reference text's median."""

    max_ratio: float | None = None
    """The same bound as a multiple of the reference text's median."""

    bucket_percentiles: tuple[float, float] = (30.0, 60.0)
    """Where the reference text's head ends, and where its tail begins (CCNet's)."""

    keep: tuple[str, ...] = BUCKETS
    """Which of `head`, `middle` and `tail` are kept."""

    min_pieces: int = 30
    """Shorter documents are not judged: a few words say too little."""

    skip: tuple[str, ...] = ()
    """Categories that are not judged."""

    def __post_init__(self) -> None:
        """Refuse what makes no sense.

        Raises:
            ValueError: A figure lies outside its bounds, or there is no such bucket.
        """
        within(
            self,
            min_perplexity=(1.0, None),
            max_perplexity=(1.0, None),
            min_percentile=(0.0, 100.0),
            max_percentile=(0.0, 100.0),
            min_ratio=(0.0, None),
            max_ratio=(0.0, None),
            bucket_percentiles=(0.0, 100.0),
            min_pieces=(1, None),
        )
        if self.bucket_percentiles[0] > self.bucket_percentiles[1]:
            raise ValueError(tr("bucket_percentiles are two, the smaller one first"))
        for kind in ("perplexity", "percentile", "ratio"):
            within(self, **{f"max_{kind}": (getattr(self, f"min_{kind}") or 0.0, None)})
            for name in (f"min_{kind}", f"max_{kind}"):
                if not self.models and getattr(self, name) is not None:
                    raise ValueError(tr("{name} needs a model: name one in models, or leave it out", name=name))
        if not self.keep or not set(self.keep) <= set(BUCKETS):
            raise ValueError(tr("keep names one or more of {names}", names=", ".join(BUCKETS)))


@dataclass(frozen=True)
class OcrRules:
    """What is asked of text that was read from images."""

    min_score: float | None = None
    """The reader's own confidence in per cent, where a document's `extra` names it."""

    entities: bool = False
    """HTML entities are made the characters that they stand for."""

    head_lines: int = 0
    """Lines that are cut at the beginning: a library's own page."""

    tail_lines: int = 0
    """Lines that are cut at the end."""

    line_characters: int = 0
    """A line is kept with more characters."""

    line_words: int = 0
    """A line is kept with more words."""

    word_length: tuple[float, float] = (0.0, float("inf"))
    """A line is kept whose words have more characters than the first on average, and fewer than the second."""

    min_lines: int = 0
    """Lines that are kept, at least."""

    min_kept_lines: float = 0.0
    """Share of the lines that are not blank that are kept, at least."""

    min_characters: int = 0
    """Characters of the document, at least."""

    max_characters: int | None = None
    """Characters of the document, at most."""

    min_letters: float = 0.0
    """Share of letters among what is no white space, of a passage or of the document; tables of figures have fewer,
    and a perplexity model that has read tables is not surprised by them."""

    passage: int = 0
    """The document is judged by passages of so many characters, and those that fail are cut; 0: as a whole."""

    min_confidence: float = 0.0
    """How sure the language of a passage must be."""

    min_ratio: float = 0.0
    """Perplexity to the median of the model's reference text, at least."""

    max_ratio: float = float("inf")
    """Perplexity to the median of the model's reference text, at most."""


OCR_PRESETS = {
    "none": OcrRules(),
    "croissant": OcrRules(
        min_score=90.0,
        head_lines=3,
        tail_lines=1,
        line_characters=20,
        line_words=5,
        word_length=(3.0, 10.0),
        min_lines=50,
        min_kept_lines=0.5,
        min_characters=5_000,
        max_characters=1_000_000,
        min_letters=0.75,
        min_ratio=0.1,
        max_ratio=10.0,
    ),
    "lucie": OcrRules(
        min_score=90.0,
        entities=True,
        min_letters=0.75,
        passage=10_000,
        min_confidence=0.65,
        min_ratio=0.1,
        max_ratio=30.0,
    ),
}
"""What CroissantLLM asked of Gallica's books, and Lucie of its books and newspapers. Their bounds of perplexity, 10 to
300 and 10 to 1,000, are of another model: here they are multiples of the median. Both have one bound of ours,
min_letters. See docs/perplexity.md."""


@dataclass(frozen=True)
class OcrSettings:
    """Text that was read from images by a machine."""

    preset: str = "none"
    """`croissant` (lines and whole documents), `lucie` (passages of 10,000 characters), or `none`."""

    categories: tuple[str, ...] = ("ocr",)
    """Categories of documents that it is asked of."""

    score_key: str = "ocr_confidence"
    """What the reader's own confidence is called in `extra`; from 0 to 100, or to 1."""

    max_ratio: float | None = None
    """Another bound than the preset's for the perplexity, as a multiple of the reference text's median."""

    min_confidence: float | None = None
    """Another bound than the preset's for the confidence in a passage's language."""

    def __post_init__(self) -> None:
        """Refuse what makes no sense.

        Raises:
            ValueError: No such preset, or a figure outside its bounds.
        """
        if self.preset not in OCR_PRESETS:
            raise ValueError(tr("preset is one of {names}", names=", ".join(OCR_PRESETS)))
        within(self, max_ratio=(0.0, None), min_confidence=(0.0, 1.0))
        for name in ("max_ratio", "min_confidence"):
            if self.preset == "none" and getattr(self, name) is not None:
                raise ValueError(tr("{name} needs a preset: name one, or leave it out", name=name))


@dataclass(frozen=True)
class ClassifierSettings:
    """A classifier that was trained from labels."""

    name: str = ""
    """What it looks for, such as `educational`: the rule is called after it."""

    model: str = ""
    """A folder that the verb `classifier` made."""

    languages: tuple[str, ...] = ()
    """Languages of documents that it judges; empty: all but code."""

    categories: tuple[str, ...] = ()
    """Categories of documents that it judges; empty: all."""

    min_score: float | None = None
    """Documents below are refused, from 0 to 1."""

    max_score: float | None = None
    """Documents above are refused, from 0 to 1."""

    def __post_init__(self) -> None:
        """Refuse what makes no sense.

        Raises:
            ValueError: A figure outside its bounds, or no model.
        """
        within(self, min_score=(0.0, 1.0), max_score=(self.min_score or 0.0, 1.0))
        if not self.name.isidentifier() or not self.model:
            raise ValueError(tr("a classifier has a name, of letters, digits and _, and a model"))


@dataclass(frozen=True)
class ModelSettings:
    """What small models say of a text; none is asked by default."""

    perplexity: PerplexitySettings = field(default_factory=PerplexitySettings)
    """How surprising a text may be."""

    ocr: OcrSettings = field(default_factory=OcrSettings)
    """Text that was read from images."""

    classifier: tuple[ClassifierSettings, ...] = ()
    """Classifiers that were trained from labels."""

    record: bool = True
    """Each document's figures are written into its `extra`."""

    def __post_init__(self) -> None:
        """Refuse what makes no sense.

        Raises:
            ValueError: Two classifiers have one name.
        """
        names = [each.name for each in self.classifier]
        if len(set(names)) < len(names):
            raise ValueError(tr("two classifiers have one name"))
