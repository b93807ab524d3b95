import pytest

from fournil.core.errors import FournilError
from fournil.stages.sources.catalogue import FOLDER, Size, keys, load, read_entry

GOOD = """\
title = "Bread"
kind = "debian"
url = "https://example.org"
rightsholder = "A baker"
dates = "2020"
language = "fr"
category = "documentation"
licence = "GPL-2.0-or-later"
packages = ["pain + (levain) | brioche", "sel"]
reader = "html"
members = 'usr/share/pain/(?P<name>[^/]+)\\.html'
exclude = ["*/index.html"]
group = "pain/{name}"
"""


def entry_of(tmp_path, text):
    path = tmp_path / "bread.toml"
    path.write_text(text)
    return read_entry(path)


@pytest.mark.parametrize("key", keys())
def test_every_shipped_entry_is_sound(key):
    entry = load(key)
    assert entry.title[0].isupper() or not entry.title[0].isascii() or entry.title.startswith("aptitude")
    assert entry.url.startswith(("https://", "http://"))
    assert entry.language in ("fr", "en", "")
    assert not entry.statement or all(len(digest) == 64 for digest in entry.copyright_sha256)


def test_documents_that_are_translations_of_each_other_share_their_group():
    by_name = {key: load(key) for key in keys()}
    pairs = [(key, key.removesuffix("-fr") + "-en") for key in by_name if key.endswith("-fr")]
    pairs += [("debian-manpages-fr", "debian-manpages"), ("debian-manpages-fr-dev", "debian-manpages-dev")]
    found = [(by_name[fr], by_name[en]) for fr, en in pairs if en in by_name]
    assert len(found) >= 9
    for fr, en in found:
        assert (fr.group, fr.language, en.language) == (en.group, "fr", "en")


def test_an_entry_says_which_files_it_wants_and_what_their_paths_mean(tmp_path):
    entry = entry_of(tmp_path, GOOD)
    assert entry.match("usr/share/pain/mie.html") == {"name": "mie"}
    assert entry.match("usr/share/pain/index.html") is None
    assert entry.match("usr/share/pain/mie.html.bak") is None
    assert [entry.is_read(name) for name in ("pain", "levain", "brioche")] == [True, False, True]
    assert entry.alternatives() == [[["pain", "levain"], ["brioche"]], [["sel"]]]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("rightsholder", "rightholder", "unknown field 'rightholder'.*Did you mean 'rightsholder'"),
        ('title = "Bread"\n', "", "missing field 'title'"),
        ('"html"', '"htlm"', "reader cannot be 'htlm'"),
        ('"GPL-2.0-or-later"', '"GPL-2+"', "licence|SPDX"),
        ('"GPL-2.0-or-later"', '"gpl-2.0-or-later"', "normal spelling"),
        ("(?P<name>", "(?P<name", "no regular expression"),
        ("pain/{name}", "pain/{chapter}", "group uses 'chapter'"),
        ("brioche", "Brioche!", "not a package name"),
        ('dates = "2020"', "dates = 2020", "dates must be a string"),
        ('exclude = ["*/index.html"]', 'exclude = "x"', "exclude must be an array"),
        ('dates = "2020"', 'dates = "2020"\nstatement = "It is free."', "needs copyright_sha256"),
        ('language = "fr"\n', "", "missing field 'language'"),
        ("title =", "title", "not valid TOML"),
        ('group = "pain/{name}"', "size = 3", "size must be a table"),
        ('group = "pain/{name}"', "[size]\nbytes = 0", "size must be a table of positive whole numbers"),
        ('group = "pain/{name}"', "[size]\nbytes = 1\npair = 2", "unknown field 'size.pair'.*Did you mean 'pairs'"),
        ('group = "pain/{name}"', "[size]\npairs = 2", "missing field 'size.bytes'"),
    ],
)
def test_a_wrong_entry_is_refused_with_its_reason(tmp_path, old, new, message):
    assert old in GOOD
    with pytest.raises(FournilError, match=message):
        entry_of(tmp_path, GOOD.replace(old, new))


def test_an_entry_may_say_how_much_there_was(tmp_path):
    assert entry_of(tmp_path, GOOD).size is None
    assert entry_of(tmp_path, GOOD + "[size]\ndocuments = 1_000\nbytes = 5\n").size == Size(5, documents=1000)
    sized = [entry.size for entry in map(load, keys()) if entry.size]
    assert len(sized) >= 40
    assert all(bool(size.documents) != bool(size.pairs) for size in sized)


def test_an_unknown_key_names_the_nearest():
    with pytest.raises(FournilError, match="Did you mean 'debian-manpages-fr'"):
        load("debian-manpage-fr")
    with pytest.raises(FournilError, match="no source"):
        load("../../pyproject")


def test_the_catalogue_ships_in_the_package():
    assert FOLDER.is_dir()
    assert len(keys()) >= 40


def test_the_docs_list_every_source_of_the_catalogue(repository):
    page = (repository / "docs" / "01-sources.md").read_text("utf-8")
    listed = [line.split("`")[1] for line in page.splitlines() if line.startswith("| `debian-")]
    assert listed == keys()
