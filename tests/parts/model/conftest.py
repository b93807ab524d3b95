import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from fournil.parts.model.config import ModelConfig
from fournil.parts.model.folder import save as save_model
from fournil.parts.model.transformer import Llama
from fournil.parts.tokenize import choose_alphabet, count_characters, save, special_tokens, train
from fournil.parts.tokenize.prompts import chat_template

LINES = ["Le chat dort sur la chaise de la cuisine.", "The cat sleeps on the kitchen chair.", "Bonjour, le monde !"]


@pytest.fixture(scope="session")
def whole_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small random model that chats, whole: copies of it are broken."""
    folder = tmp_path_factory.mktemp("whole")
    specials = special_tokens(["fr", "en"])
    alphabet = choose_alphabet(count_characters(LINES), vocab_size=1024, num_reserved=264, max_alphabet=60)
    tokenizer = train([LINES], alphabet=alphabet, vocab_size=1024, specials=specials)
    save(tokenizer, folder, languages=("fr", "en"))
    path = folder / "tokenizer_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"chat_template": chat_template(bos=False)}))
    config = ModelConfig(
        vocab_size=tokenizer.get_vocab_size(), hidden_size=16, intermediate_size=24, num_hidden_layers=2,
        num_attention_heads=2, num_key_value_heads=1, max_position_embeddings=64, pad_token_id=3,
    )  # fmt: skip
    model = Llama(config).reset(1)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=torch.Generator().manual_seed(2)) * 0.1)
    save_model(model, folder)
    return folder


@pytest.fixture
def copy_of(whole_model: Path, tmp_path: Path) -> Callable[[], Path]:
    """Makes a copy of the whole model, to be broken."""

    def make() -> Path:
        folder = tmp_path / "model"
        folder.mkdir()
        for path in whole_model.iterdir():
            (folder / path.name).write_bytes(path.read_bytes())
        return folder

    return make
