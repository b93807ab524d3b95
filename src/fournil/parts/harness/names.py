"""Which tasks there are: FrenchBench, its tags, its English fellows, and the metric that stands for each."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Named:
    """A task of lm_eval that is known here."""

    name: str
    """As lm_eval calls it."""
    language: str
    """`fr`, `en`, `en-fr` (into French), `fr-en` (into English); `und` where nothing tells."""
    main: str
    """The metric that a table shows; empty for a task not known here: its first one then."""
    folder: str
    """Where its definition lies, under lm_eval's `tasks`; empty for anywhere."""
    pair: str = ""
    """The same in a French task and in its English counterpart."""
    zero_shot: bool = False
    """Worked examples make no sense."""
    fixed: str = ""
    """The name of the mended edition, if there is one."""
    tags: tuple[str, ...] = ()
    """lm_eval's names for several tasks."""


def _french_bench(
    short: str, main: str, tags: str = "", *, pair: str = "", fixed: bool = False, zero_shot: bool = False
) -> Named:
    name = f"french_bench_{short}"
    return Named(
        name,
        "fr",
        main,
        "french_bench",
        pair,
        zero_shot,
        f"{name}_fixed" if fixed else "",
        tuple(f"french_bench{tag}" for tag in tags.split(",")),
    )


_FRENCH = (
    _french_bench("arc_challenge", "acc_norm", ",_mc", pair="arc_challenge"),
    _french_bench("hellaswag", "acc_norm", ",_mc", pair="hellaswag"),
    _french_bench("grammar", "acc", ",_mc", fixed=True),
    _french_bench("vocab", "acc", ",_mc", fixed=True),
    _french_bench("reading_comp", "acc", ",_extra", fixed=True),
    _french_bench("boolqa", "acc", ",_extra", pair="boolq"),
    _french_bench("fquadv2", "f1", ",_extra", fixed=True),
    _french_bench("fquadv2_bool", "acc", ",_extra"),
    _french_bench("fquadv2_genq", "rouge1", ",_gen", fixed=True),
    _french_bench("fquadv2_hasAns", "f1", ",_gen", fixed=True),
    _french_bench("multifquad", "f1", ",_gen", fixed=True),
    _french_bench("orangesum_abstract", "rouge1", ",_gen", fixed=True),
    _french_bench("orangesum_title", "rouge1", ",_extra", fixed=True),
    _french_bench("topic_based_nli", "acc", ",_extra", fixed=True),
    _french_bench("trivia", "f1", ",_gen", fixed=True),
    _french_bench("xnli", "acc", ",_extra"),
    _french_bench("opus_perplexity", "bits_per_byte", "_perplexity", zero_shot=True),
    _french_bench("wikitext_fr", "bits_per_byte", "_perplexity", pair="wikitext", zero_shot=True),
    Named("belebele_fra_Latn", "fr", "acc", "belebele", "belebele"),
    Named("wmt14-en-fr", "en-fr", "chrf", "translation", "wmt14"),
    Named("wmt14-fr-en", "fr-en", "chrf", "translation", "wmt14"),
    Named("crows_pairs_french", "fr", "pct_stereotype", "crows_pairs", zero_shot=True),
)
_ENGLISH = (
    Named("arc_challenge", "en", "acc_norm", "arc", "arc_challenge"),
    Named("hellaswag", "en", "acc_norm", "hellaswag", "hellaswag"),
    Named("piqa", "en", "acc_norm", "piqa"),
    Named("sciq", "en", "acc_norm", "sciq"),
    Named("boolq", "en", "acc", "super_glue/boolq", "boolq"),
    Named("mmlu", "en", "acc", "mmlu/default"),
    Named("belebele_eng_Latn", "en", "acc", "belebele", "belebele"),
    Named("wikitext", "en", "bits_per_byte", "wikitext", "wikitext", zero_shot=True),
)

KNOWN = {task.name: task for task in (*_FRENCH, *_ENGLISH)}
"""FrenchBench's tasks in the order of its table, then the English ones."""

FRENCH, ENGLISH = tuple(task.name for task in _FRENCH), tuple(task.name for task in _ENGLISH)
TAGS = tuple(dict.fromkeys(tag for task in _FRENCH for tag in task.tags))
ALL = "frenchbench"
"""Every task of FrenchBench and every English one."""
ENGLISH_TAG = "english"

_PIECES = {"fr": "fr", "fra": "fr", "french": "fr", "en": "en", "eng": "en", "english": "en"}


def is_task(name: str) -> bool:
    """Return whether a name is one of ours: a task, a tag, or a word for several."""
    return name in KNOWN or name in TAGS or name in (ALL, ENGLISH_TAG)


def select(names: Iterable[str]) -> list[Named]:
    """Put names of tasks, tags and `frenchbench` into a list of tasks, each once, in the order asked.

    A tag brings the English counterparts of its tasks; a single task comes alone. A name that is none of ours is
    taken for a task of lm_eval's: whether it is one turns out when it is loaded.
    """
    found: dict[str, Named] = {}
    for name in names:
        for task in _expand(name):
            found.setdefault(task.name, task)
    return list(found.values())


def _expand(name: str) -> list[Named]:
    if name == ALL:
        return list(KNOWN.values())
    if name == ENGLISH_TAG:
        return list(_ENGLISH)
    if name in TAGS:
        tagged = [task for task in _FRENCH if name in task.tags]
        pairs = {task.pair for task in tagged} - {""}
        return [*tagged, *(task for task in _ENGLISH if task.pair in pairs)]
    return [KNOWN.get(name) or Named(name, language_of(name), "", "")]


def language_of(name: str) -> str:
    """Guess a task's language from the pieces of its name; `und` when they do not tell, or tell of two."""
    told = {_PIECES[piece] for piece in re.split(r"[^a-z]+", name.lower()) if piece in _PIECES}
    return told.pop() if len(told) == 1 else "und"
