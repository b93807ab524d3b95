import io
import json
import shutil
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from fournil.apps.chat import chat_command, translate_command
from fournil.apps.chat.commands import _greeting
from fournil.apps.chat.conversation import Continuation, Conversation
from fournil.apps.chat.translating import Translator
from fournil.core.errors import FournilError
from fournil.core.files import write_json
from fournil.core.ledger import append
from fournil.core.record import Record
from fournil.parts.model import folder as folders
from fournil.parts.model.config import ModelConfig
from fournil.parts.model.engine import open_model
from fournil.parts.model.generate import Sampling
from fournil.parts.model.resolve import model_folder
from fournil.parts.model.transformer import Llama
from fournil.parts.tokenize.prompts import chat_template
from fournil.parts.tokenize.special import special_tokens
from fournil.parts.tokenize.train import choose_alphabet, count_characters, save, train

TEXTS = ["Le fichier existe déjà.", "The file already exists.", "user", "assistant"] * 5
HUB_NAME = "boulanger/tiny-chat"


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A model of random weights, which writes nonsense of its own."""
    folder = tmp_path_factory.mktemp("model")
    specials = special_tokens(("fr", "en"))
    alphabet = choose_alphabet(count_characters(TEXTS), vocab_size=1024, num_reserved=264, max_alphabet=99)
    tokenizer = train([TEXTS], alphabet=alphabet, vocab_size=1024, specials=specials)
    save(tokenizer, folder, languages=("fr", "en"))
    settings = json.loads((folder / "tokenizer_config.json").read_text())
    write_json(folder / "tokenizer_config.json", settings | {"chat_template": chat_template(bos=False)})
    config = ModelConfig(tokenizer.get_vocab_size(), 16, 32, 1, 2, max_position_embeddings=64, pad_token_id=3)
    llama = Llama(config).reset(0)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in llama.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator))
    folders.save(llama, folder)
    return folder


class Echo:
    """Stands for a model: one token a character, and its translation is what it was asked, in capitals."""

    def __init__(self, context_length, *, single_turn=True):
        self.context_length = context_length
        self.asked = []
        self.tokenizer = self.chat = self
        self.single_turn = single_turn
        self.specials, self.stop_ids = ["<|fr|>", "<|en|>", "<|im_end|>"], {0}

    def language_token(self, language):
        return f"<|{language}|>" if language in ("fr", "en") else None

    def encode(self, messages):
        return [1, *map(ord, messages[-1]["content"])]

    def candidates(self, prompts, *, stop_ids, max_new_tokens, num_beams):
        assert all(len(prompt) < self.context_length for prompt in prompts)
        assert all(limit > 0 for limit in max_new_tokens)
        self.asked += ["".join(map(chr, prompt[1:])) for prompt in prompts]
        return [[(0.0, prompt[1:])] for prompt in prompts]

    def decode_batch(self, ids, *, skip_special_tokens):
        return ["".join(map(chr, row)).upper() for row in ids]


def test_lines_stay_lines_and_sentences_are_asked_one_by_one():
    echo = Echo(120)
    lines = ["  one is here. Two is there!  And 3. items", "", "\tindented", "   "]
    assert Translator(echo, "fr").translate(lines) == [
        "  ONE IS HERE. TWO IS THERE!  AND 3. ITEMS",
        "",
        "\tINDENTED",
        "   ",
    ]
    assert echo.asked == ["one is here.", "Two is there!", "And 3. items", "indented"]
    chatty = Echo(120, single_turn=False)
    Translator(chatty, "fr").translate(["One. Two. Three."])
    assert chatty.asked == ["One. Two. Three."]


@given(st.text(alphabet="ab .!\u00a0\t", max_size=80), st.integers(9, 60), st.booleans())
def test_nothing_is_lost_and_everything_fits(line, context_length, single_turn):
    echo = Echo(context_length, single_turn=single_turn)
    assert Translator(echo, "en").translate([line]) == [line.upper()]
    assert all(len(piece) < context_length // 2 and piece.strip() for piece in echo.asked)


def test_a_language_that_the_model_does_not_know_is_refused():
    with pytest.raises(FournilError, match="It knows en and fr"):
        Translator(Echo(99), "de")


def test_a_pipe_of_lines_gets_a_line_for_each(model):
    sink = io.StringIO()
    assert translate_command(str(model), "fr", stdin=io.StringIO("The file\n\nThe file\n"), stdout=sink) == 0
    lines = sink.getvalue().split("\n")
    assert (len(lines), lines[1], lines[3]) == (4, "", "")
    assert lines[0] == lines[2] != ""
    again = io.StringIO()
    translate_command(str(model), "fr", "The file", stdout=again)
    assert again.getvalue() == lines[0] + "\n"


def test_chat_without_a_terminal_answers_each_line(model):
    sink = io.StringIO()
    chat_command(
        str(model), stdin=io.StringIO("Le fichier\n\nLe fichier\n"), stdout=sink, max_new_tokens=5, temperature=0
    )
    assert sink.getvalue().count("\n") >= 2
    seeded = [io.StringIO() for _ in range(3)]
    for seed, target in zip((1, 1, 2), seeded, strict=True):
        chat_command(
            str(model), stdin=io.StringIO("Le fichier\n"), stdout=target, max_new_tokens=9, temperature=2.0, seed=seed
        )
    assert seeded[0].getvalue() == seeded[1].getvalue() != seeded[2].getvalue()
    with pytest.raises(FournilError, match="at least one token"):
        chat_command(str(model), max_new_tokens=0)


@pytest.fixture(scope="module")
def base(model, tmp_path_factory):
    """The same model without its chat template."""
    folder = tmp_path_factory.mktemp("base") / "04-pretrain"
    shutil.copytree(model, folder)
    settings = json.loads((folder / "tokenizer_config.json").read_text())
    write_json(folder / "tokenizer_config.json", {key: settings[key] for key in settings if key != "chat_template"})
    return folder


def test_a_base_model_goes_on_with_each_text(base):
    sink = io.StringIO()
    texts = io.StringIO("Le fichier\nLe fichier\nThe file\n")
    assert chat_command(str(base), stdin=texts, stdout=sink, max_new_tokens=5, temperature=0) == 0
    engine = open_model(base)
    prompts = [[engine.start_id, *engine.tokenizer.encode(text).ids] for text in ("Le fichier", "The file")]
    written = engine.generate(prompts, stop_ids=engine.stop_ids, max_new_tokens=5)
    one, other = (engine.tokenizer.decode(ids) for ids in written)
    assert sink.getvalue() == f"{one}\n{one}\n{other}\n"


def test_of_a_text_that_does_not_fit_a_base_model_goes_on_with_the_end(base):
    engine, asked = open_model(base), []
    stream = engine.stream
    engine.stream = lambda prompt, **how: asked.append((prompt, how["max_new_tokens"])) or stream(prompt, **how)
    talk = Continuation(engine, Sampling(), max_new_tokens=8)
    text = "The file already exists. " * 60
    for message in (text, f"user {text}", "user"):
        list(talk.answer(message))
    (long, room), longer, (short, _) = asked
    assert (long, room) == longer
    assert (len(long), room) == (64 - 8, 8)
    assert long[1:] == engine.tokenizer.encode(text).ids[-55:]
    assert short == [engine.start_id, *engine.tokenizer.encode("user").ids]


def test_a_base_model_greets_as_what_it_is(base, model):
    assert "it goes on with what is typed" in _greeting("m", open_model(base))
    assert "goes on" not in _greeting("m", open_model(model))


def test_a_base_model_that_shall_translate_is_named_with_what_to_do(base):
    with pytest.raises(FournilError, match=r"was not taught to translate.*\[\[finetune\]\].*fournil chat ") as raised:
        translate_command(str(base), "fr", "The file")
    assert str(raised.value).endswith(f"fournil chat {base}")


def test_a_conversation_remembers_what_fits(model):
    talk = Conversation(open_model(model), Sampling(), max_new_tokens=4)
    said = ["".join(talk.answer("The file")) for _ in range(5)]
    assert [turn["role"] for turn in talk.turns] == ["user", "assistant"] * (len(talk.turns) // 2)
    assert 2 <= len(talk.turns) < 10
    assert said[-1] == talk.turns[-1]["content"]
    talk.forget()
    assert "".join(talk.answer("The file")) == said[0]
    with pytest.raises(FournilError, match="the model reads 64"):
        list(talk.answer("file " * 80))


def test_a_name_is_a_run_a_folder_or_a_model_of_the_hub(model, tmp_path):
    assert model_folder(model) == model
    run = tmp_path / "run"
    for stage, name, folder in (
        ("pretrain", "pretrain", "04-pretrain"),
        ("finetune", "zebra", "05-finetune/zebra"),
        ("finetune", "apple", "05-finetune/apple"),
        ("evaluate", "evaluate", "06-evaluate"),
    ):
        (run / folder).mkdir(parents=True)
        write_json(run / folder / "config.json", {})
        outputs = {"sha256": "", "bytes": 0, "files": {}}
        append(run, Record(stage=stage, name=name, format=1, inputs={}, config={}, outputs=outputs))
    assert model_folder(run) == run / "05-finetune/apple"  # the last one trained
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("")
    for wrong, message in (("empty", "no run"), ("file", "a file"), ("nowhere", "no such folder")):
        with pytest.raises(FournilError, match=message):
            model_folder(tmp_path / wrong)


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """A cache in the hub's layout, and no network."""
    from huggingface_hub import constants

    cache = tmp_path / "hub"
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(cache))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    snapshot = cache / f"models--{HUB_NAME.replace('/', '--')}" / "snapshots" / ("a" * 40)
    snapshot.mkdir(parents=True)
    refs = snapshot.parent.parent / "refs"
    refs.mkdir()
    (refs / "main").write_text("a" * 40)
    return snapshot


def test_a_model_of_the_hub_is_used_from_its_cache(model, hub):
    for path in model.iterdir():
        (hub / path.name).write_bytes(path.read_bytes())
    write_json(hub / "generation_config.json", {"eos_token_id": 9})  # wrong, as in CroissantLLMChat
    assert model_folder(HUB_NAME) == hub
    engine = open_model(hub)
    assert engine.chat.stop_ids == {2, 5}
    sink = io.StringIO()
    assert chat_command(HUB_NAME, stdin=io.StringIO("Le fichier\n"), stdout=sink, max_new_tokens=3, seed=1) == 0


def test_pickled_weights_are_refused_and_a_hub_out_of_reach_is_said(model, hub):
    write_json(hub / "config.json", json.loads((model / "config.json").read_text()))
    (hub / "pytorch_model.bin").write_bytes(b"pickle")
    with pytest.raises(FournilError, match="no safetensors"):
        model_folder(HUB_NAME)
    (hub / "tokenizer.json").write_bytes((model / "tokenizer.json").read_bytes())
    with pytest.raises(FournilError, match="pickled"):
        open_model(hub)
    with pytest.raises(FournilError, match="hub cannot be reached"):
        model_folder("nobody/nothing")


def test_another_architecture_chats_through_transformers(model, tmp_path):
    from transformers import GPT2Config, GPT2LMHeadModel

    for path in model.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    vocabulary = folders.read_config(model).vocab_size
    (tmp_path / "model.safetensors").unlink()
    theirs = GPT2LMHeadModel(GPT2Config(vocab_size=vocabulary, n_positions=64, n_embd=16, n_layer=1, n_head=2)).eval()
    theirs.save_pretrained(tmp_path)
    engine = open_model(tmp_path)
    assert engine.kind == "transformers"
    prompt = engine.chat.encode([{"role": "user", "content": "Le fichier"}])
    ids = list(engine.stream(prompt, stop_ids=(), max_new_tokens=6))
    whole = torch.tensor([[*prompt, *ids]])
    with torch.no_grad():
        expected = theirs(whole).logits[0, len(prompt) - 1 : -1].argmax(dim=-1).tolist()
    assert ids == expected
    assert engine.generate([prompt], stop_ids=(), max_new_tokens=6) == [ids]


def test_models_with_program_code_of_their_own_are_not_run(model, tmp_path):
    for path in model.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    write_json(tmp_path / "config.json", {"model_type": "x", "auto_map": {"AutoModel": "evil.Model"}})
    with pytest.raises(FournilError, match="program code"):
        open_model(tmp_path)
    with pytest.raises(FournilError, match="no model here"):
        open_model(Path(tmp_path / "nowhere"))


@pytest.mark.parametrize("command", [chat_command, lambda model, **more: translate_command(model, "fr", **more)])
def test_bytes_that_are_no_text_are_said_with_their_line(command, model):
    lines = io.TextIOWrapper(io.BytesIO(b"The file\n\xff\xfe\0binary\n"), encoding="utf-8", errors="surrogateescape")
    with pytest.raises(FournilError) as caught:
        command(model, stdin=lines, stdout=io.StringIO())
    assert str(caught.value) == ("line 2 is no UTF-8 text [standard input]. Convert it first: iconv -f latin1 -t utf-8")


def test_half_a_character_on_the_command_line_is_said(model):
    with pytest.raises(FournilError, match="a text holds halves of characters. Give text in UTF-8"):
        translate_command(model, "fr", "caf\udce9", stdout=io.StringIO())


def test_a_word_of_any_length_is_cut_without_being_read_whole_again_and_again():
    engine = Echo(120)
    read = []
    engine.encode, plain = lambda messages: read.append(len(messages[-1]["content"])) or plain(messages), engine.encode
    pieces = Translator(engine, "fr")._split("a" * 100_000)
    assert "".join(piece for piece, _ in pieces) == "a" * 100_000
    assert max(read) <= 120 * 64


@pytest.mark.parametrize("text", ["", " ", "\n\n", "\0", "\u200b"])
def test_nothing_to_say_is_answered_with_as_many_lines(model, text):
    out = io.StringIO()
    assert translate_command(model, "fr", text, stdout=out) == 0
    assert out.getvalue().count("\n") == text.count("\n") + 1
