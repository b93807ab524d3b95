"""One training step: our model and optimizer against transformers' LlamaForCausalLM, eager, in the same process.

Both start from the same weights and see the same batches; steps alternate, and each side's figure is its median. The
peer runs with SDPA and torch's fused AdamW. The first row of each shape compares AdamW with AdamW, the second our Muon,
which does more work a step and needs fewer of them. `equal`: the losses agree to 1e-3 (with Muon: the first one).
"""

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path

import torch
from transformers import LlamaForCausalLM
from transformers.utils import logging as transformers_logging

from fournil.parts.model import folder as model_folder
from fournil.parts.model.config import ModelConfig
from fournil.parts.model.transformer import Llama
from fournil.parts.train.optimizer import Optimizer, OptimizerSettings
from fournil.parts.train.schedule import Rates

SHAPES = {
    "4 x 192, vocabulary 2,048, 6 x 128 tokens": (
        ModelConfig(2048, 192, 512, 4, 3, max_position_embeddings=128),
        6,
        128,
    ),
    "6 x 256, vocabulary 8,192, 4 x 256 tokens": (
        ModelConfig(8192, 256, 704, 6, 4, max_position_embeddings=256),
        4,
        256,
    ),
}
RATE = 1e-3


def ours(model, batches, matrices):
    settings = OptimizerSettings(matrices=matrices, max_gradient_norm=0.0, epsilon=1e-8)
    optimizer = Optimizer(model, settings)
    for parameter in optimizer.kinds["norm"].values():
        parameter.requires_grad_(False)
    for ids in batches:
        began = time.perf_counter()
        loss = model.loss(ids[:, :-1], ids[:, 1:]).mean()
        loss.backward()
        if matrices:
            optimizer.step(Rates(RATE, RATE, RATE), 1.0)
        yield float(loss.detach()), time.perf_counter() - began


def peer(model, batches):
    model.train()
    norms = {id(p) for name, p in model.named_parameters() if "norm" in name}
    for parameter in model.parameters():
        parameter.requires_grad_(id(parameter) not in norms)
    trained = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=RATE, betas=(0.9, 0.95), weight_decay=0.0, fused=True)
    for ids in batches:
        began = time.perf_counter()
        optimizer.zero_grad(set_to_none=True)
        loss = model(ids, labels=ids).loss
        loss.backward()
        optimizer.step()
        yield float(loss.detach()), time.perf_counter() - began


def measure(name, config, rows, length, steps):
    generator = torch.Generator().manual_seed(0)
    batches = [torch.randint(0, 512, (rows, length + 1), generator=generator) for _ in range(steps + 2)]
    start = Llama(config).reset(0)
    table = []
    with tempfile.TemporaryDirectory() as folder:
        model_folder.save(start, Path(folder))
        for title, matrices in (("AdamW", "adamw"), ("Muon against their AdamW", "muon")):
            mine = ours(model_folder.load(Path(folder)), batches, matrices)
            theirs = peer(LlamaForCausalLM.from_pretrained(folder, dtype=torch.float32), batches)
            results = list(zip(mine, theirs, strict=True))
            equal = all(abs(a[0] - b[0]) < 1e-3 for a, b in results[: len(results) if matrices == "adamw" else 1])
            speeds = [rows * length / statistics.median(r[side][1] for r in results[2:]) for side in (0, 1)]
            table.append(
                {
                    "case": f"{name}, {title}", "ours": round(speeds[0]), "peer": round(speeds[1]), "unit": "tokens/s",
                    "ratio": round(speeds[0] / speeds[1], 2), "equal": equal,
                }
            )  # fmt: skip
    return table


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--steps", type=int, default=12)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    transformers_logging.disable_progress_bar()
    rows = [
        row
        for name, (config, rows, length) in SHAPES.items()
        for row in measure(name, config, rows, length, arguments.steps)
    ]
    print(f"One step of training in float32, {arguments.threads} threads, medians of {arguments.steps}, tokens/s\n")
    print(f"| {'case':68} | Fournil | transformers | ratio | equal |")
    print(f"|{'-' * 70}|---------|--------------|-------|-------|")
    for row in rows:
        print(f"| {row['case']:68} | {row['ours']:7,} | {row['peer']:12,} | {row['ratio']:5} | {row['equal']!s:5} |")
    print()
    print(json.dumps({"bench": "pretrain-step", "rows": rows}))


if __name__ == "__main__":
    main()
