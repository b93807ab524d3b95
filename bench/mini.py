"""Does fournil-mini tell who knows French? Models trained on one language alone, and counts of the same text.

For each language two systems learn from the same text: a model of ten million parameters (`--tokens 0`: none), trained
by `fournil bake`, and counts of words, of pairs and of threes of them (an interpolated trigram, in seconds). Each is
asked the sets of both languages: the rows say what was learned from, the columns whether it was the set's language.

    python bench/mini.py [--french FILES … --english FILES …] [--tokens 500000] [--threads 2]

Text is read from JSON lines (`text`, or the language's tag). Without files it takes the books and sentences that stand
beside the checkout, where they do.
"""

import argparse
import gzip
import json
import lzma
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch

from fournil.core.languages import language
from fournil.parts.scoring import open_scorer
from fournil.parts.statistics import share
from fournil.stages.evaluate.mini.items import GAPPED, LANGUAGES, SETS, TRANSLATION
from fournil.stages.evaluate.mini.suite import mini_set
from fournil.stages.evaluate.sets.items import Item
from fournil.stages.evaluate.sets.run import baseline_measures, run_set

BESIDE = Path(__file__).resolve().parents[2] / "shared" / "data"
DEFAULT = ("books_{}/*.jsonl.xz", "commonvoice_sentences/{}.jsonl.xz", "parallel_tatoeba/pairs.jsonl.xz")
DISCOUNT = 0.75
DOCUMENT = 2000
"""Characters of a document that lines are put together to."""

RECIPE = """
[recipe]
name = "mini-{tag}"
languages = ["{tag}"]
stages = ["sources", "curate", "tokenizer", "pretrain"]

[[sources.files]]
key = "text"
paths = ["{path}"]
licence = "CC0-1.0"
language = "{tag}"

[tokenizer]
vocab_size = 8192

[pretrain.model]
hidden_size = 320
intermediate_size = 864
num_hidden_layers = 6
num_attention_heads = 5
tie_word_embeddings = true

[[pretrain.phase]]
tokens = {tokens}
batch_tokens = 1024
warmup = 0.02
"""


def lines(paths: Sequence[Path], tag: str) -> Iterator[str]:
    """Lines of text in a language, from all files in turn, so that a part of it has something of each."""
    streams = [_lines(path, tag) for path in paths]
    while streams:
        for stream in list(streams):
            line = next(stream, None)
            if line is None:
                streams.remove(stream)
            elif line.strip():
                yield line


def _lines(path: Path, tag: str) -> Iterator[str]:
    opener = {".xz": lzma.open, ".gz": gzip.open}.get(path.suffix, open)
    with opener(path, "rt", encoding="utf-8") as file:
        for row in file:
            fields = json.loads(row)
            yield from str(fields.get("text") or fields.get(tag) or "").splitlines()


class Counts:
    """An interpolated trigram with absolute discounting (Ney, Essen and Kneser 1994), over words in lower case."""

    def __init__(self, texts: Sequence[str], tag: str) -> None:
        self.elides = language(tag).apostrophe_ends_word
        known: dict[str, int] = {"": 0, "unknown": 1}
        ids: list[int] = []
        for text in texts:
            ids += [0, 0, *(known.setdefault(word, len(known)) for word in self.words(text))]
        self.known, size = known, len(known)
        ids_T = np.array(ids, np.int64)
        self.num, self.ones_V = len(ids_T), np.bincount(ids_T, minlength=size)
        self.twos, self.of_twos = np.unique(ids_T[:-1] * size + ids_T[1:], return_counts=True)
        before_T = np.searchsorted(self.twos, ids_T[:-2] * size + ids_T[1:-1])
        self.threes, self.of_threes = np.unique(before_T * size + ids_T[2:], return_counts=True)
        self.after_one = np.bincount(self.twos // size, minlength=size)
        self.after_two = np.bincount(self.threes // size, minlength=len(self.twos))
        self.begun_two = np.bincount(before_T, minlength=len(self.twos))

    def words(self, text: str) -> list[str]:
        """Words and marks in lower case."""
        text = text.replace("’", "'").lower()
        return re.findall(r"\w+'|\w+|[^\w\s]" if self.elides else r"\w+(?:'\w+)*|[^\w\s]", text)

    def log_likelihood(self, text: str) -> float:
        """Of a whole text, in nats."""
        ids = [0, 0, *(self.known.get(word, 1) for word in self.words(text))]
        return float(sum(np.log(self._chance(*ids[i : i + 3])) for i in range(len(ids) - 2)))

    def _chance(self, one: int, two: int, three: int) -> float:
        size = len(self.known)
        chance = (self.ones_V[three] + 0.01) / (self.num + 0.01 * size)
        if self.ones_V[two]:
            count = _found(self.twos, self.of_twos, two * size + three)
            rest = DISCOUNT * self.after_one[two] / self.ones_V[two]
            chance = max(count - DISCOUNT, 0) / self.ones_V[two] + rest * chance
        pair = np.searchsorted(self.twos, one * size + two)
        if pair < len(self.twos) and self.twos[pair] == one * size + two and self.begun_two[pair]:
            count = _found(self.threes, self.of_threes, pair * size + three)
            rest = DISCOUNT * self.after_two[pair] / self.begun_two[pair]
            chance = max(count - DISCOUNT, 0) / self.begun_two[pair] + rest * chance
        return chance

    def answers(self, item: Item, name: str) -> bool:
        """Whether it chooses rightly: the likeliest sentence, or the answer likeliest for its length."""
        if name in GAPPED:
            values = [self.log_likelihood(answer) for answer in item.answers]
        else:
            asked = item.prompt.split("\n\n")[-1]
            values = [
                (self.log_likelihood(f"{asked} {answer}") - self.log_likelihood(asked)) / len(answer)
                for answer in item.answers
            ]
        return int(np.argmax(values)) == item.gold


def _found(keys: np.ndarray, counts: np.ndarray, key: int) -> int:
    place = np.searchsorted(keys, key)
    return int(counts[place]) if place < len(keys) and keys[place] == key else 0


def bake(tag: str, texts: Sequence[str], tokens: int, threads: int, folder: Path) -> Path:
    """Train a model on text and return its folder."""
    documents: list[str] = [""]
    for text in texts:
        if len(documents[-1]) > DOCUMENT:
            documents.append("")
        documents[-1] += text + "\n"
    path = folder / f"{tag}.jsonl"
    rows = (json.dumps({"id": str(i), "text": text}, ensure_ascii=False) for i, text in enumerate(documents))
    path.write_text("\n".join(rows), "utf-8")
    recipe = folder / f"{tag}.toml"
    recipe.write_text(RECIPE.format(tag=tag, path=path, tokens=tokens), "utf-8")
    run = folder / tag
    command = ["bake", str(recipe), "--run", str(run), "--threads", str(threads), "--quiet"]
    subprocess.run([sys.executable, "-m", "fournil.cli", *command], check=True)
    return run / "04-pretrain"


def main() -> None:
    """Print the table, and its figures as JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--french", nargs="+", type=Path, metavar="FILE")
    parser.add_argument("--english", nargs="+", type=Path, metavar="FILE")
    parser.add_argument("--characters", type=int, default=24_000_000, help="of text in each language")
    parser.add_argument("--tokens", type=int, default=500_000, help="that a model reads (0: no models)")
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    given = {"fr": arguments.french, "en": arguments.english}
    names = [name for name in SETS if name != TRANSLATION]
    right: dict[tuple[str, str, str, str], list[bool]] = {}
    with tempfile.TemporaryDirectory() as place:
        for tag in LANGUAGES:
            paths = given[tag] or [path for one in DEFAULT for path in sorted(BESIDE.glob(one.format(tag)))]
            if not paths:
                sys.exit(f"no text in {tag!r}: give --french and --english")
            texts, num = [], 0
            for line in lines(paths, tag):
                texts.append(line)
                num += len(line)
                if num > arguments.characters:
                    break
            counts = Counts(texts, tag)
            print(f"{tag}: {num:,} characters, {counts.num:,} words", flush=True)
            for asked in LANGUAGES:
                for name in names:
                    right["counts", tag, asked, name] = [
                        counts.answers(item, name) for item in mini_set(asked, name).items
                    ]
            if not arguments.tokens:
                continue
            began = time.monotonic()
            folder = bake(tag, texts, arguments.tokens, arguments.threads, Path(place))
            print(f"{tag}: a model in {time.monotonic() - began:,.0f} s", flush=True)
            scorer = open_scorer(folder, threads=arguments.threads)
            num_parameters = sum(weights.numel() for weights in scorer.engine.model.parameters())
            for asked in LANGUAGES:
                for name in names:
                    task = mini_set(asked, name)
                    result = run_set(scorer, task)
                    values = [bool(item.values[task.spec.main]) for item in result.items]
                    right[f"{num_parameters / 1e6:.1f}M model", tag, asked, name] = values
    show(names, right)


def show(names: Sequence[str], right: dict[tuple[str, str, str, str], list[bool]]) -> None:
    """Print what each system answered rightly."""
    rows: list[dict[str, object]] = []
    for asked in LANGUAGES:
        print(f"\n| {language(asked).native_name} | {' | '.join(names)} | all, with its interval |")
        print("|---|" + "--:|" * (len(names) + 1))
        for system in ("chance", "longest", "hidden"):
            cells = [
                next(one.value for one in baseline_measures(mini_set(asked, name).items, "acc") if one.system == system)
                for name in names
            ]
            print(f"| {system} | {' | '.join(f'{100 * cell:.0f}' for cell in cells)} | {100 * np.mean(cells):.1f} |")
        for system, tag in Counter((system, tag) for system, tag, _, _ in right):
            cells = [right[system, tag, asked, name] for name in names]
            flat = [one for cell in cells for one in cell]
            value = share(sum(flat), len(flat))
            low, high = value.interval
            whole = f"{100 * value.value:.1f} [{100 * low:.1f} {100 * high:.1f}]"
            print(f"| {system}, {tag} | {' | '.join(f'{100 * np.mean(cell):.0f}' for cell in cells)} | {whole} |")
            shares = {name: round(float(np.mean(cell)), 4) for name, cell in zip(names, cells, strict=True)}
            rows.append({"case": f"{system}, {tag}", "asked": asked, "all": round(value.value, 4), **shares})
    print("\n" + json.dumps({"bench": "mini", "rows": rows}))


if __name__ == "__main__":
    main()
