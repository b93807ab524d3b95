"""The mode compat: what curate keeps and refuses is what datatrove's chain keeps and refuses."""

from pathlib import Path

import pyarrow as pa
import pytest
from nasty_texts import NASTY

from curating import peer
from fournil.core.context import Context
from fournil.core.document import DOCUMENTS, EDITS, REFUSED_DOCUMENTS, document_row
from fournil.core.errors import FournilError
from fournil.core.shards import ShardWriter, read_all
from fournil.parts.text.compat.settings import C4QualitySettings, GopherQualitySettings
from fournil.parts.text.language_model import language_model
from fournil.recipe import read_recipe
from fournil.stages.curate import Config, run
from fournil.stages.curate.alone.documents import document_chunk
from fournil.stages.curate.sections.compat import CompatRules, CompatSettings, LanguageRules
from fournil.stages.curate.sections.personal_data import PersonalDataSettings
from fournil.stages.curate.sections.quality import QualitySettings

FRENCH = CompatRules(
    gopher_quality=GopherQualitySettings(min_doc_words=20, stop_words=("le", "la", "de", "et", "l’", "un")),
    c4=C4QualitySettings(filter_no_terminal_punct=False, min_num_sentences=2),
)
PROSE = """Le boulanger se lève avant le soleil [1] et il chauffe le four de la maison.
  La pâte attend sous un linge blanc, près de la fenêtre, depuis la veille.
Menu
Activez JavaScript pour lire la suite de cette page.
Accueil
Contact
L’enfant de la voisine descend la rue en chantant et demande un petit pain.
Il répond toujours la même chose : « Patience, le pain dort encore un peu. »
La rivière passe derrière le moulin et personne ne la regarde plus vraiment.""".replace("maison.\n", "maison.  \n")
TEXTS = [
    *NASTY,
    PROSE,
    "Le petit pain.\n" + PROSE.split("\n")[1] + " Il fait encore nuit sur la rivière et sur le moulin",
    PROSE.replace("\n", "\r\n"),
    PROSE + "\nÉcrire à jo.lin@wanadoo.fr, merci.",
    PROSE + "\nla même ligne.\nla même ligne.\nla même ligne.\nla même ligne.\nla même ligne.",
    "\n".join(line[:25] + "." for line in PROSE.split("\n") * 2),
    "The baker rises before the sun and heats the oven of the house. " * 2 + "\n" + PROSE,
    "Der Bäcker steht vor der Sonne auf und heizt den Ofen des Hauses, denn die Leute wollen Brot haben. " * 3,
]


def config_of(**compat: object) -> Config:
    settings = CompatSettings(by_language=(LanguageRules("fr", FRENCH),), **compat)
    return Config(quality=QualitySettings(mode="compat"), compat=settings, personal_data=PersonalDataSettings(kinds=()))


def batch_of(texts: list[str], tag: str | None = None) -> pa.RecordBatch:
    rows = [
        document_row(f"a/{n:03}", text, source="a", licence="CC0-1.0", language=tag) for n, text in enumerate(texts)
    ]
    return pa.Table.from_pylist(rows, schema=DOCUMENTS).to_batches()[0]


def chain(text: str) -> tuple[str | None, str]:
    """datatrove's filters, one after the other, with the settings of the language that the first one finds."""
    compat = config_of().compat
    first = peer.language_filter(compat.language, ("fr", "en"), language_model())
    reason, text = peer.verdict(first, text)
    if reason is not None:
        return "language", text
    found = first.model.model.predict(text.replace("\n", " "), k=1)[0][0].removeprefix("__label__")
    rules = compat.rules_of(found)
    splitter = peer.SPLITTERS[found == "fr"]
    for made in (
        peer.repetition_filter(rules.gopher_repetition, splitter),
        peer.gopher_filter(rules.gopher_quality, splitter),
        peer.c4_filter(rules.c4, splitter),
        peer.fineweb_filter(rules.fineweb, splitter),
    ):
        reason, text = peer.verdict(made, text)
        if reason is not None:
            return reason, text
    return None, text


def test_the_chain_decides_as_datatroves() -> None:
    rows = document_chunk(config_of(), ("fr", "en"))(batch_of(TEXTS)).rows
    ours = list(zip(rows.column("rule").to_pylist(), rows.column("text").to_pylist(), strict=True))
    theirs = [chain(text) for text in TEXTS]
    assert ours == theirs
    assert {"language", "top_2_gram", "dup_line_frac", "char_dup_ratio", None} <= {reason for reason, _ in theirs}


def test_edits_lead_from_the_text_that_came_to_the_one_that_is_kept() -> None:
    texts = [PROSE, PROSE.replace("\n", "\r\n"), "\n\n" + PROSE + "\n\n"]
    chunk = document_chunk(config_of(filters=("c4",)), ("fr", "en"))(batch_of(texts, "fr"))
    edits = chunk.edits if isinstance(chunk.edits, list) else chunk.edits.to_pylist()
    for number, (text, kept) in enumerate(zip(texts, chunk.rows.column("text").to_pylist(), strict=True)):
        own = [edit for edit in edits if edit["id"] == f"a/{number:03}"]
        for edit in reversed(own):
            assert text[edit["start"] : edit["end"]] == edit["was"]
            text = text[: edit["start"]] + edit["now"] + text[edit["end"] :]
        assert text.rstrip("\n") == kept
        assert {edit["rule"] for edit in own} >= {"line-filter-too_few_words", "line-filter-javascript"}


def test_no_row_is_lost_and_personal_data_is_masked_last(tmp_path: Path) -> None:
    with ShardWriter(tmp_path / "sources" / "documents", DOCUMENTS) as writer:
        writer.write_rows(batch_of(TEXTS).to_pylist())
    (tmp_path / "sources" / "pairs").mkdir()
    config = Config(quality=QualitySettings(mode="compat"), compat=config_of().compat)
    artifact = run(config, {"sources": tmp_path / "sources"}, tmp_path / "out", Context(languages=("fr", "en"), seed=7))
    kept = [read_all(tmp_path / "out" / folder, DOCUMENTS) for folder in ("documents", "heldout/documents")]
    refused = read_all(tmp_path / "out" / "refused", REFUSED_DOCUMENTS, prefix="documents")
    assert sum(table.num_rows for table in (*kept, refused)) == len(TEXTS)
    steps = [count.step for count in artifact.counts]
    assert steps[:4] == ["language", "heldout", "quality", "personal-data"]
    texts = [text for table in kept for text in table.column("text").to_pylist()]
    assert texts
    assert not any("jo.lin@" in text for text in texts)
    edits = read_all(tmp_path / "out" / "edits", EDITS, prefix="documents").to_pylist()
    assert {"quality", "personal-data"} <= {edit["step"] for edit in edits}


def test_a_filter_that_there_is_not() -> None:
    with pytest.raises(ValueError, match="c5"):
        CompatSettings(filters=("c5",))


def test_a_language_named_twice() -> None:
    with pytest.raises(ValueError, match="twice"):
        CompatSettings(by_language=(LanguageRules("fr"), LanguageRules("fr", FRENCH)))


def test_settings_in_a_recipe(tmp_path: Path, repository: Path) -> None:
    recipe = tmp_path / "recipe.toml"
    text = f"""
    [recipe]
    name = "x"
    extends = {str(repository / "recipes" / "mie.toml")!r}
    [curate.quality]
    mode = "compat"
    [[curate.compat.by_language]]
    language = "fr"
    [curate.compat.by_language.rules.gopher_quality]
    stop_words = ["le", "la"]
    """
    recipe.write_text(text)
    (config,) = read_recipe(recipe).stages["curate"]
    assert config.compat.rules_of("fr").gopher_quality.stop_words == ("le", "la")
    assert config.compat.rules_of("en") == CompatRules()
    recipe.write_text(text.replace("stop_words", "stop_wordz"))
    with pytest.raises(FournilError, match="stop_wordz"):
        read_recipe(recipe)
