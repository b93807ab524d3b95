"""What a visitor of the page does with the model."""

import json
import re
from collections.abc import Callable, Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import chromium
import pytest

from fournil.core.speech import mark, speaking
from fournil.stages.report import Config
from fournil.stages.report.layout import Section
from fournil.stages.report.markup import Html, tag
from fournil.stages.report.model.embed import POLICY, blocks, page_script, page_style
from fournil.stages.report.model.markup import section
from fournil.stages.report.model.pack import Packed, Unpackable, pack
from fournil.stages.report.story import Story, read_story

HOSTILE = "</script><script>document.title = 'owned'</script><img src=x onerror=\"document.title = 'owned'\">"

ASK = """
async (name, value) => {
  const found = document.querySelector(`[data-part="${name}"]`);
  found.value = value;
  found.dispatchEvent(new Event("input", { bubbles: true }));
}
"""
WRITTEN = """
async (name) => {
  const found = document.querySelector(`[data-part="${name}"]`);
  for (let i = 0; i < 600 && found.getAttribute("aria-busy") !== "false"; i++) {
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  found.removeAttribute("aria-busy");
  return [...found.querySelectorAll(".token")].map((token) => token.textContent);
}
"""
CLICK = """(selector) => { document.querySelector(selector).click(); }"""


@pytest.fixture(scope="module")
def packed(make_folder: Callable[..., Path]) -> Packed:
    shape: dict[str, Any] = {"num_attention_heads": 3, "num_key_value_heads": 3, "tie_word_embeddings": True}
    return pack(make_folder(single_turn=True, **shape), ("fr", "en"))


@pytest.fixture
def make_story(make_run: Callable[..., Path]) -> Callable[..., Story]:
    def make(**how: Any) -> Story:
        return read_story(make_run(**how), name="loaf", title="", description="", languages=("fr", "en"))

    return make


@pytest.fixture
def visit(
    browser: chromium.Chromium, tmp_path: Path, packed: Packed, digest: Callable[[str], str]
) -> Iterator[Callable[..., chromium.Page]]:
    pages: list[chromium.Page] = []

    def open_it(
        found: Section,
        language: str = "en",
        width: int = 1000,
        dark: bool = False,
        change: Callable[[Html], Html] = Html,
    ) -> chromium.Page:
        style = files("fournil.stages.report").joinpath("page.css").read_text("utf-8") + page_style()
        code = files("fournil.stages.report").joinpath("page.js").read_text("utf-8") + page_script()
        policy = f"default-src 'none'; style-src {digest(style)}; script-src {digest(code)}; {POLICY}"
        guard = tag("meta", http_equiv="Content-Security-Policy", content=policy)
        view = tag("meta", name="viewport", content="width=device-width, initial-scale=1")
        head = tag("head", tag("meta", charset="utf-8"), guard, view, tag("style", Html(style)))
        main = tag("div", tag("main", found.draw()), class_="page")
        body = tag("body", main, tag("script", Html(code)), change(blocks(packed)))
        path = tmp_path / f"{len(pages)}.html"
        path.write_text(f"<!DOCTYPE html>{tag('html', head, body, lang=language)}", encoding="utf-8")
        page = browser.page(path.as_uri(), width=width, dark=dark)
        pages.append(page)
        return page

    yield open_it
    for page in pages:
        page.close()


def drawn(story: Story, carried: Packed | Unpackable) -> Section:
    found = section(story, Config(), carried)
    assert found is not None
    return found


def test_a_text_is_translated_as_it_is_typed(
    make_story: Callable[..., Story], packed: Packed, visit: Callable[..., chromium.Page]
) -> None:
    page = visit(drawn(make_story(), packed))
    page.ask(ASK, "translate-in", "Do you want to save the changes?")
    tokens = page.ask(WRITTEN, "translate-out")
    assert tokens
    # The text's words tell that it is English.
    assert page.run("document.querySelector('[data-part=way]').value") == "en fr"
    assert page.run("document.querySelector('[data-part=translate-out]').lang") == "fr"
    page.ask(ASK, "translate-in", "Voulez-vous que je le fasse pour les autres ?")
    assert page.ask(WRITTEN, "translate-out")
    assert page.run("document.querySelector('[data-part=way]').value") == "fr en"
    assert page.run("document.querySelector('[data-part=state]').textContent") == "The model is ready."
    assert page.complaints == []
    assert [url for url in page.requests if not url.startswith(("blob:", "file:"))] == []


def test_each_token_says_how_likely_it_was(
    make_story: Callable[..., Story], packed: Packed, visit: Callable[..., chromium.Page]
) -> None:
    page = visit(drawn(make_story(), packed))
    page.ask(ASK, "translate-in", "The file.")
    page.ask(WRITTEN, "translate-out")
    page.run("document.querySelector('[data-part=translate-out] .token').focus()")
    press = """(key) => {
      document.activeElement.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
      return [...document.querySelectorAll("[data-part=translate-out] .token")].indexOf(document.activeElement);
    }"""
    assert [page.ask(press, key) for key in ("ArrowRight", "ArrowRight", "ArrowLeft", "Home")] == [1, 2, 1, 0]
    assert (
        page.ask(press, "End") == page.run("document.querySelectorAll('[data-part=translate-out] .token').length") - 1
    )
    assert page.run("document.querySelectorAll('[data-part=detail] li').length") == 5
    label = page.run("document.activeElement.getAttribute('aria-label')")
    assert re.fullmatch(r"token “.+”, (less than )?[\d.]+\u00a0%", label)
    assert page.run("document.querySelector('[data-part=detail] .chosen code').textContent") in label


def test_chat_goes_on_and_copies(
    make_story: Callable[..., Story], packed: Packed, visit: Callable[..., chromium.Page]
) -> None:
    page = visit(drawn(make_story(), packed))
    page.ask(CLICK, "[data-tab=chat]")
    for number, message in enumerate(("Bonjour <b>", "Encore"), start=1):
        page.ask(ASK, "chat-in", message)
        page.run("document.querySelector('[data-part=chat-form]').requestSubmit()")
        page.run(
            """const answer = document.querySelector(".turns .its:last-child .written");
            for (let i = 0; i < 400 && answer.getAttribute("aria-busy") !== "false"; i++) {
              await new Promise((resolve) => setTimeout(resolve, 25));
            }"""
        )
        texts = page.run("[...document.querySelectorAll('.turns .mine .written')].map((turn) => turn.textContent)")
        assert texts == ["Bonjour <b>", "Encore"][:number]
    assert page.run("document.querySelectorAll('.turns .its .token').length") > 0
    assert page.run("document.querySelector('[data-part=chat-stop]').disabled") is True
    assert "tokens per second" in page.run("document.querySelector('[data-part=chat-speed]').textContent")


def test_writing_stops_when_told(
    make_story: Callable[..., Story], packed: Packed, visit: Callable[..., chromium.Page]
) -> None:
    page = visit(drawn(make_story(), packed))
    page.ask(CLICK, "[data-tab=continue]")
    page.ask(ASK, "continue-in", "Le pain")
    stopped = page.run(
        """const part = (name) => document.querySelector(`[data-part="${name}"]`);
        const out = part("continue-out");
        new MutationObserver(() => {
          if (out.querySelectorAll(".token").length === 3) part("continue-stop").click();
        }).observe(out, { childList: true });
        part("continue-go").click();
        while (out.getAttribute("aria-busy") !== "false") await new Promise((resolve) => setTimeout(resolve, 10));
        [out.querySelectorAll(".token").length, part("continue-stop").disabled]"""
    )
    assert 3 <= stopped[0] < 40  # of 120, which take less than half a second
    assert stopped[1] is True


def test_temperature_decides_whether_texts_differ(
    make_story: Callable[..., Story], packed: Packed, visit: Callable[..., chromium.Page]
) -> None:
    page = visit(drawn(make_story(), packed))
    page.ask(CLICK, "[data-tab=continue]")
    page.ask(ASK, "continue-in", "Le pain")

    def written(temperature: float) -> str:
        page.ask(ASK, "continue-temperature", temperature)
        page.ask(CLICK, "[data-part=continue-go]")
        return "".join(page.ask(WRITTEN, "continue-out"))

    assert written(0) == written(0) != ""
    assert page.run("document.querySelector('[data-part=continue-degrees]').textContent") == "0.0"
    assert len({written(1.5) for _ in range(3)}) == 3
    assert page.run("document.querySelector('[data-part=continue-degrees]').textContent") == "1.5"


@pytest.mark.parametrize("trusted", [True, False])
def test_a_translation_is_copied(
    make_story: Callable[..., Story], packed: Packed, visit: Callable[..., chromium.Page], trusted: bool
) -> None:
    page = visit(drawn(make_story(), packed))
    page.ask(ASK, "translate-in", "The file.")
    text = "".join(page.ask(WRITTEN, "translate-out"))
    page.run(
        """globalThis.kept = [];
        document.addEventListener("copy", ({ target }) => kept.push(target.value ?? String(getSelection())))"""
    )
    instead = "async (text) => { kept.push(text); }" if trusted else "async () => { throw new Error('not allowed'); }"
    page.run(f"Object.defineProperty(navigator, 'clipboard', {{ value: {{ writeText: {instead} }} }})")
    press = "document.querySelector('[data-part=translate-copy]').click()"
    page.call("Runtime.evaluate", expression=press, userGesture=True)
    page.run("await new Promise((resolve) => setTimeout(resolve, 100))")
    (kept,) = page.run("kept")
    assert kept.strip() == text.strip()
    assert page.run("document.querySelector('[data-part=translate-speed]').textContent") == "Copied."
    assert page.run("document.querySelectorAll('body > textarea').length") == 0
    assert page.complaints == []


def test_the_tokenizer_shows_the_same_sentence_in_both_languages(
    make_story: Callable[..., Story], packed: Packed, visit: Callable[..., chromium.Page]
) -> None:
    page = visit(drawn(make_story(), packed), "fr")
    page.ask(CLICK, "[data-tab=tokens]")
    texts = {"fr": "Une page, deux pages et 漢", "en": "One page"}
    for language, text in texts.items():
        page.ask(ASK, f"tokens-{language}", text)
        pieces = page.ask(
            """async (name, text) => {
              const found = document.querySelector(`[data-part="${name}"]`);
              for (let i = 0; i < 400; i++) {
                await new Promise((resolve) => setTimeout(resolve, 25));
                if (found.textContent.startsWith(text)) break;
              }
              return [...found.querySelectorAll(".token")].map((token) => token.textContent);
            }""",
            f"cut-{language}",
            text.replace(" ", "␣").replace("漢", ""),
        )
        assert "".join(pieces).replace("<0xE6><0xBC><0xA2>", "漢") == text.replace(" ", "␣")
        counts = page.run(f"document.querySelector('[data-part=count-{language}]').textContent")
        assert counts.startswith(f"Tokens: {len(pieces)} ")
        assert "learned vocabulary" in counts
        words = len(text.split())
        assert f"{len(pieces) / words:.2f}".replace(".", ",") in counts


def test_a_held_out_sample_is_tried_beside_its_reference(
    make_story: Callable[..., Story], packed: Packed, visit: Callable[..., chromium.Page]
) -> None:
    page = visit(drawn(make_story(), packed))
    for source, reference in (
        ("The file already exists.", "Le fichier existe déjà."),
        ("Do you want to save the changes?", "Voulez-vous enregistrer les modifications\u202f?"),
    ):
        page.ask(CLICK, "[data-part=sample]")
        page.ask(WRITTEN, "translate-out")
        assert page.run("document.querySelector('[data-part=translate-in]').value") == source
        assert page.run(
            """const found = document.querySelector("[data-part=reference]");
            for (let i = 0; i < 200 && found.hidden; i++) await new Promise((resolve) => setTimeout(resolve, 25));
            found.querySelector("q").textContent"""
        ) == reference  # fmt: skip


def test_tabs_are_reached_with_the_keyboard(
    make_story: Callable[..., Story], packed: Packed, visit: Callable[..., chromium.Page]
) -> None:
    page = visit(drawn(make_story(), packed))
    move = """(key) => {
      document.activeElement.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
      const open = [...document.querySelectorAll("[data-panel]")].filter((panel) => !panel.hidden);
      return [document.activeElement.dataset.tab, ...open.map((panel) => panel.dataset.panel)];
    }"""
    page.run("document.querySelector('[data-tab=translate]').focus()")
    assert page.ask(move, "ArrowRight") == ["chat", "chat"]
    assert page.ask(move, "ArrowLeft") == ["translate", "translate"]
    assert page.ask(move, "ArrowLeft") == ["tokens", "tokens"]


@pytest.mark.parametrize("language", ["en", "fr"])
def test_it_fits_a_narrow_screen(
    make_story: Callable[..., Story], packed: Packed, visit: Callable[..., chromium.Page], language: str
) -> None:
    with speaking(language):
        found = drawn(make_story(), packed)
    page = visit(found, language, width=360, dark=True)
    for name in ("translate", "chat", "continue", "tokens"):
        page.ask(CLICK, f"[data-tab={name}]")
        assert page.run("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0


def test_hostile_texts_stay_texts(
    make_story: Callable[..., Story], packed: Packed, visit: Callable[..., chromium.Page]
) -> None:
    found = drawn(make_story(hostile=HOSTILE), packed)
    page = visit(found)
    page.ask(CLICK, "[data-part=sample]")
    page.ask(WRITTEN, "translate-out")
    page.ask(ASK, "translate-in", HOSTILE)
    page.ask(WRITTEN, "translate-out")
    assert page.run("document.title") == ""
    assert page.run("document.querySelectorAll('img').length") == 0
    assert page.complaints == []
    blocks = re.findall(r'<script type="application/json" id="model-words">(.*?)</script>', found.draw(), re.DOTALL)
    assert HOSTILE in json.loads(blocks[0])["samples"][0]["source"]


def test_damaged_weights_are_said_so_and_the_report_stands(
    make_story: Callable[..., Story], packed: Packed, visit: Callable[..., chromium.Page]
) -> None:
    def altered(html: Html) -> Html:
        place = html.rindex("</script>") - 300
        return Html(html[:place] + ("A" if html[place] != "A" else "B") + html[place + 1 :])

    page = visit(drawn(make_story(), packed), change=altered)
    said = page.run(
        """const state = document.querySelector("[data-part=state]");
        for (let i = 0; i < 400 && !state.classList.contains("bad"); i++) {
          await new Promise((resolve) => setTimeout(resolve, 25));
        }
        state.textContent"""
    )
    assert said.startswith("The model in this page was altered: its hash is not the one that was baked.")
    assert page.run("document.querySelector('[data-part=controls]').hidden") is True
    assert page.run("document.querySelector('h2').textContent") == "Try the model"


def test_a_model_that_a_page_cannot_carry_says_why_and_what_else(make_story: Callable[..., Story]) -> None:
    story = make_story()
    html = drawn(story, Unpackable(mark("it has {count} heads", count=3))).draw()
    assert "This page does not carry its model: it has 3 heads." in html
    assert "fournil chat RUN" in html
    assert "llama-server -m RUN/07-export/gguf/loaf-q8_0.gguf" in html
    assert "serve RUN" not in html
    assert "model-weights" not in html
    assert section(story, Config(), None) is None
