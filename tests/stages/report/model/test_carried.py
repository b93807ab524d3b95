"""The whole page with a model in it: both languages, sound whatever the names are, whole where its weights are not."""

import base64
import hashlib
import json
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import chromium
import pytest
from strict_html import Page

from fournil.core.context import Context
from fournil.core.speech import retell
from fournil.stages.report import Config, run, without_measured

FILES = ("index.html", "index.fr.html")
HOSTILE = "</script></style><script>document.title = 'owned'</script><img src=x onerror=\"document.title = 'owned'\">"
HOSTILE += " ' & \u202eright to left\u2066 \x00 {text} \u2028"
ASK = """
async (text) => {
  const part = (name) => document.querySelector(`[data-part="${name}"]`);
  part("translate-in").value = text;
  part("translate-in").dispatchEvent(new Event("input", { bubbles: true }));
  for (let i = 0; i < 600 && part("translate-out").getAttribute("aria-busy") !== "false"; i++) {
    if (part("state").classList.contains("bad")) break;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  return [part("translate-out").querySelectorAll(".token").length, part("state").textContent];
}
"""
SAID = """
const state = document.querySelector("[data-part=state]");
document.querySelector("#model").scrollIntoView();
for (let i = 0; i < 400 && !state.classList.contains("bad"); i++) await new Promise((r) => setTimeout(r, 25));
state.textContent
"""


@pytest.fixture
def bake(make_run: Callable[..., Path], plain_folder: Path, tmp_path: Path) -> Callable[..., tuple[Path, Any]]:
    """Draw the pages of a made-up run that exported a small random model."""
    numbers = iter(range(9))

    def make(config: Config | None = None, claimed: dict[str, Any] | None = None, **how: Any) -> tuple[Path, Any]:
        place = tmp_path / f"bake{next(numbers)}"
        shutil.copytree(plain_folder, place / "export" / "huggingface")
        about = place / "export" / "huggingface" / "config.json"
        about.write_text(json.dumps(json.loads(about.read_text()) | (claimed or {})))
        hostile = how.get("hostile", "")
        story = make_run(name=f"run{place.name}", **how)
        context = Context(name="loaf" + hostile, title="A small loaf" + hostile, description="A model." + hostile)
        artifact = run(config or Config(), {"run": story, "export": place / "export"}, place / "page", context)
        return place / "page", artifact

    return make


@pytest.fixture
def visit(browser: chromium.Chromium) -> Iterator[Callable[..., chromium.Page]]:
    pages: list[chromium.Page] = []

    def open_it(path: Path, **how: Any) -> chromium.Page:
        page = browser.page(path.as_uri(), **how)
        pages.append(page)
        return page

    yield open_it
    for page in pages:
        page.close()


def headline(artifact: Any) -> str:
    return retell({**artifact.facts, **artifact.measured}["headline"])


def policy_of(html: str) -> str:
    return str(next(a["content"] for _, a in Page(html).elements if a.get("http-equiv") == "Content-Security-Policy"))


@pytest.mark.parametrize("file", FILES)
def test_the_page_answers_and_asks_for_nothing(
    bake: Callable[..., Any], visit: Callable[..., chromium.Page], tmp_path: Path, file: str
) -> None:
    folder, artifact = bake()
    assert "with the model in it" in retell(artifact.measured["headline"])
    assert len(artifact.facts["model"]["sha256"]) == 64
    elsewhere = tmp_path / "un autre dossier, copié & déplacé" / "page.html"
    elsewhere.parent.mkdir()
    shutil.copy(folder / file, elsewhere)
    page = visit(elsewhere)
    num_tokens, state = page.ask(ASK, "Le fichier existe déjà.")
    assert num_tokens > 0
    assert state == {"index.html": "The model is ready.", "index.fr.html": "Le modèle est prêt."}[file]
    assert page.complaints == []
    assert [url for url in page.requests if not url.startswith(("data:", "blob:"))] == [elsewhere.as_uri()]
    assert page.ask("() => fetch('https://example.org/').then(() => 'sent', () => 'refused')") == "refused"


@pytest.mark.parametrize("file", FILES)
def test_the_policy_allows_this_style_this_script_and_the_worker_alone(bake: Callable[..., Any], file: str) -> None:
    html = (bake()[0] / file).read_text("utf-8")
    policy = policy_of(html)
    for name in ("style", "script"):
        (content,) = re.findall(rf"<{name}>(.*?)</{name}>", html, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"; {name}-src 'sha256-{digest}';" in policy
    assert policy.startswith("default-src 'none';")
    assert "; worker-src blob:;" in policy
    assert "connect-src" not in policy
    assert "unsafe" not in policy


def test_both_pages_are_well_formed_and_the_weights_stand_behind_all_else(bake: Callable[..., Any]) -> None:
    for file in FILES:
        html = (bake()[0] / file).read_text("utf-8")
        found = Page(html)
        assert found.wrong == []
        names = [str(attributes["id"]) for _, attributes in found.elements if "id" in attributes]
        assert len(set(names)) == len(names)
        assert names[-2:] == ["model-engine", "model-weights"]
        sections = [attributes["id"] for name, attributes in found.elements if name == "section"]
        assert sections.index("model") < sections.index("sources")


def test_the_same_inputs_give_the_same_pages(bake: Callable[..., Any]) -> None:
    one, other, faster = (bake(pace=pace)[0] for pace in (1.0, 1.0, 0.3))
    for file in FILES:
        html = (one / file).read_text("utf-8")
        assert html == (other / file).read_text("utf-8")
        assert html != (faster / file).read_text("utf-8")
        assert without_measured(html) == without_measured((faster / file).read_text("utf-8"))


def test_the_model_adds_little_to_the_page_but_its_weights(bake: Callable[..., Any]) -> None:
    carrying, artifact = bake()
    plain, _ = bake(Config(carry_model=False))
    for file in FILES:
        weights = 4 * -(-artifact.facts["model"]["bytes"] // 3)
        added = (carrying / file).stat().st_size - (plain / file).stat().st_size - weights
        assert 40_000 < added < 75_000


@pytest.mark.parametrize("file", FILES)
def test_hostile_names_stay_names(bake: Callable[..., Any], visit: Callable[..., chromium.Page], file: str) -> None:
    folder, _ = bake(hostile=HOSTILE)
    html = (folder / file).read_text("utf-8")
    assert Page(html).wrong == []
    assert "\u202e" not in html
    page = visit(folder / file)
    assert page.ask(ASK, HOSTILE)[0] > 0
    page.run("document.querySelector('[data-part=sample]').click()")
    assert page.ask(ASK, "Le pain.")[0] > 0
    page.run("document.querySelector('[data-tab=tokens]').click(); await new Promise((r) => setTimeout(r, 200))")
    assert "owned" in page.run("document.title")  # as a text: the recipe's title says so itself
    assert page.run("document.title").startswith("loaf</script>")
    assert page.run("document.querySelectorAll('img').length") == 0
    assert page.run("document.querySelectorAll('script').length") == 4
    assert page.complaints == []


def damaged(html: str, how: str) -> str:
    start = html.index(">", html.index('id="model-weights"')) + 1
    if how == "a file that was cut":
        return html[: start + 50_000]
    if how == "a file that was cut before its weights":
        return html[: html.index('id="model-weights"') - 500]
    if how == "weights that were cut":
        return html[: start + 50_000] + html[html.index("</script>", start) :]
    return html[: start + 50_000] + ("A" if html[start + 50_000] != "A" else "B") + html[start + 50_001 :]


DAMAGE = {
    "a file that was cut": "cut",
    "a file that was cut before its weights": "cut",
    "weights that were cut": "cut",
    "weights that were altered": "altered",
}
WORDS = {
    "index.html": {"cut": "The model in this page is not whole", "altered": "The model in this page was altered"},
    "index.fr.html": {
        "cut": "Le modèle de cette page n’est pas entier",
        "altered": "Le modèle de cette page a été altéré",
    },
}


@pytest.mark.parametrize("how", DAMAGE)
@pytest.mark.parametrize("file", FILES)
def test_a_damaged_model_is_said_so_and_the_report_stands(
    bake: Callable[..., Any], visit: Callable[..., chromium.Page], file: str, how: str
) -> None:
    folder, _ = bake()
    (folder / file).write_text(damaged((folder / file).read_text("utf-8"), how), "utf-8")
    page = visit(folder / file)
    assert page.run(SAID).startswith(WORDS[file][DAMAGE[how]])
    assert page.run("document.querySelector('[data-part=controls]').hidden") is True
    assert page.run("document.querySelectorAll('#records, #cost, #scores, footer').length") == 4
    assert page.run("getComputedStyle(document.querySelector('.label')).borderTopWidth") == "2px"


def test_a_page_without_a_model_says_why_or_nothing(
    bake: Callable[..., Any], make_run: Callable[..., Path], tmp_path: Path
) -> None:
    plain, artifact = bake(Config(carry_model=False))
    html = (plain / "index.html").read_text("utf-8")
    assert 'id="model"' not in html
    assert "worker-src" not in policy_of(html)
    assert artifact.facts["model"] == {}
    large, artifact = bake(claimed={"vocab_size": 1_000_000})
    html = (large / "index.fr.html").read_text("utf-8")
    assert "Cette page ne contient pas son modèle" in html
    assert "worker-src" not in policy_of(html)
    assert "with the model" not in retell(artifact.measured["headline"])
    assert "8-bit weights" in retell(artifact.facts["model"]["not_carried"])
    run(Config(), {"run": make_run(name="bare")}, tmp_path / "bare-page", Context(name="loaf"))
    assert 'id="model"' not in (tmp_path / "bare-page" / "index.html").read_text("utf-8")


def test_the_share_of_equal_tokens_is_said_of_the_model_that_was_measured(bake: Callable[..., Any]) -> None:
    html = (bake()[0] / "index.html").read_text("utf-8")
    assert "on held-out text the likeliest token stayed the same in 97.0\u00a0% of all places" in html
    (table,) = re.findall(r'id="rounding".*?</section>', html, re.DOTALL)
    cells = re.findall(r"<t[hd][^>]*>([^<]*)</t[hd]>", table)
    assert cells[cells.index("French") :][:5] == ["French", "6,000", "98.0\u00a0%", "3.2225", "3.2209"]
    assert "42.9" in cells
    assert "42.8" in cells


@pytest.mark.parametrize("file", FILES)
def test_nothing_is_wider_than_a_phone(
    bake: Callable[..., Any], visit: Callable[..., chromium.Page], file: str
) -> None:
    page = visit(bake()[0] / file, width=360, height=740, dark=True)
    page.ask(ASK, "Un mot interminable : " + "anticonstitutionnellement" * 6)
    for name in ("translate", "chat", "continue", "tokens"):
        page.run(f"document.querySelector('[data-tab={name}]').click()")
        assert page.run("document.documentElement.scrollWidth") <= 360


@pytest.mark.parametrize("file", FILES)
def test_everything_to_press_has_a_name_and_is_reached_with_the_keyboard(
    bake: Callable[..., Any], visit: Callable[..., chromium.Page], file: str
) -> None:
    page = visit(bake()[0] / file)
    assert page.ask(ASK, "Le pain.")[0] > 0
    roles = {"button", "combobox", "slider", "tab", "tabpanel", "textbox", "log"}
    for name in ("translate", "chat", "continue", "tokens"):
        page.run(f"document.querySelector('[data-tab={name}]').click()")
        nodes = page.call("Accessibility.getFullAXTree")["nodes"]
        shown = [node for node in nodes if not node.get("ignored") and node["role"]["value"] in roles]
        assert [node for node in shown if not node.get("name", {}).get("value")] == []
        assert {"tab", "textbox"} <= {node["role"]["value"] for node in shown}
    page.run("document.querySelector('[data-tab=translate]').click()")
    page.run("document.querySelector('[data-tab=translate]').focus()")
    met = []
    for _ in range(7):
        page.call("Input.dispatchKeyEvent", type="keyDown", key="Tab", code="Tab", windowsVirtualKeyCode=9)
        met.append(page.run("document.activeElement.dataset.part ?? document.activeElement.className.split(' ')[0]"))
    assert met == [
        *("way", "sample", "translate-in", "token", "translate-temperature", "translate-copy"),
        met[-1],
    ]
    assert page.run("document.querySelector('#model').contains(document.activeElement)") is False
