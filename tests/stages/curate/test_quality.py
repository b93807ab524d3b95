"""Each rule with a figure that trips it and its near miss, and each with a text."""

import dataclasses

import numpy as np
import pyarrow as pa
import pytest

from fournil.core.document import DOCUMENTS, document_row
from fournil.core.languages import language
from fournil.stages.curate.alone.documents import document_chunk
from fournil.stages.curate.alone.presets import CROISSANT, GOPHER, LUCIE, OFF, PUBLISHED, bounds_for
from fournil.stages.curate.alone.quality import code_rules, judge, prose_rules
from fournil.stages.curate.config import Config
from fournil.stages.curate.sections.quality import PRESETS, Bounds, CodeBounds, QualitySettings

GOOD = (
    "La boulangère ouvre sa porte à six heures du matin. Elle a pétri toute la nuit avec son fils, qui dort encore.\n"
    "Dans la rue, les premiers clients attendent sous la pluie et parlent du marché de la veille.\n"
    "« Entrez donc ! » dit-elle, et chacun choisit son pain pendant que le chat regarde par la fenêtre.\n"
    "Le facteur passe vers huit heures, prend un croissant, puis repart en sifflant une vieille chanson."
)

NOUNS = (
    "farine sel eau levain four pétrin banneton planche couteau pelle miche croûte mie boulangère apprenti tablier"
    " sucre beurre lait œufs amandes noisettes raisins miel cannelle vanille chocolat crème pommes poires cerises"
    " fraises framboises myrtilles abricots pêches prunes citrons oranges tartes gâteaux brioches croissants galettes"
    " biscuits sablés madeleines financiers éclairs religieuses chouquettes meringues"
)

RULES = [*prose_rules(Bounds(), language("fr")), *code_rules(CodeBounds())]


def figures_within() -> dict[str, np.ndarray]:
    figures = {}
    for rule in RULES:
        edge = rule.least if rule.least is not None else rule.most
        figures.setdefault(rule.figure, np.array([edge], float))
    return figures


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_figure_at_the_bound_passes_and_beyond_it_does_not(rule):
    assert judge([rule], figures_within()).rule_D[0] == -1
    bound = rule.least if rule.least is not None else rule.most
    beyond = bound - 1e-6 if rule.least is not None else bound + 1e-6
    verdict = judge([rule], {rule.figure: np.array([beyond])})
    assert (verdict.rule_D[0], verdict.bound_D[0]) == (0, bound)
    assert verdict.value_D[0] == pytest.approx(beyond)


def test_the_first_rule_broken_counts():
    figures = {"num_words": np.array([1.0, 100.0]), "mean_word": np.array([99.0, 99.0])}
    rules = [rule for rule in RULES if rule.figure in figures]
    verdict = judge(rules, figures)
    assert [rules[place].name for place in verdict.rule_D] == ["gopher-few-words", "gopher-long-mean-word"]


def rule_for(
    text: str, *, tag: str = "fr", category: str | None = None, preset: str = "fournil", **bounds: object
) -> str | None:
    """The rule that refuses a document, with some bounds changed."""
    settings = QualitySettings(preset=preset, bounds=dataclasses.replace(Bounds(), **bounds))
    row = document_row("a/1", text, source="a", licence="CC0-1.0", language=tag, category=category)
    batch = pa.Table.from_pylist([row], schema=DOCUMENTS).to_batches()[0]
    return document_chunk(Config(quality=settings), ("fr", "en"))(batch).rows.column("rule")[0].as_py()


def test_plain_prose_passes_the_published_bounds_too():
    assert rule_for(GOOD) is None
    assert rule_for(GOOD.replace("\n", " ") + " Il pleut. Il vente.", category="web") is None


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        ("gopher-few-words", "Bonjour à tous et à toutes les amies du pain."),
        ("gopher-short-mean-word", "il y a un as et on y va à pas de si tu as un os où il y en a un de la . " * 3),
        ("gopher-long-mean-word", "les anticonstitutionnellement intergouvernementalisations et des " * 8 + "."),
        ("gopher-hash-signs", GOOD + " #" * 12),
        ("gopher-ellipses", GOOD + " …" * 12),
        ("gopher-bullet-lines", "\n".join(f"• {line}" for line in GOOD.replace("\n", ", ").split(", "))),
        ("gopher-ellipsis-lines", "\n".join(f"{line}…" for line in GOOD.split("\n"))),
        ("gopher-words-without-letters", GOOD + "\n" + " ".join(str(n) for n in range(1000, 1090))),
        ("gopher-few-stop-words", "farine sel eau levain four pétrin banneton planche couteau pelle " * 3 + "."),
        ("low-stop-word-share", f"{NOUNS} et le fournil."),
        ("gopher-duplicate-lines", GOOD + "\n" + "\n".join(["Le pain est chaud."] * 9)),
        ("c4-few-sentences", GOOD.replace(".", ",").replace("!", ",")),
        ("c4-long-token", GOOD + " " + "=" * 1001),
        ("c4-curly-braces", GOOD + " {}" * 20),
        ("c4-lorem-ipsum", GOOD + " Lorem ipsum, dit un autre client numéro un."),
        ("fineweb-short-lines", GOOD.replace(" ", "\n")),
        ("unpunctuated-list", f"{NOUNS} et le fournil du bout de la rue de la farine"),
        ("broken-characters", GOOD.encode().decode("latin-1")),
        ("broken-characters", GOOD.replace("é", "\ufffd")),
        ("scattered-letters", GOOD + " " + " ".join("boulangerie fournil levain croissant")),
        ("odd-capitals", GOOD.replace("e", "E")),
        ("words-without-vowel", GOOD + " brtg klmp dfgt xwvz ptqr" * 6),
        ("addresses", GOOD + " " + ", ".join(f"la https://{noun}.fr" for noun in NOUNS.split()) + "."),
        ("exclamations", GOOD + " !" * 25),
        ("separators", GOOD + " |" * 45),
        ("furniture", GOOD + " Livraison offerte, paiement sécurisé : ajouter au panier !"),
    ],
)
def test_a_text_trips_its_rule_and_its_near_miss_does_not(rule: str, text: str):
    loose = {
        "gopher-long-mean-word": {"max_duplicate_ngrams": (1.0,) * 6, "max_top_ngrams": (1.0,) * 3},
        "gopher-few-stop-words": {"max_duplicate_ngrams": (1.0,) * 6},
        "gopher-bullet-lines": {"max_bullet_lines": 0.9},
        "gopher-duplicate-lines": {"max_duplicate_line_characters": 1.0},
        "c4-lorem-ipsum": {"max_lorem_ipsum": 0},
        "c4-few-sentences": {"min_sentences": 5},
        "addresses": {"max_top_ngrams": (1.0,) * 3},
        "fineweb-short-lines": {"max_newline_ratio": 2.0, "max_short_lines": 0.97},
    }.get(rule, {})
    assert rule_for(text, **loose) == rule
    assert rule_for(GOOD, **loose) is None


def test_repetition_is_refused():
    phrase = "le pain de la maison est cuit au feu de bois avec du levain"
    assert rule_for(f"{GOOD} {(phrase + ' ') * 12}.") in {f"gopher-duplicate-{n}-grams" for n in range(5, 11)}
    assert rule_for(GOOD + " " + "le pain " * 40 + ".") == "gopher-top-2-gram"


def test_a_category_is_held_to_the_published_bounds():
    text = " ".join(GOOD.split()[:40]) + "."
    assert rule_for(text, category="documentation") is None
    assert rule_for(text, category="web") == "gopher-few-words"
    for field in dataclasses.fields(Bounds):
        ours, theirs = getattr(Bounds(), field.name), getattr(PUBLISHED, field.name)
        looser = ours <= theirs if field.name.startswith("min_") else ours >= theirs
        ours_alone = theirs in (OFF, 0.0)
        assert looser or ours_alone, field.name


def test_code_has_rules_of_its_own():
    code = "def knead(dough):\n    return dough * 2\n"
    assert rule_for(code, tag="code") is None
    assert rule_for(code + "x = '" + "a" * 1001 + "'", tag="code") == "code-long-line"
    assert rule_for("\n".join(["x" * 101] * 3), tag="code") == "code-long-lines"
    assert rule_for("{}();\n" * 9, tag="code") == "code-few-alphanumerics"


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_holds_every_category_to_its_bounds(preset: str):
    settings = QualitySettings(preset=preset)
    bounds = [bounds_for(settings, published=each) for each in (False, True)]
    expected = {"gopher": GOPHER, "fineweb": PUBLISHED, "lucie": LUCIE, "croissant": CROISSANT}
    assert bounds == ([expected[preset]] * 2 if preset in expected else [Bounds(), PUBLISHED])


def test_a_preset_with_other_bounds_and_a_preset_that_nobody_knows_are_refused():
    with pytest.raises(ValueError, match="leave out"):
        QualitySettings(preset="gopher", bounds=Bounds(min_words=3))
    with pytest.raises(ValueError, match="lucie"):
        QualitySettings(preset="lucy")
    with pytest.raises(ValueError, match="compat"):
        QualitySettings(mode="exact")


def test_the_numbers_of_gallica_ask_for_a_book_of_good_lines():
    line = "Le boulanger se lève avant le jour, allume son four et pétrit la pâte du matin.\n"
    assert rule_for(line * 70, preset="croissant") is None
    assert rule_for(line * 49, preset="croissant") == "few-lines"
    assert rule_for(line[:60] + "\n" * 2 + "12 | 4\n" * 400 + line * 49, preset="croissant") == "few-good-lines"
    assert rule_for(line * 51, preset="croissant") == "few-characters"


def test_the_furniture_of_sites_is_no_furniture_when_a_text_speaks_of_it():
    text = "Le panneau demandait de tout accepter ; j’ai lu la politique de cookies, puis je suis allé me coucher. "
    assert rule_for(text * 2 + GOOD, max_furniture=0.2) is None
    assert rule_for(GOOD + " Mentions légales, plan du site.") is None


def test_verse_without_a_full_stop_and_dialogue_without_a_quotation_mark_stay():
    verse = "Le pain dort sous le torchon blanc\nla nuit le garde entre ses bras\net le matin qui vient trop lent\n"
    assert (
        rule_for(verse + "l'éveille et ne le mange pas\nil a la croûte des chemins\net la mie tendre de nos mains")
        is None
    )
    speech = (
        "- Tu viens ?\n- Non, je dors.\n- Il est midi !\n- Alors je dors encore un peu, et toi, va chercher le pain.\n"
    )
    assert rule_for(speech + "- J'y vais, mais tu te lèves.\n- Oui, oui…") is None
