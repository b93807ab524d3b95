import json
from collections.abc import Callable
from importlib import resources
from pathlib import Path

import pytest
import torch

from fournil.parts.model.config import ModelConfig
from fournil.parts.model.folder import save as save_model
from fournil.parts.model.transformer import Llama
from fournil.parts.tokenize import choose_alphabet, count_characters, save, special_tokens, train
from fournil.parts.tokenize.prompts import chat_template


@pytest.fixture(scope="session")
def mie_lines() -> list[str]:
    """Every line of the text that ships in the package."""
    root = resources.files("fournil.data") / "mie"
    paths = [path for name in ("fr", "en", "code") for path in (root / name).iterdir()]
    texts = [path.read_text(encoding="utf-8") for path in paths if path.name.endswith((".txt", ".py"))]
    return sorted({line for text in texts for line in text.splitlines()})


@pytest.fixture(scope="session")
def make_model(mie_lines: list[str], tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Makes small random models with a real tokenizer; their logits are spread like those of a trained one."""
    specials = special_tokens(["fr", "en"])
    counts = count_characters(mie_lines)
    alphabet = choose_alphabet(counts, vocab_size=1024, num_reserved=264, max_alphabet=400)
    tokenizer = train([mie_lines], alphabet=alphabet, vocab_size=1024, specials=specials)

    def make(
        *,
        tied: bool = False,
        chat: bool = False,
        vocab_size: int = 1024,
        intermediate_size: int = 96,
        qk_norm: bool = False,
    ) -> Path:
        folder = tmp_path_factory.mktemp("model")
        config = ModelConfig(
            vocab_size=vocab_size,
            hidden_size=64,
            intermediate_size=intermediate_size,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
            tie_word_embeddings=tied,
            pad_token_id=3,
            qk_norm=qk_norm,
        )
        model = Llama(config)
        generator = torch.Generator().manual_seed(1)
        with torch.no_grad():
            for parameter in model.parameters():
                noise = torch.randn(parameter.shape, generator=generator)
                parameter.copy_(noise * 0.3 if parameter.ndim > 1 else 1 + noise * 0.1)
        save_model(model, folder)
        save(tokenizer, folder, languages=("fr", "en"))
        if chat:
            path = folder / "tokenizer_config.json"
            path.write_text(json.dumps(json.loads(path.read_text()) | {"chat_template": chat_template(bos=False)}))
        return folder

    return make
