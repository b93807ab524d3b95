"""What the browser computes is what transformers computes."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import chromium
import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from transformers import AutoModelForCausalLM, PreTrainedModel

from fournil.core.rounding import quantise
from fournil.parts.tokenize.load import encode_batch
from fournil.stages.report.model.pack import pack

NUM_PROMPTS, NUM_NEW = 200, 12

LOAD = """
globalThis.client = await ModelClient.load(
  document.getElementById("model-engine"), document.getElementById("model-weights"));
"""

GREEDY = """
async (prompts, maxTokens) => {
  const all = [];
  for (const ids of prompts) all.push((await client.ask("generate", { ids, maxTokens, stopIds: [] })).ids);
  return all;
}
"""

SCORED = """
async (text) => {
  const tokens = [];
  const result = await client.ask("score", { text }, ({ token }) => tokens.push(token));
  return { ...result, tokens, count: result.tokens };
}
"""


def load(folder: Path) -> PreTrainedModel:
    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()


def prompts_of(seed: int) -> list[list[int]]:
    dice = np.random.default_rng(seed)
    return [dice.integers(0, 1024, length).tolist() for length in dice.choice((1, 2, 9, 16, 27), NUM_PROMPTS)]


@torch.inference_mode()
def greedy(model: PreTrainedModel, prompts: list[list[int]]) -> list[list[int]]:
    """What transformers writes; prompts of one length at a time, so that nothing is padded."""
    found: dict[int, list[int]] = {}
    for length in sorted({len(prompt) for prompt in prompts}):
        chosen = [i for i, prompt in enumerate(prompts) if len(prompt) == length]
        ids = torch.tensor([prompts[i] for i in chosen])
        written = model.generate(
            ids, attention_mask=torch.ones_like(ids), max_new_tokens=NUM_NEW, do_sample=False, pad_token_id=3
        )
        found |= dict(zip(chosen, written[:, length:].tolist(), strict=True))
    return [found[i] for i in range(len(prompts))]


def test_greedy_ids_are_those_of_transformers(folder: Path, open_model: Callable[..., chromium.Page]) -> None:
    prompts = prompts_of(1)
    page = open_model(pack(folder, ("fr", "en"), kind="float32"))
    assert page.ask(GREEDY, prompts, NUM_NEW) == greedy(load(folder), prompts)


def test_with_8_bits_it_computes_what_the_rounded_weights_give(
    folder: Path, tmp_path: Path, open_model: Callable[..., chromium.Page]
) -> None:
    for path in folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    weights = load_file(folder / "model.safetensors")
    for name, weight in weights.items():
        if weight.ndim == 2:
            whole, scale = quantise(weight.numpy())
            weights[name] = torch.from_numpy(whole * scale[:, None])
    save_file(weights, tmp_path / "model.safetensors", {"format": "pt"})
    prompts = prompts_of(2)[:30]
    page = open_model(pack(folder, ("fr", "en")))
    assert page.ask(GREEDY, prompts, NUM_NEW) == greedy(load(tmp_path), prompts)


@torch.inference_mode()
def test_probabilities_and_alternatives_are_those_of_transformers(
    folder: Path, tokenizer: Tokenizer, open_model: Callable[..., chromium.Page]
) -> None:
    text = "Le boulanger se lève tôt 漢: the oven is hot."
    page = open_model(pack(folder, ("fr", "en"), kind="float32"))
    found = page.ask(SCORED, text)
    ids = encode_batch(tokenizer, [text], parse_special=False)[0].tolist()
    chances_TV = torch.softmax(load(folder)(torch.tensor([[2, *ids[:-1]]])).logits[0].double(), dim=-1)
    assert [token["id"] for token in found["tokens"]] == ids
    assert [token["p"] for token in found["tokens"]] == pytest.approx(
        [float(chances_TV[i, number]) for i, number in enumerate(ids)], rel=1e-4
    )
    best = chances_TV.topk(5, dim=-1)
    for i, token in enumerate(found["tokens"]):
        assert [other["id"] for other in token["alternatives"]] == best.indices[i].tolist()
        assert [other["p"] for other in token["alternatives"]] == pytest.approx(best.values[i].tolist(), rel=1e-4)
    nats = -sum(math.log(chances_TV[i, number]) for i, number in enumerate(ids))
    assert found["bitsPerByte"] == pytest.approx(nats / math.log(2) / len(text.encode()), rel=1e-5)


def test_long_texts_are_scored_by_windows_each_token_once(
    plain_folder: Path, tokenizer: Tokenizer, mie_texts: dict[str, str], open_model: Callable[..., chromium.Page]
) -> None:
    page = open_model(pack(plain_folder, ("fr", "en")))
    for text in mie_texts.values():
        text = text[:1500]
        ids = encode_batch(tokenizer, [text], parse_special=False)[0].tolist()
        assert len(ids) > 3 * 96
        found = page.ask(SCORED, text)
        assert [token["id"] for token in found["tokens"]] == ids
        assert found["count"] == len(ids)
        nats = -sum(math.log(token["p"]) for token in found["tokens"])
        assert found["bitsPerByte"] == pytest.approx(nats / math.log(2) / len(text.encode()))


def test_8_bits_change_little(
    plain_folder: Path, mie_texts: dict[str, str], open_model: Callable[..., chromium.Page]
) -> None:
    pages = [open_model(pack(plain_folder, ("fr", "en"), kind=kind)) for kind in ("float32", "int8")]
    for text in mie_texts.values():
        whole, rounded = (page.ask(SCORED, text[:800])["bitsPerByte"] for page in pages)
        assert rounded != whole
        assert rounded == pytest.approx(whole, rel=0.02)


def test_what_was_read_before_changes_nothing(plain_folder: Path, open_model: Callable[..., chromium.Page]) -> None:
    prompts = [[5, 900, 12, 700, *range(300, 300 + length)] for length in (40, 20, 33, 21, 40)]
    page = open_model(pack(plain_folder, ("fr", "en")))
    together = page.ask(GREEDY, prompts, NUM_NEW)
    alone = []
    for prompt in prompts:
        page.run("client.close();" + LOAD)
        alone += page.ask(GREEDY, [prompt], NUM_NEW)
    assert together == alone
    assert together[0] == together[-1]


def test_the_same_seed_gives_the_same_text(plain_folder: Path, open_model: Callable[..., chromium.Page]) -> None:
    page = open_model(pack(plain_folder, ("fr", "en")))

    def sample(**request: Any) -> list[int]:
        request = {"text": "Le pain", "maxTokens": 30, "stopIds": [], **request}
        return page.ask("(request) => client.ask('generate', request)", request)["ids"]

    first = sample(temperature=1.0, seed=7)
    assert sample(temperature=1.0, seed=7) == first
    assert len({tuple(sample(temperature=1.0, seed=seed)) for seed in range(20)}) == 20
    assert sample(temperature=1.0, topP=1e-9, seed=7) == sample() == sample(temperature=1e-6, seed=3)


def test_tokens_are_drawn_as_often_as_they_are_likely(
    plain_folder: Path, open_model: Callable[..., chromium.Page]
) -> None:
    page = open_model(pack(plain_folder, ("fr", "en")))
    num = 2000
    found = page.ask(
        """async (count, temperature, topP) => {
          const drawn = [];
          for (let seed = 0; seed < count; seed++) {
            const request = { text: "Le", maxTokens: 1, stopIds: [], temperature, topP, seed };
            drawn.push(...(await client.ask("generate", request)).ids);
          }
          let token;
          await client.ask("generate", { text: "Le", maxTokens: 1, stopIds: [] }, (news) => (token = news.token));
          return { drawn, token };
        }""",
        num,
        1.0,
        0.5,
    )
    held = 0.0
    for other in found["token"]["alternatives"]:
        if held >= 0.5:
            break
        held += other["p"]
    assert found["token"]["id"] == found["token"]["alternatives"][0]["id"]
    alternatives = found["token"]["alternatives"]
    total = max(held, 0.5)
    for other in alternatives[:2]:
        share = found["drawn"].count(other["id"]) / num
        expected = other["p"] / total
        assert abs(share - expected) < 5 * math.sqrt(expected / num) + 0.1 * expected


def test_an_answer_ends_at_its_end_and_not_at_the_context(
    plain_folder: Path, open_model: Callable[..., chromium.Page]
) -> None:
    page = open_model(pack(plain_folder, ("fr", "en")))
    whole = page.ask(GREEDY, [[300, 301]], 20)[0]
    ask = "(request) => client.ask('generate', request)"
    end = whole[6]
    short = page.ask(ask, {"ids": [300, 301], "stopIds": [end]})
    assert (short["ids"], short["reason"]) == (whole[: whole.index(end)], "end")
    long = page.ask(ask, {"ids": [300, 301], "stopIds": []})
    assert (len(long["ids"]), long["reason"]) == (94, "length")


def test_stop_is_heard_while_it_writes(
    make_folder: Callable[..., Path], open_model: Callable[..., chromium.Page]
) -> None:
    folder = make_folder(context_length=8000, num_attention_heads=3, num_key_value_heads=3, tie_word_embeddings=True)
    page = open_model(pack(folder, ("fr", "en")))
    result, heard = page.run(
        """let heard = 0;
        const writing = client.ask("generate", { text: "Le pain", stopIds: [] }, () => ++heard === 3 && writing.stop());
        const after = client.ask("generate", { text: "Le pain", stopIds: [], maxTokens: 3 });
        const never = client.ask("generate", { text: "Le pain", stopIds: [] });
        never.stop();
        const result = await writing;
        const told = heard;
        [[result, await after, await never], told]"""
    )
    stopped, after, never = result
    assert stopped["reason"] == never["reason"] == "stopped"
    assert 3 <= heard == len(stopped["ids"]) < 7000
    assert after["ids"] == stopped["ids"][:3]
    assert never["ids"] == []


def test_translation_keeps_lines_and_asks_for_each_sentence(
    make_folder: Callable[..., Path], open_model: Callable[..., chromium.Page]
) -> None:
    folder = make_folder(single_turn=True, num_attention_heads=3, num_key_value_heads=3, tie_word_embeddings=True)
    page = open_model(pack(folder, ("fr", "en")))
    assert page.run("client.about")["remembers"] is False
    text = " Le pain est prêt. Le four est chaud !\n\n\tEncore… et encore\n" + "mot " * 60
    found = page.ask(
        """async (text) => {
          let shown = "";
          const { pieces } = await client.ask("pieces", { text });
          const how = { to: "en", maxTokens: 5 };
          const result = await client.ask("translate", { text, ...how }, ({ token }) => (shown += token.text));
          const alone = [];
          for (const [, piece] of pieces) {
            if (piece) alone.push((await client.ask("generate", { translate: piece, ...how })).text.trim());
          }
          return { pieces, shown, result, alone };
        }""",
        text,
    )
    pieces = found["pieces"]
    assert "".join(space + piece for space, piece in pieces) == text
    assert [piece for _, piece in pieces][:3] == ["Le pain est prêt.", "Le four est chaud !", "Encore… et encore"]
    assert len(pieces) > 5
    assert found["result"]["text"].split() == " ".join(found["alone"]).split()
    assert found["shown"].split() == found["result"]["text"].split()


def test_texts_that_are_too_long_are_said_so(plain_folder: Path, open_model: Callable[..., chromium.Page]) -> None:
    page = open_model(pack(plain_folder, ("fr", "en")))
    code = "(request) => client.ask('generate', request).then(() => '', (error) => error.code)"
    assert page.ask(code, {"translate": "mot " * 200, "to": "fr"}) == "long"
    assert page.ask(code, {"ids": list(range(96))}) == "long"
    assert page.ask(code, {"text": "mot " * 200, "maxTokens": 1}) == ""
    # A conversation forgets its beginning instead.
    prompt = page.ask("(chat) => client.ask('prompt', { chat })", ["un", "deux"] * 30 + ["trois"])["ids"]
    assert 0 < len(prompt) <= 72


def test_a_model_without_a_template_says_so(
    plain_folder: Path, tmp_path: Path, open_model: Callable[..., chromium.Page]
) -> None:
    for path in plain_folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    settings = json.loads((tmp_path / "tokenizer_config.json").read_text())
    del settings["chat_template"]
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(settings))
    packed = pack(tmp_path, ("fr", "en"))
    assert not packed.chats
    assert packed.languages == ()
    page = open_model(packed)
    assert page.run("client.about.chats") is False
    assert page.run("await client.ask('generate', { chat: ['a'] }).catch((error) => error.code)") == "mute"
    assert len(page.run("await client.ask('generate', { text: 'Le', maxTokens: 3, stopIds: [] })")["ids"]) == 3
