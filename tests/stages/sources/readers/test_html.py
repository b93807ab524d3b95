"""HTML pages of the kinds that documentation comes in; golden text, broken input, encodings."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fournil.stages.sources.readers.html import read_html

DOCBOOK = """<?xml version="1.0" encoding="utf-8"?>
<html xmlns="http://www.w3.org/1999/xhtml" xml:lang="fr-CA"><head><title>Chapitre 1</title><script src="x.js"/></head>
<body><div class="navheader"><table><tr><th>Navigation</th></tr></table><hr/></div>
<div class="section"><div class="titlepage"><h1 class="title"><a id="pain"/>Le pain</h1></div>
<div class="toc"><dl><dt>Sommaire</dt></dl></div>
<p>Le pain est «&#160;bon&#160;»&#160;:
   il est <em>frais</em>.</p>
<ul><li><p>farine</p></li><li>eau</li></ul><ol><li>pétrir</li><li>cuire<br/>longtemps</li></ol>
<dl><dt>levain</dt><dd><p>pâte vivante</p></dd></dl>
<pre>four --chaud
    220 &lt;degrés&gt;</pre>
<table><tr><th>Farine</th><th>Force</th></tr><tr><td><p>T45</p></td><td>faible</td></tr></table>
</div><div class="navfooter">Suivant</div></body></html>"""

DOCBOOK_TEXT = """\
Le pain

Le pain est «\u00a0bon\u00a0»\u00a0: il est frais.

• farine
• eau

1. pétrir
2. cuire
longtemps

levain
pâte vivante

four --chaud
    220 <degrés>

Farine | Force
T45 | faible"""

SPHINX = """<!DOCTYPE html><html lang="en"><head><title>Bread — Docs 1.0</title></head><body>
<div class="related" role="navigation"><h3>Navigation</h3></div>
<div class="document"><div class="body" role="main"><section><h1>Bread<a class="headerlink" href="#b">¶</a></h1>
<p>Bake <code><span class="pre">at</span> 220</code>.</p>
<div class="highlight"><pre><span></span><span class="k">def</span> bake():
    <span class="k">return</span> 1
</pre></div></section></div></div><div class="sphinxsidebar">Quick search</div></body></html>"""

LIBREOFFICE = """<!DOCTYPE html><html lang="fr"><body><header><p>Aide</p></header><aside>Index</aside>
<div id="DisplayArea"><h1>Options</h1><p>Choisissez <span class="switchinline">
<span hidden="true" class="MAC">Mac</span>
<span hidden="true" id="defaultx">Outils</span></span>.</p></div><footer>Debug</footer></body></html>"""


def test_docbook() -> None:
    page = read_html(DOCBOOK.encode())
    assert (page.title, page.language) == ("Le pain", "fr")
    assert page.text == DOCBOOK_TEXT


def test_sphinx() -> None:
    page = read_html(SPHINX.encode())
    assert page.title == "Bread"
    assert page.text == "Bread\n\nBake at 220.\n\ndef bake():\n    return 1"


def test_libreoffice_shows_what_its_script_would() -> None:
    assert read_html(LIBREOFFICE.encode()).text == "Options\n\nChoisissez Outils."


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ("<meta charset=iso-8859-1><p>l\u2019œuf été".encode("cp1252"), "l’œuf été"),
        ("<p>déjà vu, été, forêt, garçon".encode("latin-1"), "déjà vu, été, forêt, garçon"),
        ("<p>été".encode("utf-16"), "été"),
        ('<?xml version="1.0" encoding="ISO-8859-15"?><p>5\u00a0€</p>'.encode("iso-8859-15"), "5\u00a0€"),
        (b"<meta charset=nonsense><p>\xc3\xa9t\xc3\xa9", "été"),
        (b"", ""),
        (b"\0\1\2\3", ""),
        (b"<p>un<p>deux<b>trois", "un\n\ndeuxtrois"),
        (b"<script>x</script><style>y</style>", ""),
    ],
)
def test_encodings_and_broken_pages(data: bytes, text: str) -> None:
    assert read_html(data).text == text


def test_a_given_encoding_comes_first() -> None:
    assert read_html("<meta charset=utf-8><p>été".encode("latin-1"), encoding="latin-1").text == "été"


def test_real_pages(shared: Path) -> None:
    folder = shared / "samples" / "html"
    page = read_html((folder / "disic_bureautique_index.html").read_bytes())
    assert (page.title, page.language) == ("Créer des documents bureautiques accessibles", "fr")
    word = read_html((folder / "fr.wiktionary.org_42.html").read_bytes())
    assert (word.title, word.language) == ("42", "fr")
    assert "Accueil" not in word.text
    article = read_html((folder / "en.wikipedia.org_tsne.html").read_bytes())
    assert "Jump to navigation" not in article.text
    assert "stochastic neighbor embedding" in article.text
    assert all(line.strip() == line for line in article.text.split("\n") if "|" in line)


@given(st.text(alphabet=st.sampled_from("<>/=\"' apdivtrlox&;#1\n"), max_size=200))
def test_any_text_is_read(source: str) -> None:
    read_html(f"<div>{source}".encode())
