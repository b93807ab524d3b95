"""The walk-through's recipe, on a folder of the same layout with tiny texts: planned, read, curated, and asked why."""

import json
import re
from pathlib import Path

import pytest

from fournil import cli, flow
from fournil.recipe import read_recipe

PAGE = (Path(__file__).resolve().parent.parent / "docs" / "walkthrough.md").read_text("utf-8")

FRENCH = (
    "La boulangère ouvre sa boutique avant le lever du jour, parce que les premiers clients viennent de la gare et "
    "qu'ils n'ont que peu de temps. Elle leur donne le pain de la veille à moitié prix, et garde pour les voisins "
    "celui qui sort du four. Dans la rue, on dit qu'elle connaît chacun par son nom, et que c'est pour cela que l'on "
    "revient chez elle plutôt que dans la grande surface qui se trouve de l'autre côté du pont."
)
ENGLISH = (
    "The baker opens her shop before the sun is up, because the first customers come from the station and they have "
    "very little time. She lets them have the bread of the day before at half price, and keeps for the neighbours "
    "what has just left the oven. In the street they say that she knows everybody by name, and that this is why one "
    "comes back to her and not to the large store that stands on the other side of the bridge."
)
GERMAN = (
    "Sehr geehrte Damen und Herren, wir danken Ihnen für die freundliche Einladung zur Versammlung unseres Vereins am "
    "kommenden Samstag und nehmen sie sehr gerne an. Mit freundlichen Grüßen, der Vorstand."
)


def recipe_of_the_page() -> str:
    (found,) = re.findall(r"^```toml\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    return found


def make_folder(folder: Path) -> None:
    """Lay out the folder that the page shows, with its accidents."""
    files = {
        "novels/fr/un.txt": FRENCH,
        "novels/fr/copie.txt": FRENCH.removesuffix(" du pont."),
        "novels/fr/brief.txt": GERMAN,
        "novels/fr/vide.txt": "",
        "novels/en/one.txt": ENGLISH,
        "acts/fr/a-1.html": f"<html lang=fr><title>Loi</title><main><p>{FRENCH[::-1].title()[::-1]} Loi.</p></main>",
        "acts/en/a-1.html": f"<html lang=en><title>Act</title><main><p>The act. {ENGLISH.upper()}</p></main>",
        "scans/play.txt": f"{' '.join(reversed(FRENCH.split()))}\n\f  12\n",
        "scans/play.pdf": "%PDF-1.4",
        "speeches.jsonl": json.dumps({"id": "s1", "title": "A speech", "text": f"Fellow citizens. {ENGLISH.title()}"}),
        "sentences.tsv": "".join(f"I have {n} loaves.\tJ'ai {n} pains.\n" for n in range(20, 60)),
        "atelier.toml": recipe_of_the_page(),
    }
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")


@pytest.fixture
def atelier(tmp_path, monkeypatch) -> Path:
    make_folder(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_recipe_of_the_page_has_every_stage(atelier):
    recipe = read_recipe(atelier / "atelier.toml")
    assert [step.stage for step in flow.steps_of(recipe)] == list(flow.STAGES)
    assert len([line for line in recipe_of_the_page().splitlines() if line]) <= 30


def test_the_recipe_of_the_page_is_planned(atelier, capsys):
    assert cli.main(["plan", "atelier.toml", "--hardware", "H100", "--json"]) == 0
    plan = json.loads(capsys.readouterr().out)
    assert plan
    assert not (atelier / "runs").exists()


def test_the_folder_of_the_page_is_read_and_curated_and_refusals_have_the_reasons_that_it_shows(atelier, capsys):
    assert cli.main(["curate", "--recipe", "atelier.toml", "--threads", "1", "--quiet"]) == 0
    rules = {
        "brief.txt": "step language, rule language-mismatch",
        "copie": "step duplicates, rule near-duplicate",
        "vide": "step sources, rule empty",
        "play.pdf": "step sources, rule format",
    }
    for id, reason in rules.items():
        assert cli.main(["why", "runs/atelier", id]) == 0
        told = capsys.readouterr().out
        assert reason in told, told
        assert reason in PAGE or reason.split("rule ")[1] in PAGE
    assert cli.main(["verify", "runs/atelier"]) == 0
