"""Small random models, for tests of what reads and scores."""

from pathlib import Path

import torch

from fournil.parts.model.config import ModelConfig
from fournil.parts.model.folder import save as save_model
from fournil.parts.model.transformer import Llama
from fournil.parts.tokenize import choose_alphabet, count_characters, save, special_tokens, train

LINES = [
    "Le chat dort sur la chaise de la cuisine, et l'oiseau chante.",
    "The cat sleeps on the kitchen chair, and the bird sings.",
    "Question: où est le chat ?\nRéponse: sur la chaise.\n\n",
    "Bonjour, le monde ! « Où allez-vous ? » demanda-t-elle.",
]


def random_model(folder: Path, *, context: int = 96, tied: bool = False, heads: int = 4, kv_heads: int = 2) -> Path:
    """A small random Llama with a tokenizer, whose answers are far from even."""
    specials = special_tokens(["fr", "en"])
    alphabet = choose_alphabet(count_characters(LINES), vocab_size=1024, num_reserved=264, max_alphabet=80)
    tokenizer = train([LINES], alphabet=alphabet, vocab_size=1024, specials=specials)
    save(tokenizer, folder, languages=("fr", "en"))
    return random_weights(
        folder, tokenizer.get_vocab_size(), context=context, tied=tied, heads=heads, kv_heads=kv_heads
    )


def random_weights(
    folder: Path, vocab_size: int, *, context: int = 96, tied: bool = False, heads: int = 4, kv_heads: int = 2
) -> Path:
    """A small random Llama beside the tokenizer that stands in a folder."""
    config = ModelConfig(
        vocab_size=vocab_size, hidden_size=32, intermediate_size=48, num_hidden_layers=2,
        num_attention_heads=heads, num_key_value_heads=kv_heads, max_position_embeddings=context,
        tie_word_embeddings=tied, pad_token_id=3,
    )  # fmt: skip
    model = Llama(config).reset(1)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=torch.Generator().manual_seed(2)) * 0.3)
    save_model(model, folder)
    return folder
