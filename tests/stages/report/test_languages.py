"""The page in each language: whole, linked to the other, written as that language writes, the same whoever draws it."""

import gettext
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from strict_html import Page

from fournil.core import ledger, speech
from fournil.core.context import Context
from fournil.core.speech import mark, speaking
from fournil.stages.curate.config import Config as CurateConfig
from fournil.stages.report import Config, numbers, run, without_measured
from fournil.stages.report.layout import foreign
from fournil.stages.report.markup import Html, rich
from fournil.stages.report.sections.bands import band_name
from fournil.stages.report.sections.cost import method_name
from fournil.stages.report.sections.rules import rule_words, step_name
from fournil.stages.report.story import told

WORDS = {
    "French": "français",
    "English": "anglais",
    "What it took": "Ce qu’il a fallu",
    "step": "pas",
    "Refused": "Refusés",
    "documentation": "documentation (fr)",
    "too few words": "trop peu de mots",
    "{amount}\u00a0MB": "{amount}\u00a0Mo",
    "{share}\u00a0%": "{share}\u202f%",
    "[{low},\u00a0{high}]": "[{low}\u202f;\u00a0{high}]",
    "{line} from {first} to {last}": "{line} de {first} à {last}",
    "{first} and {last}": "{first} et {last}",
    "{year}-{month}-{day}": "{day}/{month}/{year}",
    "step {step}: {values}": "pas {step}\u00a0: {values}",
    "estimated: {watts} W per busy core": "estimé\u00a0: {watts}\u00a0W par cœur occupé",
    "<b>Machine.</b> {machines}": "<b>Machine (fr).</b> {machines}",
    "{amount}\u00a0million parameters": "{amount}\u00a0millions de paramètres",
    "at most {count:,} characters": "{count:,}\u00a0caractères au plus",
    "planned {figure}, × {ratio}": "prévu\u00a0: {figure}, ×\u00a0{ratio}",
}
"""A few words of French, not the catalogue: what the page does with words does not depend on which they are."""


class Few(gettext.NullTranslations):
    """A catalogue that holds WORDS."""

    def gettext(self, message: str) -> str:
        return WORDS.get(message, message)

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return WORDS.get(msgid2, super().ngettext(msgid1, msgid2, n))


@pytest.fixture
def few_words(monkeypatch: pytest.MonkeyPatch) -> None:
    catalogues = {"en": gettext.NullTranslations(), "fr": Few()}
    monkeypatch.setattr(speech, "_catalogue", catalogues.__getitem__)


@pytest.fixture
def french(few_words: None) -> Iterator[None]:
    with speaking("fr"):
        yield


def pages(folder: Path, draw_page: Callable[..., str]) -> tuple[str, str]:
    return draw_page(folder), draw_page(folder, file="index.fr.html")


def test_each_page_says_its_language_and_links_to_the_other(
    make_run: Callable[..., Path], draw_page: Callable[..., str]
) -> None:
    for page, own, other, file, label in zip(
        pages(make_run(), draw_page),
        ("en", "fr"),
        ("fr", "en"),
        ("index.fr.html", "index.html"),
        ("Français", "English"),
        strict=True,
    ):
        elements = Page(page).elements
        assert [attributes["lang"] for name, attributes in elements if name == "html"] == [own]
        links = [attributes for name, attributes in elements if "hreflang" in attributes]
        assert [(link["href"], link["hreflang"], link["lang"]) for link in links] == [(file, other, other)]
        assert f'lang="{other}" rel="alternate">{label}</a>' in page


@pytest.mark.usefixtures("few_words")
def test_the_pages_do_not_depend_on_the_language_spoken(make_run: Callable[..., Path], tmp_path: Path) -> None:
    folder, drawn = make_run(), []
    for tag in ("en", "fr"):
        with speaking(tag):
            artifact = run(Config(), {"run": folder}, tmp_path / tag, Context(name="loaf"))
        drawn.append({path.name: path.read_bytes() for path in (tmp_path / tag).iterdir()} | {"facts": artifact.facts})
    assert drawn[0] == drawn[1]


@pytest.mark.usefixtures("few_words")
def test_both_pages_of_two_bakes_differ_in_measured_elements_only(
    make_run: Callable[..., Path], draw_page: Callable[..., str]
) -> None:
    first, second = (pages(make_run(name=name, pace=pace), draw_page) for name, pace in (("a", 1.0), ("b", 3.7)))
    for one, other in zip(first, second, strict=True):
        assert one != other
        assert without_measured(one) == without_measured(other)


@pytest.mark.usefixtures("few_words")
def test_french_words_and_figures_stand_on_the_french_page(
    make_run: Callable[..., Path], draw_page: Callable[..., str]
) -> None:
    _, page = pages(make_run(), draw_page)
    found = Page(page)
    assert found.wrong == []
    text = " ".join(re.sub("[\u00a0\u202f]", " ", found.text).split())
    for said in (
        "Ce qu’il a fallu",
        "français → anglais",
        "français 45,0 %, anglais 45,0 %",
        "240 documents et 1 400 pairs",
        "44,3 [43,0 ; 45,5]",
        "22/11/2026",
        "3,34 millions de paramètres",
        "3,60 Mo",
        "6 min 11 s",
        "gopher-few-words trop peu de mots · Quality judged",
        "Refusés",
        "Machine (fr).",
    ):
        assert said in text, said
    assert "3\u202f040" in page
    assert 'aria-label="record 1: sources"' in page
    assert "français de 3,80000" not in page
    assert re.search(r'aria-label="[^"]*français de \d+,\d\d', page)
    assert 'data-reading="pas {step}\u00a0: {values}"' in page
    assert "What it took" not in page


def test_the_script_holds_no_words_and_is_the_same_in_both(
    make_run: Callable[..., Path], draw_page: Callable[..., str]
) -> None:
    scripts = [
        re.findall(r"<script>(.*?)</script>", page, re.DOTALL) for page in pages(make_run(["pretrain"]), draw_page)
    ]
    assert scripts[0] == scripts[1]
    assert not re.search(r"toLocaleString\(\"|[A-Za-z] [a-z]+ [a-z]+ [a-z]+\"", scripts[0][0])


@pytest.mark.usefixtures("french")
def test_figures_in_french() -> None:
    assert numbers.whole(-1234567) == "\u22121\u202f234\u202f567"
    assert numbers.decimal(1234.5, 1) == "1\u202f234,5"
    assert numbers.gain(-5.25, 2) == "\u22125,25"
    assert numbers.percent(1, 3) == "33,3\u202f%"
    assert numbers.size(3_600_000) == "3,60\u00a0Mo"
    assert numbers.energy(0.0123) == "12,3\u00a0Wh"
    assert numbers.seconds(4.24) == "4,2\u00a0s"
    assert numbers.scientific(3.4e-6) == "3,4\u00a0×\u00a010<sup>\u22126</sup>"
    assert numbers.date("2026-11-22") == "22/11/2026"
    assert numbers.date("one day") == "one day"
    assert band_name("at most 1200 characters") == "1\u202f200\u00a0caractères au plus"
    assert method_name("estimated: 12.5 W per busy core") == "estimé\u00a0: 12,5\u00a0W par cœur occupé"
    assert numbers.language_name("fr-CA") == "français"


@pytest.mark.parametrize(
    ("band", "said"),
    [
        (None, "all lengths"),
        ("all lengths", "all lengths"),
        ("at most 1 characters", "at most 1 character"),
        ("46 to 120 characters", "46 to 120 characters"),
        ("more than 120 characters", "more than 120 characters"),
        ("longer", "longer"),
        (mark("about {n:,}", n=1000), "about 1,000"),
    ],
)
def test_bands(band: object, said: str) -> None:
    assert band_name(band) == said


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("as it stands", "as it stands"),
        (mark("{n:,} words", n=1200), "1,200 words"),
        ([mark("one"), "two"], "one; two"),
        (None, ""),
        (5, ""),
        ({"values": {}}, ""),
        (mark("{missing}"), "{missing}"),
        ({"message": "{gone}", "values": {}}, "{gone}"),
        ({"message": "{n:,}", "values": {"n": "text"}}, "{n:,}"),
        ({"message": "{n:>999999999}", "values": {"n": 1}}, "{n:>999999999}"),
        ({"message": 5, "values": {}}, ""),
    ],
)
def test_what_records_keep_is_told_whatever_it_is(value: object, shown: str) -> None:
    assert told(value) == shown


def test_a_message_with_tags_escapes_its_values() -> None:
    said = rich(
        mark("<b>{name}</b> of {more}, {n:,}, {kept}", name="<i>", more=mark("a & b"), n=1000, kept=Html("<u>"))
    )
    assert said == "<b>&lt;i&gt;</b> of a &amp; b, 1,000, <u>"


def test_text_of_another_language_than_the_page_is_marked(
    make_run: Callable[..., Path], draw_page: Callable[..., str]
) -> None:
    assert foreign("Le cahier de l’administrateur") == "fr"
    assert foreign("The Administrator’s Handbook") is None
    assert foreign("GNU tar") is None
    with speaking("fr"):
        assert foreign("The Administrator’s Handbook") == "en"
        assert foreign("Le cahier de l’administrateur") is None
    english, french_page = pages(make_run(), draw_page)
    assert '<span lang="fr">Le cahier de l’administrateur</span>' in english
    assert '<span lang="en">Manual pages in French</span>' in french_page
    assert '<dd lang="en" dir="auto">The file already exists.</dd>' in french_page
    assert '<dd lang="fr" dir="auto" class="answer">Le fichier existe déjà.</dd>' in french_page


def test_every_rule_of_quality_is_explained() -> None:
    from fournil.core.languages import language
    from fournil.stages.curate.alone.quality import code_rules, prose_rules

    config = CurateConfig()
    rules = [*prose_rules(config.quality.bounds, language("fr")), *code_rules(config.quality.code)]
    assert [rule.name for rule in rules if not rule_words(rule.name)] == []
    assert rule_words("gopher-duplicate-10-grams") == "too much of it in sequences of 10 words that repeat"
    assert rule_words("a rule of tomorrow") == ""
    assert step_name("a step of tomorrow") == "a step of tomorrow"


def test_every_rule_of_small_models_and_of_datatrove_is_explained(repository: Path) -> None:
    from fournil.parts.text.compat import c4, fineweb, gopher, language, repetition

    curate = repository / "src/fournil/stages/curate/alone"
    rules = {
        rule
        for name in ("models.py", "ocr.py", "language.py", "documents.py", "batch.py")
        for rule in re.findall(r"""refuse\(place, [A-Z]+, "([\w-]+)\"""", (curate / name).read_text("utf-8"))
    }
    assert len(rules) > 15
    for module in (c4, fineweb, gopher, repetition):
        text = Path(str(module.__file__)).read_text("utf-8")
        found = re.search(r"^_(?:REASONS|FIXED) = \(([^)]*)\)", text, re.M)
        assert found is not None
        rules |= set(re.findall(r'"(\w+)"', found[1]))
    assert len(rules) > 35
    rules |= {language.REASON, "top_12_gram", "duplicated_5_n_grams"}
    assert [rule for rule in sorted(rules) if not rule_words(rule)] == []
    assert rule_words("educational-low") == "too low a score by the classifier educational"
    assert rule_words("educational-high") == "too high a score by the classifier educational"
    assert rule_words("duplicated_5_n_grams") == "too much of it in sequences of 5 words that repeat"


def test_every_rule_in_the_docs_is_explained(repository: Path) -> None:
    rules: list[str] = []
    for table in re.findall(r"^\| rule \|.*?\n\n", (repository / "docs/01-sources.md").read_text("utf-8"), re.M | re.S):
        rules += [name for row in table.split("\n")[2:] for name in re.findall(r"`([\w-]+)`", row.partition(" | ")[0])]
    assert len(rules) > 15
    assert [rule for rule in rules if not rule_words(rule)] == []


def test_messages_of_records_are_told_in_the_language_of_the_page(
    make_run: Callable[..., Path], draw_page: Callable[..., str], few_words: None
) -> None:
    folder = make_run(["finetune", "export"])
    tuned, exported = ledger.read_ledger(folder)
    tuned.facts["abilities"] = mark("step")
    exported.facts["checks"]["loaf-f16.gguf"] = mark("too few words")
    ledger.append(folder, tuned)
    exported.inputs.clear()
    ledger.append(folder, exported)
    english, page = pages(folder, draw_page)
    assert "<p>step</p>" in english
    assert "<p>pas</p>" in page
    assert "</b>: trop peu de mots</li>" in page


SAME_IN_BOTH = {
    "chrF",
    "Messages",
    "BLEU",
    "SHA-256",
    "Code",
    "Documents",
    "Source",
    "Licence",
    "Version",
    "Sources",
    "sources",
    "code",
}
"""Headings, labels and names that French writes as English does."""


def test_the_catalogue_says_every_heading_and_sentence_in_french(
    make_run: Callable[..., Path], draw_page: Callable[..., str]
) -> None:
    parts = r"<(h[1-4]|summary|figcaption|caption|li|dt|p)\b[^>]*>(.*?)</\1>|<(th scope=\"col\"[^>]*)>(.*?)</"
    found = []
    for page in pages(make_run(["curate", "tokenizer", "pretrain", "evaluate", "export"]), draw_page):
        page = re.sub(
            r"<h1.*?</h1>|<section id=\"words\".*?</section>", "", page, flags=re.DOTALL
        )  # the recipe's own words
        texts = {re.sub("<[^>]+>", "", match[2] or match[4] or "") for match in re.finditer(parts, page, re.DOTALL)}
        found.append({text for text in texts if re.search("[a-z]{3}", text)})
    english, french_page = found
    assert len(french_page) > 80
    identical = {text for text in english & french_page if "№" not in text}
    assert identical - SAME_IN_BOTH == set()
    assert "Ce qu’il a fallu" in french_page


def test_the_title_and_the_description_are_told_in_the_page_s_language(
    make_run: Callable[..., Path], tmp_path: Path
) -> None:
    context = Context(
        name="mie",
        title="The crumb <of> a loaf",
        description="It knows little.",
        titles={"fr": "La mie <d’un> pain"},
        descriptions={"fr": "Elle ne sait pas grand-chose."},
    )
    run(Config(), {"run": make_run()}, tmp_path / "out", context)
    english, french = ((tmp_path / "out" / name).read_text("utf-8") for name in ("index.html", "index.fr.html"))
    assert "The crumb &lt;of&gt; a loaf" in english
    assert "It knows little." in english
    assert "La mie &lt;d’un&gt; pain" in french
    assert "Elle ne sait pas grand-chose." in french
    assert "La mie" not in english
    assert "It knows little." not in french
