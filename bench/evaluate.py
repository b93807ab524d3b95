"""Scoring tasks of FrenchBench with our engine, against lm_eval's own model `hf`, in float32 on one thread.

Both answer the same requests of lm_eval's own task definitions, in one process, in turn: a random Llama of 65M
parameters with a vocabulary of 32,000 (or another folder), on data with FrenchBench's fields from a seeded generator
(or in a folder, as for `fournil evaluate --data`). The peer's batch size is the best of those tried on the first items,
by CPU time (by wall time on a GPU). Times are medians over the rounds, tokenising included. `equal`: the share of items
of which each log-likelihood agrees to 1e-4 or to 1e-6 of its size, each greedy answer and each choice of an answer in
full; other items are listed. `startup`: whole processes on one item, ours by `fournil evaluate`, the peer by its own
command line.

    python bench/evaluate.py [HUGGING_FACE_FOLDER] [--data FOLDER] [--cases NAME …] [--rounds NUMBER] [--scale NUMBER]
                             [--device cuda]
"""

import argparse
import contextlib
import functools
import io
import itertools
import json
import logging
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import torch
from lm_eval.models.huggingface import HFLM
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors, trainers

from fournil.parts.harness.lm import FournilLM
from fournil.parts.harness.load import load_task
from fournil.parts.harness.names import KNOWN
from fournil.parts.model import folder as model_folder
from fournil.parts.model.config import ModelConfig
from fournil.parts.model.transformer import Llama

CASES = {  # task, worked examples, items, items for choosing a batch size
    "5shot-fixed": ("french_bench_xnli", 5, 32, 4),
    "5shot-random": ("french_bench_arc_challenge", 5, 20, 4),
    "letters": ("french_bench_fquadv2_bool", 5, 20, 8),
    "0shot": ("french_bench_hellaswag", 0, 32, 8),
    "generation": ("french_bench_fquadv2", 5, 16, 8),
    "rolling": ("french_bench_wikitext_fr", 0, 24, 8),
}
BATCH_SIZES = (1, 2, 4, 8)
GPU_BATCH_SIZES = (4, 8, 16, 32, 64)
NEW_TOKENS = 32
"""A random model never ends its answer; those of FrenchBench are a few words."""
VOCABULARY = 32_000
FRENCH = "de la le et à les des en un une du que est pour qui dans sur par plus au ne il se pas ce sont avec été"
ONSETS, ENDS = "b c d f g l m n p r s t v ch tr pl gr qu br", "a e é i o u ou an on ai eur ent"


PROMPTS = (
    "La prémisse et l'hypothèse sont elles en accord, neutres en elles, ou en contradiction ?",
    "\nPrémisse:\n\nHypothèse:\n\nLa prémisse et l'hypothèse sont en accord neutres entre elles en contradiction",
    "D'après l'information présente dans le contexte, est il possible de répondre à la question ?",
    "\nContexte:\n\nQuestion:\n\nD'après l'information présente dans le contexte, répondre à la question est:",
    "\nA. Possible \nB. Impossible\n\nRéponse: A B Impossible",
    "D'après l'information dans le contexte donné, donne la réponse à la question en citant quelques mots du contexte.",
    "Si il est impossible de répondre avec les informations du contexte, répond 'Impossible'.",
)
"""What the tasks put around their items, of which a tokenizer of French would know the words."""


@functools.cache
def vocabulary():
    """60,000 words of a made-up language, and how much more frequent than the rest each is with those before it."""
    dice = random.Random(0)
    onsets, ends = ONSETS.split(), ENDS.split()
    syllables = [onset + end for onset in onsets for end in ends]
    made = {"".join(dice.choices(syllables, k=dice.randint(1, 4))) for _ in range(90_000)}
    words = sorted(made)
    dice.shuffle(words)
    words = [*FRENCH.split(), *words[:60_000]]
    return words, list(itertools.accumulate(1 / rank for rank in range(1, len(words) + 1)))


class Words:
    """Says something in the made-up language."""

    def __init__(self, seed):
        self.dice = random.Random(seed)

    def some(self, least, most):
        words, weights = vocabulary()
        return " ".join(self.dice.choices(words, cum_weights=weights, k=self.dice.randint(least, most)))

    def sentence(self, least, most):
        text = self.some(least, most)
        return f"{text[0].upper()}{text[1:]}{self.dice.choice('.. ?!')}"

    def passage(self, least, most):
        """Sentences of so many words together."""
        left, found = self.dice.randint(least, most), []
        while left > 0:
            length = self.dice.randint(8, 24)
            found.append(self.sentence(length, length))
            left -= length
        return " ".join(found)


def xnli(words):
    return {"premise": words.sentence(12, 30), "hypothesis": words.sentence(6, 14), "label": words.dice.randrange(3)}


def arc_challenge(words):
    choices = [words.some(2, 9) for _ in range(4)]
    return {"question": words.sentence(12, 35), "choices": choices, "answerKey": words.dice.choice("ABCD")}


def fquad(words):
    impossible = words.dice.random() < 0.5
    answers = {"text": [] if impossible else [words.some(1, 6)], "answer_start": [] if impossible else [0]}
    return {
        "title": words.some(1, 3), "context": words.passage(90, 150), "question": words.sentence(7, 14),
        "answers": answers, "is_impossible": impossible,
    }  # fmt: skip


def hellaswag(words):
    return {
        "activity_label": words.some(1, 3), "ctx_a": words.passage(20, 50), "ctx_b": words.some(2, 5),
        "endings": [words.some(12, 32) for _ in range(4)], "label": words.dice.randrange(4),
    }  # fmt: skip


def wikitext(words):
    return {"paragraph": words.passage(20, 350)}


DATA = {
    "french_bench_xnli": (xnli, "validation", "test"),
    "french_bench_arc_challenge": (arc_challenge, "train", "validation", "test"),
    "french_bench_fquadv2_bool": (fquad, "valid", "test"),
    "french_bench_hellaswag": (hellaswag, "validation"),
    "french_bench_fquadv2": (fquad, "valid", "test"),
    "french_bench_wikitext_fr": (wikitext, "train", "validation", "test"),
}


def make_data(folder, num_items):
    for number, (task, (make, *splits)) in enumerate(DATA.items()):
        (folder / task).mkdir(parents=True)
        for place, split in enumerate(splits):
            words = Words(100 * number + place)
            lines = [json.dumps(make(words), ensure_ascii=False) for _ in range(num_items)]
            (folder / task / f"{split}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


def make_model(folder):
    """A Llama of 65M random parameters, with a byte-level BPE of the made-up language and a BOS before each text."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    specials = [AddedToken(token, special=True) for token in ("<unk>", "<s>", "</s>")]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY, special_tokens=specials, initial_alphabet=alphabet, show_progress=False
    )  # fmt: skip
    words = Words(1)
    texts = (words.passage(80, 120) for _ in range(3000))
    tokenizer.train_from_iterator(itertools.chain(texts, PROMPTS * 30), trainer)
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    tokenizer.save(str(folder / "tokenizer.json"))
    settings = {"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": "<s>", "eos_token": "</s>"}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    config = ModelConfig(VOCABULARY, 512, 1408, 10, 8, max_position_embeddings=2048, tie_word_embeddings=False)
    model_folder.save(Llama(config).reset(0), folder)


class Timed:
    """Wall and CPU seconds of what runs in its block."""

    def __enter__(self):
        self.wall, self.cpu = time.perf_counter(), time.process_time()
        return self

    def __exit__(self, *_):
        self.wall, self.cpu = time.perf_counter() - self.wall, time.process_time() - self.cpu


def ask(model, requests):
    """Answers and times of one model."""
    with contextlib.redirect_stderr(io.StringIO()), Timed() as timed:
        answers = getattr(model, requests[0].request_type)(requests, disable_tqdm=True)
    return answers, timed


def best_batch_size(peer, requests):
    """The fastest on these requests, and each one's seconds: of the CPU, or on a GPU of the wall."""
    seconds = {}
    on_cpu = peer.device.type == "cpu"
    for size in BATCH_SIZES if on_cpu else GPU_BATCH_SIZES:
        peer.batch_size_per_gpu = size
        timed = ask(peer, requests)[1]
        seconds[size] = timed.cpu if on_cpu else timed.wall
    return min(seconds, key=seconds.__getitem__), seconds


def requests_of(task, shots, num_items, data):
    """lm_eval's own requests, by item."""
    (made,) = load_task(KNOWN[task], shots=shots, seed=1234, data=data).tasks.values()
    with contextlib.redirect_stderr(io.StringIO()):
        made.build_all_requests(limit=num_items)
    items = {}
    for request in made.instances:
        if request.request_type == "generate_until":
            request.arguments = (request.args[0], request.args[1] | {"max_gen_toks": NEW_TOKENS})
        items.setdefault(request.doc_id, []).append(request)
    return list(items.values())


def close(mine, theirs):
    return abs(mine - theirs) <= max(1e-4, 1e-6 * abs(theirs))


def differences(mine, theirs):
    """What is not equal in the answers for one item: nothing, or a sentence."""
    if isinstance(theirs[0], str):
        return "" if mine == theirs else f"{mine[0][:40]!r} for {theirs[0][:40]!r}"
    values = [[answer if isinstance(answer, float) else answer[0] for answer in side] for side in (mine, theirs)]
    off = [(one, other) for one, other in zip(*values, strict=True) if not close(one, other)]
    if off:
        return ", ".join(f"{one:.6f} for {other:.6f}" for one, other in off)
    first, second = (max(range(len(side)), key=side.__getitem__) for side in values)
    return (
        "" if first == second else f"a tie: choice {first} for {second}, {values[1][first]:.6f} {values[1][second]:.6f}"
    )


def measure(case, ours, peer, data, rounds, scale):
    task, shots, num_items, num_tried = CASES[case]
    items = requests_of(task, shots, max(2, round(num_items * scale)), data)
    requests = [request for item in items for request in item]
    for model in (ours, peer):
        ask(model, items[0])
    few = [request for item in items[:num_tried] for request in item]
    size, tried = best_batch_size(peer, few)
    peer.batch_size_per_gpu = size
    times, outside = [], {}
    for _ in range(rounds):
        mine, my_time = ask(ours, requests)
        theirs, their_time = ask(peer, requests)
        times.append((my_time, their_time))
        for number, item in enumerate(items):
            answers = [[side.pop(0) for _ in item] for side in (mine, theirs)]
            if said := differences(*answers):
                outside[number] = said
    wall, cpu = (
        [statistics.median(getattr(one[side], kind) for one in times) for side in (0, 1)] for kind in ("wall", "cpu")
    )
    told = ", ".join(f"{batch}: {seconds:.1f}" for batch, seconds in tried.items())
    print(f"{case}: {task}, {shots} shots, {len(items)} items, {len(requests)} requests; "
          f"seconds of the peer on {len(few)} requests by batch size: {told}; "
          f"CPU seconds on all, median of {rounds}: {cpu[1]:.1f}, ours {cpu[0]:.1f}", flush=True)  # fmt: skip
    for number, said in outside.items():
        print(f"    item {number} is outside: {said}", flush=True)
    done = len(items)
    return {
        "case": case, "ours": round(done / wall[0], 2), "peer": round(done / wall[1], 2), "unit": "items/s",
        "ratio": round(wall[1] / wall[0], 2), "ratio_cpu": round(cpu[1] / cpu[0], 2), "batch_size": size,
        "equal": 1 - len(outside) / len(items),
    }  # fmt: skip


def startup(folder, data, temporary, times):
    """Whole processes that score one item of xnli without examples."""
    theirs = Path(sys.modules["lm_eval"].__path__[0]) / "tasks" / "french_bench" / "french_bench_xnli.yaml"
    files = {split: str(data / "french_bench_xnli" / f"{split}.jsonl") for split in ("validation", "test")}
    (temporary / "yaml").mkdir()
    (temporary / "yaml" / "startup.yaml").write_text(
        f"include: {theirs}\ntask: startup\ndataset_path: json\ndataset_name: null\n"
        f"dataset_kwargs: {json.dumps({'data_files': files})}\n"
    )
    code = (
        "import fournil.cli, sys; sys.exit(fournil.cli.main(['evaluate', "
        f"{str(folder)!r}, '--tasks', 'french_bench_xnli', '--data', {str(data)!r}, '--limit', '1', '--quiet', "
        "'--threads', '1', '-o', sys.argv[1]]))"
    )
    model = ["--model", "hf", "--model_args", f"pretrained={folder},dtype=float32", "--device", "cpu"]
    peer = [
        sys.executable, "-m", "lm_eval", "run", *model, "--limit", "1", "--tasks", "startup",
        "--include_path", str(temporary / "yaml"), "--output_path", str(temporary / "theirs.json"),
    ]  # fmt: skip
    seconds = []
    for number in range(times + 1):
        pair = []
        for command in ([sys.executable, "-c", code, str(temporary / f"out-{number}")], peer):
            began = time.perf_counter()
            done = subprocess.run(command, capture_output=True, text=True)
            pair.append(time.perf_counter() - began)
            if done.returncode:
                sys.exit(f"{' '.join(map(str, command[:6]))} …: {done.stdout[-2000:]}{done.stderr[-2000:]}")
        seconds.append(pair)
    mine, theirs = (statistics.median(pair[side] for pair in seconds[1:]) for side in (0, 1))
    rows = json.loads((temporary / f"out-{times}" / "06-evaluate" / "scores.json").read_text("utf-8"))
    found = max(temporary.glob("theirs*.json"), key=lambda path: path.stat().st_mtime)
    acc = json.loads(found.read_text("utf-8"))["results"]["startup"]["acc,none"]
    same = [row["value"] == acc for row in rows if row["metric"] == "acc" and row["edition"] == "official"]
    return {
        "case": "startup", "ours": round(mine, 2), "peer": round(theirs, 2), "unit": "s",
        "ratio": round(theirs / mine, 2), "ratio_cpu": None, "batch_size": 1, "equal": sum(same) / len(same),
    }  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, help="a model folder (default: a random Llama)")
    parser.add_argument("--data", type=Path, help="TASK/SPLIT.jsonl or .parquet (default: made up)")
    parser.add_argument("--cases", nargs="+", default=[*CASES, "startup"], choices=[*CASES, "startup"])
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--scale", type=float, default=1.0, help="of the numbers of items")
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"], help="startup is always on the CPU")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    logging.disable(logging.WARNING)
    with tempfile.TemporaryDirectory() as place:
        temporary = Path(place)
        folder, data = arguments.folder or temporary / "model", arguments.data or temporary / "data"
        if arguments.folder is None:
            folder.mkdir()
            make_model(folder)
        if arguments.data is None:
            make_data(data, max(8, round(64 * arguments.scale)))
        with contextlib.redirect_stderr(io.StringIO()):
            ours = FournilLM(str(folder), device=arguments.device, threads=1)
            peer = HFLM(pretrained=str(folder), device=arguments.device, dtype="float32", batch_size=1)
        size = ours.get_model_info()["model_num_parameters"]
        print(f"{size:,} parameters, float32, {arguments.device}, one thread, torch {torch.__version__}\n")
        rows = [
            measure(case, ours, peer, data, arguments.rounds, arguments.scale)
            for case in CASES
            if case in arguments.cases
        ]
        if "startup" in arguments.cases:
            rows.append(startup(folder, data, temporary, 1 + arguments.rounds))
    print(f"\n| {'case':12} | Fournil | lm_eval hf | unit    | ratio, wall | ratio, CPU | batch size | equal   |")
    print(f"|{'-' * 14}|---------|------------|---------|-------------|------------|------------|---------|")
    for row in rows:
        equal = "" if row["equal"] is None else f"{row['equal']:.2%}"
        print(f"| {row['case']:12} | {row['ours']:7} | {row['peer']:10} | {row['unit']:7} | {row['ratio']:11} | "
              f"{row['ratio_cpu'] or '':10} | {row['batch_size']:10} | {equal:7} |")  # fmt: skip
    print()
    print(json.dumps({"bench": "evaluate", "rows": rows}))


if __name__ == "__main__":
    main()
