"""Settings outside their bounds: each is refused when the recipe is read, before anything runs."""

# ruff: noqa: E501 - a table: one row a line

from pathlib import Path

import pytest

from fournil.core.errors import EXIT_USAGE, FournilError
from fournil.recipe import read_recipe, stage_config

BAD_SETTINGS = [
    ("curate.max_text_bytes=-1", "curate: max_text_bytes is -1, it must be 0 or more"),
    ("curate.duplicates.threshold=0.0", "curate.duplicates: threshold is 0.0, it must be from 0.3 to 1.0"),
    ("curate.heldout.share=1.5", "curate.heldout: share is 1.5, it must be from 0.0 to 1.0"),
    ("curate.language.min_confidence=2.0", "curate.language: min_confidence is 2.0, it must be from 0.0 to 1.0"),
    ("curate.quality.bounds.max_top_ngrams=[0.2]", "curate.quality.bounds: max_top_ngrams has 3 bounds, for 2 to 4 words, and max_duplicate_ngrams 6, for 5 to 10"),
    ("curate.pairs.max_length_ratio=0.5", "curate.pairs: max_length_ratio is 0.5, it must be 1.0 or more"),
    ("tokenizer.vocab_size=1000000000", "tokenizer: vocab_size is 1000000000, it must be from 1 to 1048576"),
    ("tokenizer.pair_share=-0.1", "tokenizer: pair_share is -0.1, it must be from 0.0 to 1.0"),
    ("pretrain.phase=[]", "pretrain: there is no phase of training"),
    ("pretrain.model.num_hidden_layers=0", "pretrain.model: num_hidden_layers is 0, it must be from 1 to 4096"),
    ("pretrain.model.head_dim=0", "pretrain.model: head_dim is 0, it must be from 2 to 65536"),
    ("pretrain.optimizer.beta2=1.0", "pretrain.optimizer: beta2 is 1.0, it must be from 0.0 to 0.999999"),
    ("pretrain.optimizer.momentum=1.0", "pretrain.optimizer: momentum is 1.0, it must be from 0.0 to 0.999999"),
    ('pretrain.precision="fp16"', "pretrain.precision: Input should be 'auto', 'float32' or 'bfloat16', not 'fp16'"),
    ('pretrain.compile="maybe"', "pretrain.compile: Input should be 'on', 'off' or 'auto', not 'maybe'"),
    ('pretrain.save_dtype="int8"', "pretrain.save_dtype: Input should be 'float32' or 'bfloat16', not 'int8'"),
    ('pretrain.parallel.strategy="both"', "pretrain.parallel.strategy: Input should be 'auto', 'ddp' or 'fsdp', not 'both'"),
    ('pretrain.optimizer.matrices="sgd"', "pretrain.optimizer.matrices: Input should be 'muon' or 'adamw', not 'sgd'"),
    ('pretrain.optimizer={matrices="adamw",momentum=0.9}', 'pretrain.optimizer: momentum is set, but matrices is not "muon"'),
    ("pretrain={phase=[{steps=1}],max_pair_tokens=9}", "pretrain: max_pair_tokens is set, but no phase has a share of pairs (parallel)"),
    ('pretrain.phase=[{steps=1,decay_shape="wsd"}]', "pretrain.phase[0].decay_shape: Input should be 'linear' or 'cosine', not 'wsd'"),
    ("pretrain.micro_batch_rows=-1", "pretrain: micro_batch_rows is -1, it must be 0 or more"),
    ("pretrain.log_every=0", "pretrain: log_every is 0, it must be 1 or more"),
    ("finetune=[{momentum=1.0}]", "finetune[0]: momentum is 1.0, it must be from 0.0 to 0.999999"),
    ('finetune=[{toward=[{to="en",weight=2.0},{to="en",weight=1.5}]}]', "finetune[0]: toward 'en' is named twice"),
    ("evaluate.num_beams=0", "evaluate: num_beams is 0, it must be from 1 to 256"),
    ("evaluate.temperature=-1.0", "evaluate: temperature is -1.0, it must be 0.0 or more"),
    ("export.check_tokens=0", "export: check_tokens is 0, it must be from 1 to 10000"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "message"), BAD_SETTINGS, ids=[change for change, _ in BAD_SETTINGS])
def test_each_is_refused_with_its_place(change: str, message: str, repository: Path) -> None:
    with pytest.raises(FournilError) as caught:
        read_recipe(repository / "recipes" / "mie.toml", [change])
    assert (caught.value.what, caught.value.code) == (message, EXIT_USAGE)


@pytest.mark.parametrize("stage", ["curate", "tokenizer", "pretrain", "finetune", "evaluate", "export"])
def test_what_is_set_by_default_lies_within(stage: str) -> None:
    stage_config(stage)()
