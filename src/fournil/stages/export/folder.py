"""The Hugging Face folder: the model's own files, the right end ids, the chat template, a model card."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fournil.core.files import atomic_path, write_json, write_text
from fournil.parts.model.folder import INDEX, WEIGHTS, check, weight_files
from fournil.parts.tokenize import EOS_ID, load
from fournil.parts.tokenize.load import refuse_beyond_rows
from fournil.parts.tokenize.prompts import ChatFormat
from fournil.parts.tokenize.special import EOS
from fournil.stages.export.config import Config

_COPIED = ("config.json", "tokenizer.json", "tokenizer.model", "tokenizer_config.json", "special_tokens_map.json")


def write_folder(model: Path, folder: Path, config: Config, licence: str, languages: Sequence[str]) -> dict[str, Any]:
    """Write the folder.

    Returns:
        Facts: name, licence, num_parameters, vocab_size, context_length, eos_ids, whether it chats.

    Raises:
        FournilError: When the model has no weights, pickled ones, or such as do not fit its configuration or tokenizer.
    """
    shape = check(model)  # what is broken is refused before anything is written
    refuse_beyond_rows(load(model), shape.vocab_size, model)
    weights = [path.name for path in weight_files(model)]
    for path in sorted(model.iterdir()):
        if path.name in (*_COPIED, *weights) or (path.name == INDEX and weights != [WEIGHTS]):
            with atomic_path(folder / path.name) as temporary:
                shutil.copyfile(path, temporary)
    chat = ChatFormat.read(model)
    if chat is not None:
        # Older programs look for it in the configuration, newer ones beside it.
        write_text(folder / "chat_template.jinja", chat.template)
        settings = _read(model / "tokenizer_config.json")
        write_json(folder / "tokenizer_config.json", settings | {"chat_template": chat.template})
    eos_ids = end_ids(model, chat)
    generation = _read(model / "generation_config.json")
    generation |= {"eos_token_id": eos_ids if len(eos_ids) > 1 else eos_ids[0]}
    # A max_length here makes transformers warn at every call that gives max_new_tokens, as all do.
    generation.pop("max_length", None)
    generation["max_new_tokens"] = shape.max_position_embeddings // 2
    write_json(folder / "generation_config.json", generation)
    facts = {
        "name": config.name,
        "licence": licence,
        "num_parameters": shape.num_parameters(),
        "vocab_size": shape.vocab_size,
        "context_length": shape.max_position_embeddings,
        "eos_ids": eos_ids,
        "chat": chat is not None,
    }
    family = {"mistral": "Mistral", "qwen3": "Qwen3"}.get(_read(model / "config.json").get("model_type", ""), "Llama")
    write_text(folder / "README.md", model_card(config, facts, languages, family))
    return facts


def end_ids(model: Path, chat: ChatFormat | None) -> list[int]:
    """The ids that end what the model writes: the end of the text, and in a chat the end of the turn.

    A generation_config without the second one makes a chat model run on after its answer.
    """
    if chat is not None:
        return sorted(chat.stop_ids)
    found = load(model).token_to_id(EOS)
    return [EOS_ID if found is None else found]


def model_card(config: Config, facts: dict[str, Any], languages: Sequence[str], family: str = "Llama") -> str:
    """README.md with the front matter that the Hugging Face hub reads."""
    head = ["---", "language:", *(f"- {language}" for language in languages)]
    head += [f"license: {hub_licence(facts['licence'])}", "library_name: transformers", "pipeline_tag: text-generation"]
    head += ["tags:", "- fournil", "- bilingual", "---", ""]
    parts = [f"# {config.name}", ""]
    if config.description:
        parts += [config.description.strip(), ""]
    kind = "It answers in chats" if facts["chat"] else "It continues text"
    parts += [
        f"A {family} of {facts['num_parameters']:,} parameters for {' and '.join(languages)}, made with Fournil. "
        f"{kind}; its vocabulary has {facts['vocab_size']:,} tokens, its context {facts['context_length']:,}.",
        "",
        f"Licence of the weights: {facts['licence'] or 'none was stated'}.",
        "",
        "```python",
        "from transformers import AutoModelForCausalLM, AutoTokenizer",
        "",
        'tokenizer = AutoTokenizer.from_pretrained(".")',
        'model = AutoModelForCausalLM.from_pretrained(".")',
    ]
    if facts["chat"]:
        parts += [
            'chat = [{"role": "user", "content": "Bonjour !"}]',
            "inputs = tokenizer.apply_chat_template(",
            '    chat, add_generation_prompt=True, return_tensors="pt", return_dict=True',
            ")",
        ]
    else:
        parts += ['inputs = tokenizer("Le pain", return_tensors="pt")']
    parts += [
        "ids = model.generate(**inputs, max_new_tokens=40)",
        'print(tokenizer.decode(ids[0, inputs["input_ids"].shape[1]:], skip_special_tokens=True))',
        "```",
        "",
    ]
    return "\n".join([*head, *parts])


def hub_licence(licence: str) -> str:
    """The hub's name for a licence: SPDX in lower case where it is a single one, else `other`, or `unknown`."""
    if not licence:
        return "unknown"
    return licence.lower() if " " not in licence and not licence.startswith("LicenseRef") else "other"


def _read(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
