import json
from types import SimpleNamespace

import pytest

from fournil.parts.model.engine import DEFAULT_WINDOW, _window


@pytest.mark.parametrize(
    ("settings", "longest", "window"),
    [
        ({"max_position_embeddings": 512}, 64, 512),
        ({"n_positions": 256, "max_position_embeddings": 512}, None, 256),
        ({"text_config": SimpleNamespace(n_ctx=128), "max_position_embeddings": 512}, None, 128),
        ({}, 4096, 4096),
        ({}, 1e30, DEFAULT_WINDOW),
        ({}, None, DEFAULT_WINDOW),
    ],
)
def test_a_window_is_looked_for_where_the_reference_looks(tmp_path, settings, longest, window):
    if longest is not None:
        (tmp_path / "tokenizer_config.json").write_text(json.dumps({"model_max_length": longest}))
    assert _window(SimpleNamespace(**settings), tmp_path) == window
