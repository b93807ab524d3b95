"""One browser for all tests, and small models of every shape that the page's engine computes."""

import base64
import hashlib
import json
from collections.abc import Callable, Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import chromium
import pytest
import torch
from tokenizers import Tokenizer
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedModel, Qwen3Config, Qwen3ForCausalLM

from fournil.parts.tokenize import choose_alphabet, count_characters, save, special_tokens, train
from fournil.parts.tokenize.prompts import TEMPLATE
from fournil.stages.report.markup import Html, join, tag
from fournil.stages.report.model.embed import POLICY, blocks, script
from fournil.stages.report.model.pack import Packed

LANGUAGES = ("fr", "en")
VOCABULARY = 1030
"""Six ids more than the tokenizer has, and no multiple of four."""

SHAPES: dict[str, dict[str, Any]] = {
    "heads of their own, tied": {"num_attention_heads": 3, "num_key_value_heads": 3, "tie_word_embeddings": True},
    "shared heads, untied": {"num_attention_heads": 4, "num_key_value_heads": 2, "tie_word_embeddings": False},
    "one key, tied, stretched": {
        "num_attention_heads": 4,
        "num_key_value_heads": 1,
        "tie_word_embeddings": True,
        "rope_parameters": {
            "rope_type": "llama3",
            "rope_theta": 500.0,
            "factor": 4.0,
            "low_freq_factor": 1.0,
            "high_freq_factor": 4.0,
            "original_max_position_embeddings": 32,
        },
    },
    "normalised queries, shared, untied": {
        "qwen": True,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "tie_word_embeddings": False,
    },
    "normalised queries, tied": {
        "qwen": True,
        "num_attention_heads": 2,
        "num_key_value_heads": 2,
        "tie_word_embeddings": True,
    },
}


@pytest.fixture(scope="session")
def browser() -> Iterator[chromium.Chromium]:
    path = chromium.find()
    if path is None:
        pytest.skip("needs Chromium")
    with chromium.Chromium(path) as found:
        yield found


@pytest.fixture(scope="session")
def mie_texts() -> dict[str, str]:
    """The text that ships in the package, by language."""
    root = resources.files("fournil.data") / "mie"
    return {
        language: "\n\n".join(
            path.read_text(encoding="utf-8")
            for path in sorted((root / language).iterdir(), key=lambda path: path.name)
            if path.name.endswith(".txt")
        )
        for language in LANGUAGES
    }


@pytest.fixture(scope="session")
def tokenizer(mie_texts: dict[str, str]) -> Tokenizer:
    texts = list(mie_texts.values())
    specials = special_tokens(LANGUAGES)
    alphabet = choose_alphabet(
        count_characters(texts), vocab_size=1024, num_reserved=len(specials) + 256, max_alphabet=400
    )
    return train([texts], alphabet=alphabet, vocab_size=1024, specials=specials)


@pytest.fixture(scope="session")
def make_folder(tokenizer: Tokenizer, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    def make(context_length: int = 96, single_turn: bool = False, **shape: Any) -> Path:
        """A Hugging Face folder of a random model."""
        folder = tmp_path_factory.mktemp("model")
        random_model(context_length, **shape).save_pretrained(folder)
        save(tokenizer, folder, languages=LANGUAGES, context_length=context_length)
        settings = json.loads((folder / "tokenizer_config.json").read_text())
        settings |= {"chat_template": TEMPLATE} | ({"single_turn": True} if single_turn else {})
        (folder / "tokenizer_config.json").write_text(json.dumps(settings))
        return folder

    return make


def random_model(context_length: int, *, qwen: bool = False, **shape: Any) -> PreTrainedModel:
    Config, Model = (Qwen3Config, Qwen3ForCausalLM) if qwen else (LlamaConfig, LlamaForCausalLM)
    shape = {"hidden_size": 48, "intermediate_size": 70, "num_hidden_layers": 2, "head_dim": 14} | shape
    config = Config(vocab_size=VOCABULARY, max_position_embeddings=context_length, eos_token_id=None, **shape)
    generator = torch.Generator().manual_seed(len(json.dumps(shape)))
    model = Model(config)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if weight.ndim == 1:
                weight.uniform_(0.5, 1.5, generator=generator)
            else:
                weight.normal_(0.0, 1.5 / weight.shape[1] ** 0.5, generator=generator)
            assert weight.isfinite().all(), name
    return model.eval()


@pytest.fixture(scope="session", params=SHAPES, ids=str)
def folder(request: pytest.FixtureRequest, make_folder: Callable[..., Path]) -> Path:
    """A model of each shape."""
    return make_folder(**SHAPES[request.param])


@pytest.fixture(scope="session")
def plain_folder(make_folder: Callable[..., Path]) -> Path:
    return make_folder(num_attention_heads=3, num_key_value_heads=3, tie_word_embeddings=True)


@pytest.fixture
def write_page(tmp_path: Path) -> Callable[..., Path]:
    def write(packed: Packed, change: Callable[[str], str] = str, name: str = "page.html") -> Path:
        """A page that carries a model and nothing else, under the policy of the report's page."""
        client = script("client.js")
        policy = f"default-src 'none'; script-src {_digest(client)}; {POLICY}"
        head = tag(
            "head", tag("meta", charset="utf-8"), tag("meta", http_equiv="Content-Security-Policy", content=policy)
        )
        body = tag("body", tag("p", "Bonjour."), join([blocks(packed), tag("script", Html(client))]))
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(change(f"<!DOCTYPE html>{tag('html', head, body)}"), encoding="utf-8")
        return path

    return write


@pytest.fixture(scope="session")
def digest() -> Callable[[str], str]:
    """How a policy names a script or a style."""
    return _digest


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


LOAD = """
globalThis.client = await ModelClient.load(
  document.getElementById("model-engine"), document.getElementById("model-weights"));
client.about
"""


@pytest.fixture
def open_model(browser: chromium.Chromium, write_page: Callable[..., Path]) -> Iterator[Callable[..., chromium.Page]]:
    pages: list[chromium.Page] = []

    def open_it(packed: Packed) -> chromium.Page:
        """A page whose model is loaded, under the name `client`."""
        page = browser.page(write_page(packed, name=f"{len(pages)}.html").as_uri())
        pages.append(page)
        page.run(LOAD)
        return page

    yield open_it
    for page in pages:
        page.close()
