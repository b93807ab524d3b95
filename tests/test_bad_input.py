"""What a person may type or hand over by mistake or by malice, at the command line: one line each, and which.

`CASES` is the table that docs/bad-input.md shows; `python tests/test_bad_input.py` prints it. The stages' own tables
(tests/stages/sources/test_bad_input.py and others) go deeper into files that are refused row by row.
"""

# ruff: noqa: E501 - a message is a line

import gzip
import io
import json
import lzma
import os
import re
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fournil import cli
from fournil.core.ledger import FILE_NAME
from fournil.core.speech import speak

PAGE = Path(__file__).resolve().parent.parent / "docs" / "bad-input.md"
BEGIN, END = "<!-- table: python tests/test_bad_input.py -->", "<!-- end of the table -->"

HEAD = '[recipe]\nname = "essai"\n'
FRENCH = "Le boulanger pétrit la pâte, la laisse lever près du four, puis enfourne les pains ronds.\n"
MAX_SEED = 2**63 - 1


@dataclass(frozen=True)
class Case:
    """One mistake."""

    what: str
    message: str
    """All of standard error, without `fournil: ` and the line's end."""
    command: str = "bake r.toml"
    files: dict[str, str | bytes] = field(default_factory=dict)
    code: int = 2
    left: tuple[str, ...] = ()
    """What the command may leave: a run folder, in which nothing has a final name."""
    model: Callable[[Path], object] | None = None
    """Spoils `m`, a model folder; the case needs one."""


def recipe(what: str, text: str | bytes, message: str, *changes: str, **more) -> Case:
    """A mistake in a recipe."""
    command = " ".join(["bake r.toml", *(f"--set {change}" for change in changes)])
    return Case(what, message, command, {"r.toml": text}, **more)


def setting(what: str, text: str, message: str) -> Case:
    """A mistake in a recipe's settings."""
    return recipe(what, f"{HEAD}{text}\n", message)


def given(what: str, name: str, data: str | bytes, message: str, *, code: int = 1, more: str = "") -> Case:
    """A mistake in a file that is given to a stage alone."""
    command = f"curate {name} --language fr --licence CC0-1.0 -o out{more}"
    left = () if code == 2 else ("out",)
    return Case(what, message, command, {name: data} if data else {}, code, left)


def nothing(file: str, rule: str) -> str:
    """What is said when the only file was refused."""
    return (
        f"there is nothing to curate: the only text was refused ({rule} 1) [out/01-sources/refused]. "
        f"Ask for its story: fournil why out {file}"
    )


def parquet(**columns: list) -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.table(columns), out)
    return out.getvalue()


def spoil_weights(model: Path) -> None:
    from safetensors.torch import load_file, save_file

    tensors = load_file(model / "model.safetensors")
    tensors["model.norm.weight"][0] = float("nan")
    save_file(tensors, model / "model.safetensors", {"format": "pt"})


def spoil_config(model: Path) -> None:
    config = json.loads((model / "config.json").read_text())
    (model / "config.json").write_text(json.dumps(config | {"vocab_size": 999}))


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:1000])


RECIPES_LIE = "Recipes that ship with Fournil lie in recipes/ (mie.toml, petit.toml)."
NAMES = "Use at most 64 lower-case letters, digits and hyphens."
RECIPES = [
    Case("a recipe that is not there", f"no such recipe [nowhere.toml]. {RECIPES_LIE}", "bake nowhere.toml"),
    Case("a folder for a recipe", "this is a folder, no recipe [r]. Name the .toml file in it.", "bake r", {"r/x": ""}),
    recipe("an empty recipe", "", "recipe.name is missing [r.toml]"),
    recipe(
        "no TOML",
        "[recipe\n",
        "not valid TOML: Expected ']' at the end of a table declaration (at line 1, column 8) [r.toml]. "
        "See https://toml.io.",
    ),
    recipe(
        "tables in tables in tables, without an end",
        "a = " + "[" * 50_000,
        "not valid TOML: nested too deeply [r.toml]. See https://toml.io.",
    ),
    recipe(
        "a recipe in UTF-16",
        HEAD.encode("utf-16"),
        "this recipe cannot be read as UTF-8 text [r.toml]. Save it as UTF-8.",
    ),
    recipe(
        "a recipe in Latin-1",
        f'{HEAD}title = "crème"\n'.encode("latin-1"),
        "this recipe cannot be read as UTF-8 text [r.toml]. Save it as UTF-8.",
    ),
    recipe("a recipe with a NUL", f"{HEAD}\0", "this is no text [r.toml]. Name a .toml file."),
    recipe(
        "two megabytes",
        "#" * 2_000_000,
        "this is too large for a recipe [r.toml]. Name a .toml file; recipes have a few kilobytes.",
    ),
    setting("an unknown section", "[curat]", "unknown section [curat] [r.toml]. Did you mean [curate]?"),
    setting(
        "an unknown section like no other",
        "[oven]",
        "unknown section [oven] [r.toml]. Sections: recipe, sources, curate, tokenizer, pretrain, finetune, evaluate, "
        "export, report, plan.",
    ),
    setting(
        "an unknown setting",
        "[curate.heldout]\nshar = 0.1",
        "unknown setting curate.heldout.shar [r.toml]. Did you mean curate.heldout.share?",
    ),
    setting(
        "an unknown setting in the second of several",
        '[[finetune]]\n[[finetune]]\nname = "b"\nstep = 1',
        "unknown setting finetune[1].step [r.toml]. Did you mean finetune[1].steps?",
    ),
    setting(
        "a word for a whole number",
        "[tokenizer]\nvocab_size = 'many'",
        "tokenizer.vocab_size must be a whole number, not 'many' [r.toml]",
    ),
    setting(
        "a fraction for a whole number",
        "[tokenizer]\nvocab_size = 1.5",
        "tokenizer.vocab_size must be a whole number, not 1.5 [r.toml]",
    ),
    setting(
        "a word for a number",
        "[curate.heldout]\nshare = 'all'",
        "curate.heldout.share must be a number, not 'all' [r.toml]",
    ),
    setting("a number for yes or no", "[export]\ncheck = 1", "export.check must be true or false, not 1 [r.toml]"),
    setting("a number for text", "[export]\nlicence = 1", "export.licence must be text in quotes, not 1 [r.toml]"),
    setting("text for an array", "[export]\ngguf = 'f16'", "export.gguf must be an array [ … ], not 'f16' [r.toml]"),
    setting(
        "a number for a table", "[curate]\nheldout = 3", "curate.heldout must be a table [curate.heldout] [r.toml]"
    ),
    setting(
        "a table for an array of tables",
        "[pretrain.phase]\nsteps = 1",
        "pretrain.phase must be an array of tables [[pretrain.phase]] [r.toml]",
    ),
    setting("a section that can repeat", "[finetune]", "section finetune must be written [[finetune]] [r.toml]"),
    setting(
        "tables of a section that can repeat, without its head",
        "[[finetune.bands]]\nmax_characters = 40",
        "section finetune must be written [[finetune]] [r.toml]. Write a line [[finetune]] above [[finetune.bands]].",
    ),
    setting("a section that cannot", "[[curate]]", "section curate must be written [curate] [r.toml]"),
    setting("NaN", "[curate.heldout]\nshare = nan", "curate.heldout.share must be a finite number, not nan [r.toml]"),
    setting(
        "a date",
        "[export]\nlicence = 2024-02-01",
        "export.licence holds a value of a type that no setting has [r.toml]. Dates are written in quotes.",
    ),
    setting(
        "a number beyond all bounds",
        "[tokenizer]\nvocab_size = 99999999999999999999",
        "tokenizer.vocab_size is a number beyond 64 bits [r.toml]",
    ),
    setting("a seed below 0", "seed = -1", f"recipe.seed must lie between 0 and {MAX_SEED}, not be -1 [r.toml]"),
    setting("a language twice", 'languages = ["fr", "fr"]', "recipe.languages must name each language once [r.toml]"),
    setting(
        "a stage that is none", 'stages = ["curat"]', "recipe.stages: no stage 'curat' [r.toml]. Did you mean 'curate'?"
    ),
    setting("no stage", "stages = []", "recipe.stages names no stage [r.toml]. Leave it out to run all."),
    recipe("a name that climbs out", '[recipe]\nname = "../x"\n', f"recipe.name cannot be '../x' [r.toml]. {NAMES}"),
    setting(
        "a model's name that climbs out",
        '[[finetune]]\nname = "../x"',
        f"finetune[0].name cannot be '../x' [r.toml]. {NAMES}",
    ),
    setting(
        "two models of one name",
        '[[finetune]]\nname = "a"\n[[finetune]]\nname = "a"',
        "two models are called 'a' [finetune.a]. Give each [[finetune]] a name of its own.",
    ),
    setting(
        "the pretrained model's name",
        '[[finetune]]\nname = "base"',
        "a finetuned model cannot be called 'base': the pretrained one is [finetune.base]. Give it another name.",
    ),
    setting(
        "a model that no stage makes",
        '[evaluate]\nmodel = "nope"',
        "no model 'nope' [evaluate.model]. Models before this stage: base; or name a folder in the Hugging Face layout.",
    ),
    Case(
        "recipes in a circle",
        "recipes extend each other in a circle [r.toml]",
        "bake r.toml",
        {"r.toml": f'{HEAD}extends = "s.toml"\n', "s.toml": f'{HEAD}extends = "r.toml"\n'},
    ),
    setting("a base that is not there", 'extends = "s.toml"', f"no such recipe [s.toml]. {RECIPES_LIE}"),
    recipe(
        "--set of an unknown setting",
        HEAD,
        "unknown setting tokenizer.vocab [r.toml]. Did you mean tokenizer.vocab_size?",
        "tokenizer.vocab=3",
    ),
    recipe(
        "--set without a value",
        HEAD,
        "cannot read the setting 'tokenizer'. Write --set SECTION.KEY=VALUE.",
        "tokenizer",
    ),
    recipe(
        "--set beyond an array",
        f"{HEAD}[[finetune]]\n",
        "no such table: finetune[7].steps. Indexes go from 0 to 0.",
        "finetune[7].steps=1",
    ),
    recipe(
        "a source that the catalogue does not have",
        f'{HEAD}[sources]\nuse = ["debian-manpages-f"]\n',
        "no source 'debian-manpages-f' in the catalogue [sources.use]. Did you mean 'debian-manpages-fr'?",
    ),
]
COMMANDS = [
    Case("a stage without a recipe", "pretrain needs a recipe. Try: fournil pretrain --recipe recipes/mie.toml", "pretrain"),
    Case("files without a place for the result", "curate on files needs a folder for its result. Add -o FOLDER.", "curate"),
    Case(
        "no files",
        "curate needs files or --recipe. Try: fournil curate *.parquet --language fr -o clean/",
        "curate -o out",
    ),
    Case("a file for a run folder", "this is a file, no run folder [out]. Choose another with --run.", "curate a.txt -o out", {"a.txt": FRENCH, "out": "x"}, 1),
    Case("text without its language", "cannot read --text 'fr'. Write --text TAG=FILE, such as --text fr=page.txt.", "evaluate . --text fr -o out"),
    Case("text that is not there", "no such file [absent.txt]", "evaluate . --text fr=absent.txt -o out"),
    Case("a run that is none", "this is no run: it has no ledger [nowhere]. Name a folder that `fournil bake` made, such as runs/petit.", "show nowhere", code=1),
    Case("a model that is not there", "no such folder [nowhere]. Give a run, a model folder, or a name on the hub such as owner/name.", "translate nowhere --to fr Hello", code=1),
    Case("a tokenizer that is not there", "no such tokenizer [nowhere]. Give a folder or a tokenizer.json or .model file.", "tokenizer audit nowhere --text fr=a.txt", {"a.txt": FRENCH}, 1),
]  # fmt: skip
FILES = [
    given("a file that is not there", "a.txt", "", "no file matches 'a.txt' [sources.files, files]. Check the path.", code=2),
    Case("a folder for a file", "a folder, not a file [scans]. Name its files, as in scans/**/*.txt", "curate scans --language fr -o out", {"scans/a.txt": FRENCH}),
    given("an empty file", "a.txt", b"\n", nothing("files/a.txt", "empty")),
    given("a binary file", "a.txt", bytes(range(256)) * 40, nothing("files/a.txt", "encoding")),
    given("an unknown kind of file", "a.docx", FRENCH, nothing("files/a.docx", "format")),
    given("a gzip that is cut", "a.txt.gz", gzip.compress(FRENCH.encode() * 1000)[:60], nothing("files/a.txt.gz", "damaged")),
    given("an xz that is cut", "a.txt.xz", lzma.compress(FRENCH.encode() * 1000)[:60], nothing("files/a.txt.xz", "damaged")),
    given("300 MB of one letter in a gzip of 300 KB", "a.txt.gz", gzip.compress(b"a" * 300_000_000, 1), nothing("files/a.txt.gz", "too-large")),
    given("a Parquet file that is cut", "a.parquet", parquet(text=[FRENCH] * 9)[:200], "no readable parquet file: Parquet magic bytes not found in footer. Either the file is corrupted or this is not a parquet file [a.parquet]. Fetch it again"),
    given("a table without a text", "a.parquet", parquet(words=[FRENCH]), "no field called en or fr or text [a.parquet]. Name the one with the text; there are: words"),
    given("a licence that is none", "a.txt", FRENCH, "unknown SPDX licence 'CC-BY-99' [files.licence]. See https://spdx.org/licenses/.", code=2, more=" --licence CC-BY-99"),
    given("a name that is no UTF-8", os.fsdecode(b"caf\xe9.txt"), FRENCH, "sources.files[0].paths[0] is no UTF-8 text: caf�.txt [the command line]. Give the file a name in UTF-8.", code=2),
]  # fmt: skip
AGAIN = "Fetch the file again."
PICKLED = "weights are pickled (pytorch_model.bin): reading them would run whatever they contain [m]. Convert them where you trust them: AutoModelForCausalLM.from_pretrained(FOLDER).save_pretrained(NEW_FOLDER) in transformers writes safetensors."
TRANSLATE = "translate m --to fr Hello"
MODELS = [
    Case("a model without its tokenizer", "no tokenizer in this folder [m]. It must hold tokenizer.json or tokenizer.model.", TRANSLATE, code=1, model=lambda m: (m / "tokenizer.json").unlink()),
    Case("a model without its weights", "no model.safetensors [m]. Give a Hugging Face model folder.", TRANSLATE, code=1, model=lambda m: (m / "model.safetensors").unlink()),
    Case("pickled weights", PICKLED, TRANSLATE, code=1, model=lambda m: (m / "model.safetensors").rename(m / "pytorch_model.bin")),
    Case("pickled weights, to be exported", PICKLED, "export m -o out", code=1, left=("out",), model=lambda m: (m / "model.safetensors").rename(m / "pytorch_model.bin")),
    Case("weights that are cut", f"broken safetensors (Error while deserializing header: invalid header length) [m/model.safetensors]. {AGAIN}", TRANSLATE, code=1, model=lambda m: cut(m / "model.safetensors")),
    Case("weights with NaN", "model.norm.weight holds NaN or an infinity [m/model.safetensors]. Take the weights from elsewhere.", TRANSLATE, code=1, model=spoil_weights),
    Case("a vocabulary that is not the model's", "the tokenizer has ids up to 1,023, the model 999 rows [m]. Give the tokenizer that the model was trained with.", TRANSLATE, code=1, model=spoil_config),
    Case("a configuration that is no JSON", f"this is no JSON (Expecting property name enclosed in double quotes: line 1 column 2 (char 1)) [m/config.json]. {AGAIN}", TRANSLATE, code=1, model=lambda m: (m / "config.json").write_text("{")),
    Case("a tokenizer that is none", "this file cannot be read as a tokenizer (Model missing. at line 1 column 2) [m/tokenizer.json]. Give a Hugging Face tokenizer.json or a SentencePiece .model file.", TRANSLATE, code=1, model=lambda m: (m / "tokenizer.json").write_text("{}")),
    Case("a language that the model does not know", "this model does not translate into 'de' [--to]. It knows en and fr.", "translate m --to de Hello", model=lambda _: None),
    Case("a model that is no run", "this is no run: it has no ledger [m]. Name a folder that `fournil bake` made, such as runs/petit.", "show m", code=1, model=lambda _: None),
]  # fmt: skip
CASES = {"Recipes": RECIPES, "The command line": COMMANDS, "Files": FILES, "Models": MODELS}


@pytest.mark.parametrize("case", [case for cases in CASES.values() for case in cases], ids=lambda case: case.what)
def test_it_gets_one_line_and_leaves_nothing(case, capsys, tmp_path, monkeypatch, request):
    monkeypatch.chdir(tmp_path)
    for name, data in case.files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data.encode() if isinstance(data, str) else data)
    if case.model is not None:
        shutil.copytree(request.getfixturevalue("mie") / "07-export" / "huggingface", tmp_path / "m")
        case.model(tmp_path / "m")
    before = sorted(path.name for path in tmp_path.iterdir())
    quiet = [] if case.command.split()[0] in ("show", "translate") else ["--quiet"]
    code = cli.main([*case.command.split(), *quiet])
    said = capsys.readouterr()
    assert said.err.replace(f"{tmp_path}/", "") == f"fournil: {case.message}\n"
    assert code == case.code
    assert said.out == ""
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted({*before, *case.left})
    check_nothing_half_made([tmp_path / name for name in case.left])


def check_nothing_half_made(places: list[Path]) -> None:
    """In a run folder that was left, what has a final name has its record, and the ledger names it."""
    for run in (path for place in places for path in (place, *place.glob("*")) if (path / ".lock").exists()):
        for folder in run.glob("[0-9]*"):
            assert (folder / "record.json").is_file()
            assert folder.name.split("-")[1] in (run / FILE_NAME).read_text()
        assert not list(run.glob(".tmp-*"))


def table() -> str:
    """The cases as Markdown."""
    lines = []
    for title, cases in CASES.items():
        lines += [f"## {title}", "", "| what | as typed | message | exit code |", "|---|---|---|---|"]
        for case in cases:
            cells = (case.what, f"`{_plain(_typed(case))}`", f"`{_plain(case.message)}`", str(case.code))
            lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
        lines.append("")
    return "\n".join(lines)


def _typed(case: Case) -> str:
    """The line of the recipe that is wrong where there is one, else the command."""
    text = case.files.get("r.toml")
    if case.command != "bake r.toml" or not isinstance(text, str) or "\0" in text:
        return case.command
    line = " ⏎ ".join(text.removeprefix(HEAD).strip().splitlines())
    return line if 0 < len(line) < 90 else case.command


def _plain(text: str) -> str:
    return re.sub("[\ud800-\udfff]", "�", text).replace("`", "'")


def test_the_page_shows_the_table():
    page = PAGE.read_text("utf-8")
    assert page[page.index(BEGIN) + len(BEGIN) : page.index(END)].strip() == table().strip()


if __name__ == "__main__":
    speak("en")
    sys.stdout.write(table())
