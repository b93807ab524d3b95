"""Our engine against lm_eval's own `hf`, request by request, on each kind of task and tokenizer."""

import json
import random
from pathlib import Path

import pytest
import torch
from datasets import Dataset
from lm_eval.api.instance import Instance
from lm_eval.api.task import ConfigurableTask
from lm_eval.evaluator import evaluate
from lm_eval.models.huggingface import HFLM
from random_models import LINES, random_model, random_weights
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import AutoTokenizer

from fournil.core.errors import FournilError
from fournil.parts.harness.lm import FournilLM
from fournil.parts.tokenize.prompts import chat_template

CONTEXT = 400
SHOTS = 3
TEXT = (
    "le la l'eau d'été « Où » ; chat oiseau chaise cuisine déjà vu ? parce qu’il œuvre ça là-bas 1 789 % cœur "
    'the cat\'s kitchen chair, already why because work (there) "here" hundred bread every morning'
)
WORDS = TEXT.split()


def words(dice: random.Random, least: int, most: int) -> str:
    return " ".join(dice.choices(WORDS, k=dice.randint(least, most)))


def choice_items(seed: int, num: int, *, least: int = 3, most: int = 12) -> list[dict]:
    dice = random.Random(seed)
    return [
        {
            "question": words(dice, least, most), "choices": [words(dice, 3, 9) for _ in range(4)],
            "gold": dice.randrange(4), "answer": words(dice, 1, 4),
        }
        for _ in range(num)
    ]  # fmt: skip


def task(name: str, *, test: list[dict] | None = None, **settings) -> ConfigurableTask:
    """A task of lm_eval's whose data are made here, with the fields of FrenchBench's."""
    documents = {"train": choice_items(1, 8), "test": choice_items(2, 7) if test is None else test}
    splits = {split: Dataset.from_list(found) for split, found in documents.items()}
    found = ConfigurableTask(
        config={
            "task": name, "dataset_path": name, "custom_dataset": lambda **_: splits, "test_split": "test",
            "fewshot_split": "train", "doc_to_text": "Question: {{question}}\nRéponse:", **settings,
        }
    )  # fmt: skip
    found.set_fewshot_seed(1234)
    return found


CHOICES = {"output_type": "multiple_choice", "doc_to_target": "gold", "doc_to_choice": "{{choices}}"}
LETTERS = CHOICES | {
    "doc_to_text": "{{question}}\nA. {{choices[0]}} \nB. {{choices[1]}}\n\nRéponse:",
    "doc_to_choice": ["A", "B", "C", "D"],
}
FIRST = {"num_fewshot": SHOTS, "fewshot_config": {"sampler": "first_n"}, "description": "Répond au mieux."}
LONG = choice_items(3, 4, least=250, most=400)
TASKS = {
    "long choices": lambda: task("long", **CHOICES, num_fewshot=0),
    "fixed examples": lambda: task("fixed", **CHOICES, **FIRST),
    "drawn examples": lambda: task("drawn", **CHOICES, num_fewshot=SHOTS),
    "letters": lambda: task("letters", **LETTERS, **FIRST),
    "a context that ends in a line break": lambda: task(
        "break", **CHOICES | {"doc_to_text": "La phrase est correcte:\n\n"}, **FIRST
    ),
    "a context that ends in spaces": lambda: task(
        "spaces", **CHOICES | {"doc_to_text": "{{question}}  "}, num_fewshot=0, target_delimiter=""
    ),
    "no context": lambda: task("none", **CHOICES | {"doc_to_text": ""}, num_fewshot=0, target_delimiter=""),
    "longer than the window": lambda: task("cut", test=LONG, **CHOICES, num_fewshot=SHOTS),
    "a text": lambda: task(
        "text", test=[{"text": words(random.Random(n), 1 + 50 * n, 70 * (n + 1))} for n in range(9)],
        output_type="loglikelihood_rolling", doc_to_text="",
        doc_to_target="{{text}}", num_fewshot=0, metric_list=[{"metric": "bits_per_byte"}],
    ),
    "an answer": lambda: task(
        "answer", output_type="generate_until", doc_to_target="{{answer}}", **FIRST,
        generation_kwargs={"until": ["\n", "e"], "max_gen_toks": 24}, metric_list=[{"metric": "exact_match"}],
    ),
    "an answer to what is longer than the window": lambda: task(
        "long answer", test=LONG, output_type="generate_until", doc_to_target="{{answer}}",
        num_fewshot=0, generation_kwargs={"until": "\n\n", "max_gen_toks": 9, "do_sample": False, "temperature": 0.0},
        metric_list=[{"metric": "exact_match"}],
    ),
}  # fmt: skip


def plain_tokenizer(folder: Path, *, bos: bool, across: bool) -> int:
    """Save a byte-level tokenizer, with a BOS before every text, or one that merges across spaces and line breaks."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=not across)
    tokenizer.decoder = decoders.ByteLevel()
    specials = [AddedToken(token, special=True) for token in ("<unk>", "<s>", "</s>")]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=420, special_tokens=specials, initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(
        [*LINES, " ".join(WORDS), "Réponse: le chat\n\nQuestion: la chaise\nRéponse: A"], trainer
    )
    if bos:
        tokenizer.post_processor = processors.TemplateProcessing(
            single="<s> $A", pair="<s> $A $B", special_tokens=[("<s>", tokenizer.token_to_id("<s>"))]
        )
    tokenizer.save(str(folder / "tokenizer.json"))
    settings = {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "</s>"} | (
        {"bos_token": "<s>"} if bos else {}
    )
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    return tokenizer.get_vocab_size()


@pytest.fixture(scope="module", params=["ours", "BOS", "merges across line breaks"])
def models_of(request, tmp_path_factory) -> tuple[FournilLM, HFLM]:
    folder = tmp_path_factory.mktemp("model")
    if request.param == "ours":
        random_model(folder, context=CONTEXT)
    else:
        bos = request.param == "BOS"
        random_weights(folder, plain_tokenizer(folder, bos=bos, across=not bos), context=CONTEXT, tied=bos)
    torch.set_num_threads(1)
    ours = FournilLM(str(folder), device="cpu", threads=1, batch_size=5)
    return ours, HFLM(pretrained=str(folder), device="cpu", dtype="float32", batch_size=3)


def close(mine: float, theirs: float) -> bool:
    return abs(mine - theirs) <= max(1e-4, 1e-6 * abs(theirs))


def tied(sample: dict) -> bool:
    """Whether an item's two best choices are nearer to each other than what counts as equal."""
    best = sorted((value for value, _ in sample["filtered_resps"]), reverse=True)[:2]
    return close(*best)


@pytest.mark.parametrize("name", TASKS)
def test_every_request_gets_the_reference_s_answer(models_of, name):
    found = []
    for model in models_of:
        made = TASKS[name]()
        results = evaluate(model, {made.config.task: made}, bootstrap_iters=0, log_samples=True)
        scores = {k: v for k, v in results["results"][made.config.task].items() if isinstance(v, float)}
        found.append((results["samples"][made.config.task], scores))
    (mine, my_scores), (theirs, their_scores) = found
    assert len(mine) == len(theirs) > 3
    ties = 0
    for one, other in zip(mine, theirs, strict=True):
        assert one["arguments"] == other["arguments"]
        for answer, wanted in zip(one["resps"], other["resps"], strict=True):
            (answer,), (wanted,) = answer, wanted
            if isinstance(wanted, str):
                assert answer == wanted
            elif isinstance(wanted, float):
                assert close(answer, wanted)
            else:
                assert close(answer[0], wanted[0])
                assert answer[1] == wanted[1]
        ties += isinstance(one["filtered_resps"][0], tuple) and tied(other)
    assert my_scores
    if not ties:
        assert my_scores == pytest.approx(their_scores, rel=1e-5)
    assert ties <= 1


def test_the_tasks_are_what_their_names_say(models_of):
    """Else equality would be shown of nothing: cut contexts, borders that move, more than one window, some stops."""
    ours, theirs = models_of

    def notes(name: str) -> list:
        made = TASKS[name]()
        made.build_all_requests()
        getattr(ours, made.instances[0].request_type)(made.instances)
        return ours.notes

    assert not any(note.truncated for note in notes("fixed examples"))
    assert any(note.truncated for note in notes("longer than the window"))
    assert any(note.truncated for note in notes("an answer to what is longer than the window"))
    texts = TASKS["a text"]()
    texts.build_all_requests()
    assert max(len(theirs.tok_encode(one.args[0])) for one in texts.instances) > 1.5 * CONTEXT
    if theirs.tokenizer.bos_token is None:
        assert any(note.uneven for note in notes("drawn examples"))
        assert not all(note.uneven for note in notes("drawn examples"))


def requests(kind: str, arguments: list[tuple]) -> list[Instance]:
    return [Instance(kind, {}, argument, 0) for argument in arguments]


def test_scores_do_not_depend_on_what_they_are_asked_with(models_of):
    ours, _ = models_of
    made = TASKS["drawn examples"]()
    made.build_all_requests()
    whole = ours.loglikelihood(made.instances)
    backwards = ours.loglikelihood(made.instances[::-1])[::-1]
    alone = [ours.loglikelihood([one])[0] for one in made.instances]
    for value, *others in zip(whole, backwards, alone, strict=True):
        for other in others:
            assert other[0] == pytest.approx(value[0], abs=2e-5)
            assert other[1] == value[1]


def test_sampled_repeats_differ_and_come_again(models_of):
    ours, _ = models_of
    settings = {"do_sample": True, "temperature": 1.5, "max_gen_toks": 12, "until": []}
    wanted = requests("generate_until", [("Question: le chat", settings)] * 4)
    first = ours.generate_until(wanted)
    assert len(set(first)) > 1
    assert ours.generate_until(wanted) == first


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"num_beams": 4}, "num_beams=4"),
        ({"repetition_penalty": 1.2}, "repetition_penalty=1.2"),
        ({"do_sample": True, "temperature": 1.0, "top_k": 5}, "top_k=5"),
        ({"do_sample": True}, "temperature 0"),
    ],
)
def test_a_way_to_write_that_we_do_not_have_is_refused(models_of, settings, said):
    ours, _ = models_of
    with pytest.raises(FournilError, match=said):
        ours.generate_until(requests("generate_until", [("Le chat", settings)]))


def test_settings_that_change_nothing_are_taken(models_of):
    ours, _ = models_of
    plain = {"max_gen_toks": 5, "until": ["\n"]}
    idle = {"num_beams": 1, "repetition_penalty": 1.0, "top_k": 50, "do_sample": False, "temperature": 0.7}
    first, second = ours.generate_until(requests("generate_until", [("Le chat", plain), ("Le chat", plain | idle)]))
    assert first == second != ""


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({}, "no model is named"),
        ({"pretrained": "nowhere"}, "no such folder"),
        ({"pretrained": "x", "precision": "int8"}, "does not calculate in int8"),
        ({"pretrained": "x", "dtyp": "float32"}, "Did you mean dtype"),
        ({"pretrained": "x", "trust_remote_code": True}, "no setting 'trust_remote_code'"),
    ],
)
def test_a_model_that_cannot_be_opened_is_one_line(arguments, said):
    with pytest.raises(FournilError, match=said):
        FournilLM(**arguments)


def test_whoever_listens_is_told_what_is_finished(models_of, capsys):
    ours, _ = models_of
    made = TASKS["long choices"]()
    made.build_all_requests()
    capsys.readouterr()
    told: list[int] = []
    ours.advance = told.append
    try:
        ours.loglikelihood(made.instances)
    finally:
        ours.advance = None
    assert sum(told) == len(made.instances)
    assert capsys.readouterr().err == ""


CHAT = [{"role": "user", "content": "Où est le chat ?"}, {"role": "assistant", "content": "Sur la chaise, "}]


def test_chats_are_written_as_transformers_writes_them(tmp_path):
    random_model(tmp_path)
    path = tmp_path / "tokenizer_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"chat_template": chat_template(bos=False)}))
    ours, theirs = FournilLM(str(tmp_path)), AutoTokenizer.from_pretrained(tmp_path)
    assert ours.apply_chat_template(CHAT[:1]) == theirs.apply_chat_template(
        CHAT[:1], tokenize=False, add_generation_prompt=True
    )
    begun = ours.apply_chat_template(CHAT, add_generation_prompt=False)
    assert begun == theirs.apply_chat_template(CHAT, tokenize=False, continue_final_message=True)
    assert begun.endswith("Sur la chaise, ")
    assert ours.chat_template(True) == chat_template(bos=False)
    assert ours.chat_template(False) is None
    assert len(ours.tokenizer_name) == len("fournil-") + 16


def test_a_system_message_that_the_template_refuses_is_left_out(tmp_path):
    random_model(tmp_path)
    path = tmp_path / "tokenizer_config.json"
    strict = (
        "{% for message in messages %}{% if message['role'] == 'system' %}{{ raise_exception('no system') }}{% endif %}"
        "[{{ message['content'] }}]{% endfor %}"
    )
    path.write_text(json.dumps(json.loads(path.read_text()) | {"chat_template": strict}))
    system = {"role": "system", "content": "Sois bref."}
    assert FournilLM(str(tmp_path)).apply_chat_template([system, CHAT[0]]) == "[Où est le chat ?]"


def test_a_model_without_a_chat_template_says_so(models_of):
    ours, _ = models_of
    with pytest.raises(FournilError, match="no chat template"):
        ours.apply_chat_template(CHAT[:1])
    assert ours.chat_template(True) is None
