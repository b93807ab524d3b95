"""The page's engine in Chromium against transformers in float32 on one thread, on the same machine in the same run.

`tokens-per-second`: a prompt of 16 tokens and 100 more, greedily, in turn, medians; `equal` is the share of ids that
are the same with float32 weights in the page. `first-token`: from opening the worker in a fresh page (transformers:
from from_pretrained, already imported) to the first token of an answer. `size`: all that the page needs to run the
model (weights and vocabulary as base64, scripts, style) against the files that transformers reads. Below them what 8
bits change: the share of the likeliest tokens that stay the same on held-out text, bits per byte, and chrF of greedy
translations where some are given.

    python bench/page.py [HUGGING_FACE_FOLDER [--translations RUN/06-evaluate/translations]]

Without a folder it trains a model of petit's shape for a moment, on the text that ships in the package.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from importlib import resources
from pathlib import Path

import pyarrow.parquet as pq
import torch
from sacrebleu.metrics import CHRF
from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM
from transformers.utils import logging as transformers_logging

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "tools"))

import chromium

from fournil.parts.tokenize import choose_alphabet, count_characters, save, special_tokens, train
from fournil.parts.tokenize.load import encode_batch
from fournil.parts.tokenize.load import load as load_tokenizer
from fournil.parts.tokenize.prompts import TEMPLATE
from fournil.stages.report.markup import Html, tag
from fournil.stages.report.model.embed import blocks, page_script, page_style, script
from fournil.stages.report.model.pack import pack

LANGUAGES = ("fr", "en")
NUM_PROMPT, NUM_NEW = 16, 100

LOAD = """
globalThis.client = await ModelClient.load(
  document.getElementById("model-engine"), document.getElementById("model-weights"));
"""
WRITE = """
async (ids, maxTokens) => {
  const began = performance.now();
  const { ids: written } = await client.ask("generate", { ids, maxTokens, stopIds: [] }, () => {});
  return { written, seconds: (performance.now() - began) / 1000 };
}
"""
FIRST = """
const began = performance.now();
const opened = await ModelClient.load(
  document.getElementById("model-engine"), document.getElementById("model-weights"));
let first = 0;
await opened.ask("generate", { text: "Le fichier", maxTokens: 2, stopIds: [] }, () => (first ||= performance.now()));
first - began
"""
SCORE = """
async (text) => {
  const best = [];
  const { bitsPerByte } = await client.ask("score", { text }, ({ token }) => best.push(token.alternatives[0].id));
  return { best, bitsPerByte };
}
"""


def mie_text(language, *, held_out):
    root = resources.files("fournil.data") / "mie" / language
    texts = [path.read_text(encoding="utf-8") for path in sorted(root.iterdir(), key=lambda path: path.name)]
    return "\n\n".join(texts[-1:] if held_out else texts[:-1])


def make_folder(folder, steps):
    """A model of petit's shape that has learned a little."""
    torch.manual_seed(0)
    texts = [mie_text(language, held_out=False) for language in LANGUAGES]
    specials = special_tokens(LANGUAGES)
    counts = count_characters(texts)
    alphabet = choose_alphabet(counts, vocab_size=2048, num_reserved=len(specials) + 256, max_alphabet=400)
    tokenizer = train([texts], alphabet=alphabet, vocab_size=2048, specials=specials)
    save(tokenizer, folder, languages=LANGUAGES, context_length=256)
    settings = json.loads((folder / "tokenizer_config.json").read_text())
    (folder / "tokenizer_config.json").write_text(json.dumps(settings | {"chat_template": TEMPLATE}))
    config = LlamaConfig(
        vocab_size=2048, hidden_size=192, intermediate_size=512, num_hidden_layers=4, num_attention_heads=3,
        num_key_value_heads=3, max_position_embeddings=256, tie_word_embeddings=True, eos_token_id=2,
    )  # fmt: skip
    model = LlamaForCausalLM(config)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    stream = torch.cat([torch.as_tensor(ids) for ids in encode_batch(tokenizer, texts, parse_special=False)])
    for _ in range(steps):
        starts = torch.randint(0, len(stream) - 128, (8,))
        ids = torch.stack([stream[start : start + 128] for start in starts])
        model(ids, labels=ids).loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    model.save_pretrained(folder)


def write_page(packed, path):
    body = tag("body", blocks(packed), tag("script", Html(script("client.js"))))
    path.write_text(f"<!DOCTYPE html>{tag('html', tag('head', tag('meta', charset='utf-8')), body)}", encoding="utf-8")
    return path.as_uri()


def write(model, ids, num):
    began = time.perf_counter()
    with torch.inference_mode():
        prompt = torch.tensor([ids])
        written = model.generate(
            prompt, attention_mask=torch.ones_like(prompt), max_new_tokens=num, min_new_tokens=num, do_sample=False,
            pad_token_id=3, eos_token_id=None,
        )  # fmt: skip
    return written[0, len(ids) :].tolist(), time.perf_counter() - began


def tokens_per_second(page, whole, model, prompts):
    """Speeds with 8-bit weights, and the share of equal ids with float32 ones."""
    seconds, same = [], []
    for ids in prompts:
        mine = page.ask(WRITE, ids, NUM_NEW)
        exact = whole.ask(WRITE, ids, NUM_NEW)["written"]
        theirs, took = write(model, ids, NUM_NEW)
        seconds.append((mine["seconds"], took))
        same += [one == other for one, other in zip(exact, theirs, strict=True)]
    speeds = [statistics.median(NUM_NEW / row[side] for row in seconds[2:]) for side in (0, 1)]
    ratio = statistics.median(theirs / mine for mine, theirs in seconds[2:])
    return row("tokens-per-second", round(speeds[0]), round(speeds[1]), "tokens/s", ratio, sum(same) / len(same))


def first_token(browser, url, folder, times):
    mine, theirs = [], []
    for _ in range(times):
        page = browser.page(url)
        mine.append(page.run(FIRST))
        page.close()
        began = time.perf_counter()
        model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
        ids = encode_batch(load_tokenizer(folder), ["Le fichier"], parse_special=False)[0].tolist()
        write(model, [2, *ids], 1)
        theirs.append((time.perf_counter() - began) * 1000)
    ratio = statistics.median(their / my for my, their in zip(mine, theirs, strict=True))
    return row("first-token", round(statistics.median(mine)), round(statistics.median(theirs)), "ms", ratio, None)


def size(packed, folder):
    ours = len(blocks(packed).encode()) + len((page_script() + page_style()).encode())
    theirs = sum(path.stat().st_size for path in folder.iterdir() if path.suffix in (".safetensors", ".json", ".jinja"))
    return row("size", round(ours / 1000), round(theirs / 1000), "kB", theirs / ours, None)


def row(case, ours, peer, unit, ratio, equal):
    return {"case": case, "ours": ours, "peer": peer, "unit": unit, "ratio": round(ratio, 2), "equal": equal}


def rounding(page, whole, translations):
    """What 8 bits change, as lines of a table."""
    for language in LANGUAGES:
        text = mie_text(language, held_out=True)[:6000]
        exact, rounded = whole.ask(SCORE, text), page.ask(SCORE, text)
        same = [one == other for one, other in zip(exact["best"], rounded["best"], strict=True)]
        yield f"likeliest token the same, {language}", "", f"{sum(same) / len(same):.2%} of {len(same):,}"
        yield f"bits per byte, {language}", f"{exact['bitsPerByte']:.4f}", f"{rounded['bitsPerByte']:.4f}"
    ask = "async (text, to) => (await client.ask('translate', { text, to })).text"
    for (source, target), pairs in translations.items():
        answers = [[one.ask(ask, text, target) for text, _ in pairs] for one in (whole, page)]
        references = [[reference for _, reference in pairs]]
        scores = [f"{CHRF().corpus_score(said, references).score:.2f}" for said in answers]
        same = sum(one == other for one, other in zip(*answers, strict=True))
        yield f"chrF {source}-{target}, greedy, {len(pairs)} messages, {same} the same", *scores


def read_translations(folder, most):
    found = {}
    if folder is not None:
        for entry in pq.read_table(folder).to_pylist():
            found.setdefault((entry["from"], entry["to"]), []).append((entry["source"], entry["reference"]))
    return {way: [pair for pair in pairs if len(pair[0]) <= 45][:most] for way, pairs in found.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--translations", type=Path, help="the folder of held-out translations of an evaluation")
    parser.add_argument("--repeats", type=int, default=12)
    parser.add_argument("--train-steps", type=int, default=120)
    arguments = parser.parse_args()
    path = chromium.find()
    if path is None:
        sys.exit("bench/page.py needs Chromium")
    torch.set_num_threads(1)
    transformers_logging.disable_progress_bar()
    with tempfile.TemporaryDirectory() as temporary, chromium.Chromium(path) as browser:
        folder = arguments.folder or Path(temporary) / "model"
        if arguments.folder is None:
            folder.mkdir()
            make_folder(folder, arguments.train_steps)
        model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
        packed = pack(folder, LANGUAGES)
        url = write_page(packed, Path(temporary) / "page.html")
        page = browser.page(url)
        whole = browser.page(write_page(pack(folder, LANGUAGES, kind="float32"), Path(temporary) / "whole.html"))
        for one in (page, whole):
            one.run(LOAD)
        generator = torch.Generator().manual_seed(0)
        prompts = torch.randint(
            264, model.config.vocab_size, (arguments.repeats + 2, NUM_PROMPT), generator=generator
        ).tolist()
        rows = [
            tokens_per_second(page, whole, model, prompts),
            first_token(browser, url, folder, max(3, arguments.repeats // 2)),
            size(packed, folder),
        ]
        name = "the folder given" if arguments.folder else "a model of petit's shape, trained for a moment"
        version = browser.call("Browser.getVersion")["product"]
        print(f"{model.num_parameters():,} parameters, {name}; {version}, transformers in float32 on one thread\n")
        print(f"| {'case':18} | the page, 8 bits | transformers | unit     | ratio | equal   |")
        print(f"|{'-' * 20}|------------------|--------------|----------|-------|---------|")
        for found in rows:
            equal = "" if found["equal"] is None else f"{found['equal']:.2%}"
            print(f"| {found['case']:18} | {found['ours']:16,} | {found['peer']:12,} | {found['unit']:8} | "
                  f"{found['ratio']:5} | {equal:7} |")  # fmt: skip
        inflated = len(packed.data) * 4 / 3 / packed.weight_bytes
        print(f"\nIn the page: {packed.weight_bytes:,} bytes of weights,", end=" ")
        print(f"{inflated:.3f} times as many with all else, as base64.\n")
        print(f"| {'in the page':54} | float32 | 8 bits          |")
        print(f"|{'-' * 56}|---------|-----------------|")
        for what, exact, rounded in rounding(page, whole, read_translations(arguments.translations, 150)):
            print(f"| {what:54} | {exact:7} | {rounded:15} |")
    print()
    print(json.dumps({"bench": "page", "rows": rows}))


if __name__ == "__main__":
    main()
