"""How long stages took on a machine that we know, and how another machine compares with it.

The reference: two cores of an AMD EPYC (Zen 3, AVX2, no fast bfloat16), Python 3.11, torch 2.13, petit and mie baked
alone on it. A rate is seconds there; a machine's `Speed` says how many times as long it takes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from fournil.core.speech import mark

REFERENCE = mark("two cores of an AMD EPYC (Zen 3, AVX2, no fast bfloat16)")
REFERENCE_CORES = 2

SOURCE_START, SOURCES_START = 0.14, 0.25
"""Seconds for each source, and for the stage."""
SECONDS_PER_MB = {"man": 0.62, "html": 1.07, "messages": 1.42, "code": 0.07, "files": 0.12, "hub": 0.12}
"""Seconds of one core for each megabyte of text read, by reader."""
SOURCE_CORES = 1.8
"""What two cores come to when they read different sources."""

CURATE_START, CURATE_PER_MB = 2.4, 0.3
"""Seconds, and seconds for each megabyte of text, documents and pairs together."""
CLEAN_CORE_SECONDS_PER_MB, WRITE_CORE_SECONDS_PER_MB, CHECK_CORE_SECONDS_PER_MB = 0.09, 0.021, 0.035
"""Of curation's parts that look at each text alone: seconds of one core for each megabyte of documents of 7 kB, so that
10 GB within 2 GB of memory come out (163 s for each GB; 2 GB with room took 118)."""
COMPARE_CORE_SECONDS_PER_TEXT, COMPARED_TEXTS = 65e-6, 15_000
"""Of the part that compares texts: seconds of one core for each, where so many were compared."""
WEB_DOCUMENT_BYTES, PAIR_BYTES = 5_000.0, 250.0
"""Of a page of the web, and of a pair of sentences, on average: where their number is not known, this gives it."""
KEY_BYTES_PER_TEXT = 14 * 12.0
"""Fourteen keys of near duplicates: eight bytes, and four that say whose."""
WORK_BYTES_PER_BYTE, WORK_BYTES_PER_TEXT = 1.25, 530.0
"""What curation lays down until it is done: texts as they stand (lz4) and their runs of words; columns and keys."""
DRIVER_BYTES, DRIVER_BYTES_PER_TEXT = 350e6, 220.0
"""Memory of the process that hands out the work; its columns are mapped from files and come on top where there is
room."""
HELD_OUT_BYTES_PER_BYTE = 1.3
"""Beside it, for the text that is held out: eight bytes for each run of words, as the proof of no leak sorts them."""

TOKENIZER_START, TOKENIZER_PER_TRAIN_MB, TOKENIZER_PER_MB = 0.8, 0.6, 0.3
"""Seconds, and seconds for each megabyte that the vocabulary is learned from, and for each that is encoded."""

PRETRAIN_START, FINETUNE_START, FINETUNE_PER_MB = 3.3, 0.4, 0.33
"""Seconds to load torch and read the index of the text; seconds to begin again, and for each megabyte of pairs."""
STEP_SECONDS, FLOPS_PER_SECOND = 0.025, 69e9
"""Seconds of a step however small, and products in float32 beyond that."""

EVALUATE_START = 0.8
BEAM_TOKEN_SECONDS = 0.52e-3
"""Seconds for each token of an answer and each beam, the way back included, with petit's model."""
BEAM_TOKEN_PROBE = 0.215e-3
"""What the probe of generation measures there with petit's model and one thread: seconds for each token and beam."""
PETIT_FLOPS_PER_TOKEN = 4.5e6
"""Of a forward pass of petit's model."""

TORCH_SECONDS = 2.5
"""To start a program that loads torch."""

EXPORT_START, EXPORT_PER_PARAMETER = 4.2, 3e-9
REPORT_SECONDS = 0.35

PROBE_TEXT_SECONDS, PROBE_MATRIX_SECONDS = 0.0044, 0.0103
"""What a round of the short probe takes there: its work on text, its matrix products."""
TEXT_MB_PER_SECOND = 3.8
"""Rules of curation on text of our own, as the long measurement runs them."""

STEP = "step "
"""Begins the name of what a step of a training took, among what is measured."""


@dataclass(frozen=True)
class Speed:
    """How a machine compares with the reference, and what was measured on it of the recipe's own work."""

    text: float = 1.0
    """How many times as long work on text takes."""
    matrix: float = 1.0
    """How many times as long training and generation take."""
    step_seconds: Mapping[str, float] = field(default_factory=dict)
    """`FOLDER/KEY` of a stretch of training → seconds of one of its steps, where they were measured."""
    beam_token_seconds: float | None = None
    """Seconds for each token and each beam of the recipe's model, where they were measured."""
    seconds: float = 0.0
    """What measuring took."""
    way: str = "reference"
    """`reference` (nothing measured), `probe` or `measured`."""
