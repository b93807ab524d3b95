import json
from dataclasses import replace

import pytest
import torch

from fournil.core.context import Context
from fournil.core.document import PAIRS, pair_row
from fournil.core.errors import FournilError
from fournil.core.files import hash_tree
from fournil.core.shards import ShardWriter
from fournil.parts.model import folder as model_folder
from fournil.parts.model.config import ModelConfig
from fournil.parts.model.transformer import Llama
from fournil.parts.tokenize.load import load
from fournil.parts.tokenize.prompts import ChatFormat, chat_template
from fournil.parts.tokenize.special import special_tokens
from fournil.parts.tokenize.train import choose_alphabet, count_characters, save, train
from fournil.stages import finetune
from fournil.stages.finetune import training
from fournil.stages.finetune.config import Band, Config, Instruction, Toward
from fournil.stages.finetune.examples import Examples, Maker
from fournil.stages.finetune.pairs import read_pairs

NOUNS = {"file": "fichier", "page": "page", "window": "fenêtre", "image": "image", "menu": "menu", "folder": "dossier"}
VERBS = {"Open": "Ouvrir", "Close": "Fermer", "Copy": "Copier", "Show": "Afficher", "Print": "Imprimer"}
TEXTS = [
    (f"{verb} the {noun}", f"{french_verb} : {french_noun}")
    for verb, french_verb in VERBS.items()
    for noun, french_noun in NOUNS.items()
]
LONG = (
    "A long sentence about a file that nobody has opened for years",
    "Une longue phrase à propos d’un fichier oublié",
)
CONFIG = Config(
    steps=24,
    batch_tokens=192,
    sort_batches=3,
    bare_share=0.4,
    instruction_share=0.3,
    validate_every=12,
    checkpoint_seconds=0,
    precision="float32",
    bands=(Band(45, 1.0), Band(120, 0.5)),
)


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def context():
    return Context(languages=("fr", "en"), seed=1, threads=1)


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    place = tmp_path_factory.mktemp("finetune")
    rows = [pair_row(f"t/{i}", {"en": en, "fr": fr}, source="t", licence="CC0-1.0") for i, (en, fr) in enumerate(TEXTS)]
    extra = [("t/long", *LONG), ("t/same", "Menu 1", "Menu 1"), ("t/again", *TEXTS[0]), ("t/endless", "a " * 99, "b")]
    rows += [pair_row(name, {"en": en, "fr": fr}, source="t", licence="CC0-1.0") for name, en, fr in extra]
    rows.append(pair_row("t/one", {"en": "Alone", "de": "Allein"}, source="t", licence="CC0-1.0"))
    for folder, part in (("pairs", rows[3:]), ("heldout/pairs", rows[:3])):
        with ShardWriter(place / "curate" / folder, PAIRS) as writer:
            writer.write_rows(part)
    texts = [text for pair in TEXTS for text in pair] + ["user", "assistant"] * 9
    alphabet = choose_alphabet(count_characters(texts), vocab_size=1024, num_reserved=264, max_alphabet=99)
    specials = special_tokens(("fr", "en"))
    tokenizer = train([texts], alphabet=alphabet, vocab_size=1024, specials=specials)
    save(tokenizer, place / "model", languages=("fr", "en"))
    config = ModelConfig(tokenizer.get_vocab_size(), 32, 64, 2, 2, max_position_embeddings=256, pad_token_id=3)
    model_folder.save(Llama(config).reset(0), place / "model")
    return {"model": place / "model", "curate": place / "curate"}


@pytest.fixture(scope="module")
def examples(inputs, context):
    return plan(inputs, context, CONFIG)


def plan(inputs, context, config):
    tokenizer = load(inputs["model"])
    pairs, _ = read_pairs(
        inputs["curate"] / "pairs",
        languages=context.languages,
        max_characters=[band.max_characters for band in config.bands],
        max_tokens=100,
        tokenizer=tokenizer,
        step="choose",
    )
    chat = ChatFormat(tokenizer, chat_template(bos=False))
    return Examples(Maker(pairs, chat), context.languages, config, context.seed)


def test_the_folder_holds_a_chat_model_and_says_what_was_refused(inputs, context, tmp_path):
    artifact = finetune.run(CONFIG, inputs, tmp_path, context)
    count = artifact.counts[0]
    assert count.refused == {"equal": 1, "one-language": 1, "too-long": 1}
    assert (count.num_in, count.num_out) == (32, 29)
    assert artifact.facts["pairs_by_length"][1]["num_pairs"] == 1
    assert set(artifact.facts["bits_per_byte"]) == {"en-fr", "fr-en"}
    assert artifact.facts["losses"][-1]["step"] == 24
    first, last = (artifact.facts["validations"][i]["bits_per_byte"] for i in (0, -1))
    assert last["en-fr"] < first["en-fr"]
    assert "template" not in json.loads((inputs["model"] / "tokenizer_config.json").read_text())
    from transformers import AutoModelForCausalLM, AutoTokenizer

    messages = [{"role": "user", "content": "Translate into French: Open the menu"}]
    expected = AutoTokenizer.from_pretrained(tmp_path).apply_chat_template(
        messages, add_generation_prompt=True, return_dict=False
    )
    assert ChatFormat.read(tmp_path).encode(messages) == expected
    assert AutoModelForCausalLM.from_pretrained(tmp_path).generation_config.eos_token_id == [5, 2]


def test_a_killed_finetuning_ends_in_the_same_bytes(inputs, context, tmp_path, monkeypatch):
    finetune.run(CONFIG, inputs, tmp_path / "whole", context)

    class Killed(Exception):
        pass

    def batch(self, step):
        if step == 15:
            raise Killed
        return original(self, step)

    original = Examples.batch
    monkeypatch.setattr(Examples, "batch", batch)
    with pytest.raises(Killed):
        finetune.run(CONFIG, inputs, tmp_path / "killed", context)
    monkeypatch.setattr(Examples, "batch", original)
    artifact = finetune.run(CONFIG, inputs, tmp_path / "killed", context)
    assert artifact.measured["resumed_at_step"] >= 10
    assert hash_tree(tmp_path / "killed")["sha256"] == hash_tree(tmp_path / "whole")["sha256"]


def test_examples_are_in_both_directions_alike_and_bounded(examples):
    seen = examples.seen()
    assert abs(seen["en-fr"] - seen["fr-en"]) <= len(examples.steps[-1])
    for step in range(CONFIG.steps):
        batch = examples.batch(step)
        assert batch.ids_BT.numel() <= CONFIG.batch_tokens
        assert len(batch.group_B) == len(batch.ids_BT)


def test_only_answers_are_learned_and_the_template_follows_the_bare_part(examples):
    tokenizer = examples.maker.chat.tokenizer
    asked = {"bare": 0, "token": 0, "words": 0}
    for step in range(CONFIG.steps):
        batch = examples.batch(step)
        for ids, targets, group in zip(batch.ids_BT, batch.targets_BT, batch.group_B, strict=True):
            answer = tokenizer.decode(targets[targets >= 0].tolist())
            text = tokenizer.decode(ids[: int((targets >= 0).nonzero()[-1]) + 1].tolist(), skip_special_tokens=False)
            french = group == "en-fr"
            known = [fr if french else en for en, fr in [*TEXTS, LONG]]
            assert answer in known
            if text.startswith("<|im_start|>user\n"):
                assert step >= 0.4 * CONFIG.steps - 3
                asked["token" if text[17:23] == f"<|{group[3:]}|>" else "words"] += 1
                assert targets[targets >= 0][-1] == 5
            else:
                assert text.startswith(f"<|{group[:2]}|>")
                assert step < 0.4 * CONFIG.steps + 3
                asked["bare"] += 1
    assert asked["words"] == pytest.approx(0.3 * (asked["words"] + asked["token"]), rel=0.5)
    assert asked["bare"]


def test_a_step_is_a_function_of_the_seed(examples, inputs, context):
    again = plan(inputs, context, CONFIG)
    other = plan(inputs, replace(context, seed=2), CONFIG)
    same = [torch.equal(examples.batch(step).ids_BT, again.batch(step).ids_BT) for step in range(CONFIG.steps)]
    differ = [examples.batch(step).ids_BT.tolist() != other.batch(step).ids_BT.tolist() for step in range(CONFIG.steps)]
    assert all(same)
    assert any(differ)


def test_weights_of_bands_decide_how_often_a_pair_is_seen(inputs, context):
    config = replace(CONFIG, steps=60, bare_share=0.0, instruction_share=0.0, bands=(Band(45, 0.5), Band(120, 2.0)))
    steps = plan(inputs, context, config).steps
    counts = {}
    for example in (example for rows in steps for example in rows):
        counts[example.ids.tobytes()] = counts.get(example.ids.tobytes(), 0) + 1
    lengths = {len(ids): num for ids, num in counts.items()}
    assert lengths[max(lengths)] > 2 * sorted(counts.values())[len(counts) // 2]


def test_a_direction_can_be_seen_more_often(inputs, context):
    config = replace(CONFIG, steps=60, instruction_share=0.0, toward=(Toward("en", 2.0),))
    seen = plan(inputs, context, config).seen()
    assert 1.6 < seen["fr-en"] / seen["en-fr"] < 2.4


def test_settings_that_make_no_sense_are_refused(inputs, context, tmp_path):
    for config, message in (
        (replace(CONFIG, bands=(Band(45), Band(20))), "must ascend"),
        (replace(CONFIG, instructions=(Instruction("fr", "Traduis"),)), "no {text}"),
        (replace(CONFIG, instructions=(Instruction("de", "Übersetze: {text}"),)), "'de' is none of the recipe's"),
        (replace(CONFIG, bands=(Band(2),)), "no pairs"),
        (replace(CONFIG, toward=(Toward("de", 2.0),)), "nothing is translated into 'de'"),
        (replace(CONFIG, bands=(Band(45, 0.0),)), "no example"),
    ):
        with pytest.raises(FournilError, match=message):
            finetune.run(config, inputs, tmp_path, context)


def test_no_pairs_at_all_are_said(inputs, context, tmp_path):
    with ShardWriter(tmp_path / "curate" / "pairs", PAIRS):
        pass
    with pytest.raises(FournilError, match=r"no pairs to learn from \[finetune\]. Give sources with translations"):
        finetune.run(CONFIG, {**inputs, "curate": tmp_path / "curate"}, tmp_path / "out", context)
    assert not (tmp_path / "out" / "model.safetensors").exists()


def test_a_model_that_cannot_be_read_is_named(inputs, context, tmp_path):
    for path in inputs["model"].iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "model.safetensors").write_bytes(b"no weights")
    with pytest.raises(FournilError, match=r"broken safetensors .*model.safetensors\]. Fetch the file again"):
        finetune.run(CONFIG, {**inputs, "model": tmp_path}, tmp_path / "out", context)


def test_plain_words_that_nobody_wrote_may_lie_idle():
    """Those that are there unasked are for French and English; a recipe of other languages is none the worse."""
    training._check(CONFIG, ("en", "de"))
