"""The sizes that are compared, and the batches that they learn from."""

from dataclasses import dataclass

from fournil.parts.model.config import ModelConfig


@dataclass(frozen=True)
class Case:
    """A model and a batch."""

    model: ModelConfig
    rows: int
    """Of a batch."""
    length: int
    """Tokens of a row."""
    micro_rows: tuple[int, ...]
    """Rows that go through a model at a time: the sizes that are tried."""

    @property
    def tokens(self) -> int:
        """Of a step."""
        return self.rows * self.length


def _llama(vocabulary: int, width: int, feed: int, layers: int, heads: int, positions: int) -> ModelConfig:
    return ModelConfig(vocabulary, width, feed, layers, heads, max_position_embeddings=positions)


CPU = {
    "5M": Case(_llama(4096, 256, 704, 4, 4, 256), 8, 256, (8, 2)),
    "60M": Case(_llama(32_000, 512, 2048, 6, 8, 512), 4, 512, (4, 1)),
}
"""60M is the smallest size of CroissantLLM (57.9 million parameters)."""

GPU = {
    "58M": Case(_llama(32_000, 512, 2048, 6, 8, 2048), 64, 2048, (64, 32, 16)),
    "268M": Case(_llama(32_000, 1024, 4128, 12, 8, 2048), 64, 2048, (32, 16, 8)),
    "440M": Case(_llama(32_000, 1536, 4128, 12, 12, 2048), 64, 2048, (32, 16, 8)),
    "1.3B": Case(_llama(32_000, 2048, 5504, 24, 16, 2048), 64, 2048, (32, 16, 8)),
}
"""CroissantLLM's sizes."""

TINY = Case(_llama(1024, 32, 64, 2, 2, 32), 4, 32, (4,))
"""For tests."""

ALL = {**CPU, **GPU, "tiny": TINY}
