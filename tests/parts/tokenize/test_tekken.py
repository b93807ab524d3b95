import json
from importlib import resources
from pathlib import Path

import pytest
from tokenizers import Tokenizer

from fournil.core.errors import FournilError
from fournil.parts.tokenize import decode_batch, encode_batch, load

NASTY = [
    "",
    " deux  espaces ",
    "L’été, aujourd'hui : «\u00a0Qu’est-ce\u202f?\u00a0» 12\u00a0345,67\u00a0€",
    "😀👩\u200d👩\u200d👧 ñ 漢字 e\u0301",
    "\r\n\tif (x) {\r\n\n\n    return x;\n",
    "anticonstitutionnellement" * 20 + "É" * 50,
    "<s></s>[INST]",
]


def vocabulary(name: str) -> Path:
    return Path(str(resources.files("mistral_common") / "data" / name))


@pytest.fixture(scope="module")
def tekken() -> Tokenizer:
    return load(vocabulary("tekken_240718.json"))


def test_ids_are_those_of_mistrals_own_library(tekken: Tokenizer, mie_texts: list[str]) -> None:
    from mistral_common.tokens.tokenizers.tekken import Tekkenizer

    theirs = Tekkenizer.from_file(vocabulary("tekken_240718.json"))
    texts = [*NASTY, *mie_texts]
    found = encode_batch(tekken, texts, parse_special=False)
    assert [row.tolist() for row in found] == [theirs.encode(text, bos=False, eos=False) for text in texts]
    assert decode_batch(tekken, found) == texts
    assert (tekken.get_vocab_size(), tekken.token_to_id("</s>")) == (131_072, 2)


def test_named_special_tokens_have_their_ids(tmp_path: Path) -> None:
    content = json.loads(vocabulary("tekken_240911.json").read_text(encoding="utf-8"))
    content["config"] |= {"default_vocab_size": 260, "default_num_special_tokens": 4}
    content["special_tokens"] = [{"rank": 2, "token_str": "<end>", "is_control": True}]
    (tmp_path / "tekken.json").write_text(json.dumps(content))
    tokenizer = load(tmp_path)  # a folder that holds nothing else
    assert [tokenizer.id_to_token(number) for number in range(4)] == [
        "<SPECIAL_0>",
        "<SPECIAL_1>",
        "<end>",
        "<SPECIAL_3>",
    ]
    (ids,) = encode_batch(tokenizer, ["é"], parse_special=False)
    assert ids.tolist() == [4 + 0xC3, 4 + 0xA9]


@pytest.mark.parametrize("content", ["{", "[]", '{"config": {}}', '{"config": {"default_vocab_size": 9}, "vocab": 3}'])
def test_a_file_that_is_none_is_refused(content: str, tmp_path: Path) -> None:
    (tmp_path / "tekken.json").write_text(content)
    with pytest.raises(FournilError, match="cannot be read as a tokenizer"):
        load(tmp_path / "tekken.json")
