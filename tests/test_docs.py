"""The docs say what the code does: generated pages are current, links lead somewhere, commands and recipes are read."""

import dataclasses
import importlib.util
import re
import shlex
import tomllib
from pathlib import Path

import pytest

from fournil import cli
from fournil.core import settings
from fournil.core.errors import FournilError
from fournil.flow import STAGES, folder_of
from fournil.recipe import SECTIONS, check_recipe, stage_config
from fournil.stages.evaluate.sets.spec import check_spec

REPOSITORY = Path(__file__).resolve().parent.parent
DOCS = REPOSITORY / "docs"
GENERATED = "python docs/reference.py writes it again"


def pages() -> dict[Path, str]:
    found = [*REPOSITORY.glob("*.md"), *DOCS.rglob("*.md")]
    return {path: path.read_text("utf-8") for path in sorted(found)}


def writer(name: str):
    spec = importlib.util.spec_from_file_location(name, DOCS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def reference():
    return writer("reference")


def stale(made: dict[str, str], folder: Path) -> list[str]:
    return [name for name, text in made.items() if (folder / name).read_text("utf-8") != text]


def test_the_reference_of_settings_and_verbs_is_current(reference):
    assert stale(reference.pages(), DOCS) == [], GENERATED


def test_a_reference_that_is_not_current_is_seen(reference, tmp_path):
    made = reference.pages()
    for name, text in made.items():
        (tmp_path / name).write_text(text, "utf-8")
    assert stale(made, tmp_path) == []
    (tmp_path / "cli.md").write_text(made["cli.md"].replace("--quiet", "--silent"), "utf-8")
    assert stale(made, tmp_path) == ["cli.md"]


def test_the_page_of_bad_input_shows_the_tables_of_the_tests():
    bad_input = writer("bad_input")
    page = bad_input.page()
    assert bad_input.PAGE.read_text("utf-8") == page, "python docs/bad_input.py writes it again"
    assert all(row.given in page for row in bad_input.load("parts/model/test_bad_folders.py").BAD_FOLDERS)


def test_every_setting_stands_in_the_reference_with_its_meaning(reference):
    """Held against the list behind `--settings`, which walks the dataclasses in its own way."""
    tables = re.split(r"^#+ `\[+([a-z0-9_.]+)\]+`$", reference.recipe_page().replace("\\|", "|"), flags=re.MULTILINE)
    rows = dict(zip(tables[1::2], tables[2::2], strict=True))
    for section, config in reference.sections().items():
        for setting in settings.settings_of(config, f"{section}."):
            table, _, name = setting.path.replace("[]", "").rpartition(".")
            assert setting.doc, setting.path
            assert re.search(rf"^\| `{name}` .* \| {re.escape(' '.join(setting.doc.split()))} \|$", rows[table], re.M)


def test_a_setting_without_meaning_is_seen(reference, monkeypatch):
    bare = dataclasses.make_dataclass("Config", [("steps", int, dataclasses.field(default=3))], frozen=True)
    monkeypatch.setattr(reference, "docstrings", lambda config: {})
    with pytest.raises(KeyError, match="steps"):
        list(reference._tables(bare, "pretrain", False))


def test_arrays_are_shown_as_a_recipe_writes_them(reference):
    text = reference.recipe_page()
    for header in ("[[sources.files]]", "[[pretrain.phase]]", "[[finetune]]", "[[finetune.bands]]", "[curate.heldout]"):
        assert re.search(rf"^#+ `{re.escape(header)}`$", text, re.MULTILINE), header


def test_the_examples_of_the_reference_are_recipes(reference):
    whole = "".join(reference.EXAMPLES[section] for section in reference.sections())
    recipe = check_recipe(tomllib.loads(whole), where="the examples")
    assert list(recipe.stages) == list(SECTIONS)
    assert recipe.plan is not None
    assert list(reference.EXAMPLES) == list(reference.sections())


def test_each_stage_has_its_numbered_page():
    numbered = sorted(path.stem for path in DOCS.glob("[0-9][0-9]-*.md"))
    assert numbered == [folder_of(stage) for stage in STAGES]


def undescribed(verbs: list[str], texts: dict[str, str]) -> list[str]:
    """Verbs that no page but the generated one uses."""
    return [verb for verb in verbs if not any(re.search(rf"\bfournil {verb}\b", text) for text in texts.values())]


def verbs() -> list[str]:
    parser = cli.build_parser()
    return list(next(action.choices for action in parser._actions if action.dest == "verb"))


def test_each_verb_is_described():
    texts = {path.name: text for path, text in pages().items() if path.parent == DOCS and path.name != "cli.md"}
    assert undescribed(verbs(), texts) == []
    assert undescribed(["knead", "bake"], texts) == ["knead"]


def slug(heading: str) -> str:
    """Name a heading as GitHub does: letters, digits, hyphens and underscores; spaces become hyphens."""
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "").replace("*", "")
    return re.sub(r"[^\w\- ]", "", text.strip().lower()).replace(" ", "-")


def without_code(text: str) -> str:
    return re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)


def anchors(text: str) -> set[str]:
    return {slug(heading) for heading in re.findall(r"^#+ (.*)$", without_code(text), re.MULTILINE)}


def broken_links(path: Path, text: str) -> list[str]:
    wrong = []
    for target in re.findall(r"\]\(([^)\s]+)[^)]*\)", without_code(text)):
        name, _, anchor = target.partition("#")
        if target.startswith(("http://", "https://", "mailto:")):
            continue
        place = path.parent / name
        there = text if not name else place.read_text("utf-8") if place.is_file() and place.suffix == ".md" else ""
        if not place.exists() or (anchor and anchor not in anchors(there)):
            wrong.append(target)
    return wrong


def test_links_and_anchors_lead_somewhere():
    assert {path.name: broken_links(path, text) for path, text in pages().items() if broken_links(path, text)} == {}


def test_a_link_that_leads_nowhere_is_seen():
    right, wrong = (
        "[a](bake.md) [b](bake.md#exit-codes) [c](#a-page)",
        "[d](nowhere.md) [e](bake.md#nowhere) [f](#none)",
    )
    text = f"# A page\n{right} {wrong}\n"
    assert broken_links(DOCS / "page.md", text + "```\n[g](code.md)\n```\n") == [
        "nowhere.md",
        "bake.md#nowhere",
        "#none",
    ]


def unlisted(names: set[str], index: str) -> set[str]:
    return names - set(re.findall(r"\]\(([\w-]+\.md)", index))


def test_the_index_lists_every_page():
    names = {path.name for path in DOCS.glob("*.md")} - {"README.md"}
    index = (DOCS / "README.md").read_text("utf-8")
    assert unlisted(names, index) == set()
    assert unlisted(names | {"kneading.md"}, index) == {"kneading.md"}


def commands(text: str) -> list[str]:
    """Lines of code blocks, fenced or indented, and code in running text that begin with `fournil`."""
    text = text.replace("\\\n", " ")
    blocks = re.findall(r"^```(?:sh|console)?\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    indented = re.findall(r"^ {4}(.*)$", without_code(text), re.MULTILINE)
    lines = [line.strip().removeprefix("$ ") for block in blocks for line in block.splitlines()]
    lines += [line.removeprefix("$ ") for line in indented] + re.findall(
        r"`(fournil [a-z-][^`\n]*)`", without_code(text)
    )
    return [line for line in lines if re.match(r"fournil +[a-z-]", line)]


def misunderstood(command: str) -> bool:
    """Say whether the parser refuses a command; verbs named in passing and what a shell adds are left out."""
    lexer = shlex.shlex(command, posix=True, punctuation_chars="<>|;")
    lexer.whitespace_split = True
    words = list(lexer)
    words = words[1 : next((i for i, word in enumerate(words) if set(word) <= set("<>|;&·")), len(words))]
    if len(words) < 2 or set(words) & {"VERB", "STAGE"}:
        return False
    try:
        cli.parse([word for word in words if word != "…"])
    except SystemExit as left:
        return left.code != 0
    return False


def test_every_command_shown_is_understood():
    shown = [
        (path.name, command)
        for path, text in pages().items()
        if path.name not in ("cli.md", "log.md")  # the first shows usage, the second the past
        for command in commands(text)
    ]
    assert [(name, command) for name, command in shown if misunderstood(command)] == []
    assert len(shown) > 30


def test_a_command_that_does_not_exist_is_seen():
    text = "```sh\nfournil bake r.toml # now\n$ fournil knead r.toml\n```\n\n    fournil show runs/petit --yaml\n\n"
    text += "`fournil why RUN ID` and `fournil curate letters/*.txt -o clean/ > log.txt`"
    assert [command for command in commands(text) if misunderstood(command)] == [
        "fournil knead r.toml",
        "fournil show runs/petit --yaml",
    ]


def snippets(text: str) -> list[str]:
    return re.findall(r"^```toml\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def misread(snippet: str) -> str:
    """Return what a recipe's reader says against a snippet of one, or a set's of one; nothing when it is right."""
    table = tomllib.loads(snippet)
    if "kind" in table:
        try:
            check_spec(table)
        except ValueError as error:
            return str(error)
        return ""
    table.setdefault("recipe", {"name": "snippet"}).pop("extends", None)
    try:
        check_recipe(table, where="the page")
    except FournilError as error:
        return str(error)
    return ""


def test_every_recipe_shown_is_understood():
    shown = [(path.name, snippet) for path, text in pages().items() for snippet in snippets(text)]
    assert [(name, misread(snippet)) for name, snippet in shown if misread(snippet)] == []
    assert len(shown) > 12


def test_a_recipe_with_a_wrong_setting_is_seen():
    assert "unknown setting pretrain.phase[0].step" in misread("[[pretrain.phase]]\nstep = 3\n")
    assert "unknown key 'shot'" in misread('name = "a"\nkind = "choice"\nlanguage = "fr"\ndata = "a.csv"\nshot = 3\n')


def test_settings_named_on_a_stage_page_exist():
    """Code such as `quality.skip` in the table under Settings is a setting of that stage."""
    for stage in STAGES:
        known = {setting.path.replace("[]", "") for setting in settings.settings_of(stage_config(stage))}
        text = (DOCS / f"{folder_of(stage)}.md").read_text("utf-8")
        table = re.search(r"^## Settings\n(.*?)(?=^## |\Z)", text, re.DOTALL | re.MULTILINE)
        for cell in re.findall(r"^\| (`.*?`) \|", table.group(1) if table else "", re.MULTILINE):
            named = set(re.findall(r"`([a-z_.]+)`", cell))
            assert named <= known, (stage, named - known)


def test_the_make_targets_of_the_readme_exist():
    targets = set(re.findall(r"^([a-z]+):", (REPOSITORY / "Makefile").read_text(), flags=re.MULTILINE))
    shown = set(re.findall(r"^make ([a-z]+)", (REPOSITORY / "README.md").read_text(), flags=re.MULTILINE))
    assert shown
    assert shown <= targets
