"""Made-up facts of tasks, as the evaluate stage writes them; no value in them was ever measured."""

import hashlib
from typing import Any

from fournil.core.speech import mark

QUESTION = "Question: Quelle planète est la plus proche du Soleil\u202f?\nRéponse:"

PUBLIC = (
    # pair, French task, English task, metric, French value, English value, items
    ("arc_challenge", "french_bench_arc_challenge", "arc_challenge", "acc_norm", 0.2731, 0.2918, (1165, 1172)),
    ("hellaswag", "french_bench_hellaswag", "hellaswag", "acc_norm", 0.3102, 0.3344, (9338, 10042)),
    ("boolq", "french_bench_boolqa", "boolq", "acc", 0.5112, 0.5431, (178, 3270)),
    ("wikitext", "french_bench_wikitext_fr", "wikitext", "bits_per_byte", 1.2125, 1.3331, (60, 62)),
    ("wmt14", "wmt14-en-fr", "wmt14-fr-en", "chrf", 21.37, 19.02, (3003, 3003)),
    ("", "french_bench_grammar", "", "acc", 0.6218, None, (119, 0)),
    ("", "french_bench_fquadv2", "", "f1", 0.0741, None, (800, 0)),
    ("", "", "piqa", "acc_norm", None, 0.5511, (0, 1838)),
)
MENDED = (("french_bench_grammar", "acc", 0.6722), ("french_bench_fquadv2", "f1", 0.0987))
MINI = (
    ("grammar", 0.7167, 0.7333, (0.25, 0.2667, 0.2333)),
    ("vocabulary", 0.5833, 0.6, (0.25, 0.25, 0.2667)),
    ("knowledge", 0.3167, 0.2833, (0.25, 0.2833, 0.2167)),
)

FIDELITY = (
    # metric, group, language, value, prompts
    ("sticks", "all", "fr", 0.845, 200),
    ("sticks", "prose", "fr", 0.94, 50),
    ("sticks", "dialogue", "fr", 0.76, 50),
    ("sticks", "question", "fr", 0.9, 50),
    ("sticks", "translation", "fr", 0.78, 50),
    ("sticks", "all", "en", 0.91, 200),
    ("sticks", "prose", "en", 0.96, 50),
    ("sentences_in_language", "all", "fr", 0.921, 200),
    ("sentences_in_language", "all", "en", 0.967, 200),
    ("drifts", "all", "fr", 0.095, 200),
    ("drifts", "all", "en", 0.04, 200),
    ("code_or_latex", "all", "fr", 0.03, 200),
    ("code_or_latex", "all", "en", 0.0, 200),
    ("keeps_format", "dialogue", "fr", 0.62, 50),
    ("keeps_format", "dialogue", "en", 0.7, 50),
)


def evaluate_facts(hostile: str = "") -> dict[str, Any]:
    """Scores, blocks and curves of tasks, of a run whose checkpoints were scored."""
    scores: list[dict[str, Any]] = []
    blocks: list[dict[str, Any]] = []
    for pair, french, english, metric, value, other, items in PUBLIC:
        for side, (task, found) in enumerate(((french, value), (english, other))):
            if task:
                language = task.removeprefix("wmt14-") if task.startswith("wmt14") else ("fr", "en")[side]
                _add(scores, blocks, task, language, metric, found, items[side], pair, hostile)
    for task, metric, value in MENDED:
        _add(scores, blocks, f"{task}_fixed", "fr", metric, value, 119, "", hostile, edition="fixed", of=task)
    for name, *values, guesses in MINI:
        for language, value in zip(("fr", "en"), values, strict=True):
            _add(scores, blocks, name, language, "acc", value, 60, name, hostile, edition="fournil-mini", shots=0)
            for system, guess in zip(("chance", "longest", "hidden"), guesses, strict=True):
                row = _row(name, language, "acc", guess, 60, name, edition="fournil-mini", shots=0)
                scores.append(row | {"system": system})
    _add(scores, blocks, "tickets" + hostile, "fr", "acc", 0.81, 300, "", hostile, edition="own", shots=2)
    reason = mark("the data set has no column {name!r}", name="endings" + hostile)
    blocks.append({"task": "xnli", "edition": "official", "language": "fr", "pair": "", "status": "failed"})
    blocks[-1]["reason"] = reason
    scores += [_fidelity_row(*found) for found in FIDELITY]
    return {"scores": scores, "tasks": blocks, "curves": curves(), "fidelity": fidelity(hostile)}


def curves() -> list[dict[str, Any]]:
    """Six checkpoints of two French tasks and their English counterparts, and of a mended one."""
    found = []
    for task, edition, metric, language, last in (
        ("french_bench_arc_challenge", "official", "acc_norm", "fr", 0.2731),
        ("arc_challenge", "official", "acc_norm", "en", 0.2918),
        ("french_bench_wikitext_fr", "official", "bits_per_byte", "fr", 1.2125),
        ("wikitext", "official", "bits_per_byte", "en", 1.3331),
        ("french_bench_grammar_fixed", "fixed", "acc", "fr", 0.6722),
    ):
        points = []
        for step in range(200, 1201, 200):
            value = round(last * (1 + (0.2 if metric == "bits_per_byte" else -0.2) * (1200 - step) / 1000), 4)
            points.append({"step": step, "value": value, "interval": [value - 0.02, value + 0.03]})
        found.append({"task": task, "edition": edition, "metric": metric, "language": language, "points": points})
    return found


def fidelity(hostile: str = "") -> dict[str, Any]:
    """What was found in the continuations of 200 prompts in each language."""
    found = {}
    for language, other, num_drifts in (("fr", "en", 19), ("en", "fr", 8)):
        sentences = {"own": 451, "other": 31, "third": 4, "unclear": 22, "short": 61, "code": 5, "latex": 2}
        examples = [
            {"kind": "prose", "prompt": "Le matin, elle", "text": " ouvrit la fenêtre." + hostile, "sticks": True},
            {"kind": "question", "prompt": "Où est Lyon\u202f?", "text": "Lyon is a city in France.", "sticks": False},
            {"kind": "dialogue", "prompt": "[Intervenant 1:] Bonjour", "text": "", "sticks": False},
        ]
        found[language] = {
            "edition": "1",
            "num_prompts": 200,
            "groups": {"all": {"num": 200, "sticks": 169, "sentences": sentences}},
            "languages": {language: 451, other: 31, "it": 3, "es": 1},
            "format": {"kept": 31, "lost": 7, "no_turn": 12},
            "drift": {
                "into": other,
                "num": num_drifts,
                "at_once": 6,
                "median_characters": 84.0,
                "median_share": 0.41,
            },
            "examples": examples,
        }
    return found


def _fidelity_row(metric: str, group: str, language: str, value: float, num_items: int) -> dict[str, Any]:
    error = round((value * (1 - value) / num_items) ** 0.5, 5)
    return {
        "kind": "fidelity",
        "task": "fidelity",
        "edition": "1",
        "metric": metric,
        "group": group,
        "language": language,
        "num_items": num_items,
        "main": metric == "sticks" and group == "all",
        "system": "model",
        "checkpoint": None,
        "value": value,
        "standard_error": error,
        "interval": [max(0.0, round(value - 2 * error, 4)), min(1.0, round(value + 2 * error, 4))],
    }


def _add(
    scores: list[dict[str, Any]],
    blocks: list[dict[str, Any]],
    task: str,
    language: str,
    metric: str,
    value: float | None,
    num_items: int,
    pair: str,
    hostile: str,
    **more: Any,
) -> None:
    assert value is not None
    scores.append(_row(task, language, metric, value, num_items, pair, **more))
    if metric == "acc_norm":
        scores.append(_row(task, language, "acc", value - 0.03, num_items, pair, **more) | {"main": False})
    prompt = f"{task}\n" + f"{QUESTION} Mercure\n\n" * more.get("shots", 5) + QUESTION + hostile
    blocks.append(
        {
            "task": task,
            "edition": more.get("edition", "official"),
            "language": language,
            "pair": pair,
            "shots": more.get("shots", 5),
            "seed": 7,
            "version": "1.0",
            "num_items": num_items,
            "num_truncated": 3 if task == "boolq" else 0,
            "num_uneven": 2 if metric == "f1" else 0,
            "data_sha256": hashlib.sha256(task.encode()).hexdigest(),
            "data_source": f"manu/{task}@0123456" + hostile,
            "prompts": [prompt] * 3,
            "status": "done",
            "reason": None,
        }
        | ({"of": more["of"]} if "of" in more else {})
    )


def _row(
    task: str,
    language: str,
    metric: str,
    value: float,
    num_items: int,
    pair: str,
    *,
    edition: str = "official",
    of: str = "",
    shots: int = 5,
) -> dict[str, Any]:
    error = round(0.5 / num_items**0.5, 5) * (40 if metric == "chrf" else 1)
    return {
        "kind": "task",
        "task": task,
        "edition": edition,
        "metric": metric,
        "language": language,
        "pair": pair,
        "shots": shots,
        "seed": 7,
        "version": "1.0",
        "num_items": num_items,
        "data_sha256": hashlib.sha256(task.encode()).hexdigest(),
        "model_sha256": "00" * 32,
        "higher_is_better": metric != "bits_per_byte",
        "main": True,
        "system": "model",
        "checkpoint": None,
        "value": round(value, 4),
        "standard_error": error,
        "interval": [round(value - 2 * error, 4), round(value + 2 * error, 4)],
    } | ({"of": of} if of else {})
