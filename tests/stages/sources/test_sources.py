"""The stage as a whole, on packages and files that the test makes."""

import dataclasses
import gzip
import hashlib
import json
import shutil

import pytest

import fournil.stages.sources.catalogue as catalogue_module
from fournil.core.context import Context
from fournil.core.document import DOCUMENTS, EVIDENCE, PAIRS, REFUSED_DOCUMENTS, REFUSED_PAIRS
from fournil.core.errors import FournilError
from fournil.core.files import hash_tree
from fournil.core.shards import read_all
from fournil.stages.sources import Config, FilesSource, debian, reads, run

needs_apt = pytest.mark.skipif(shutil.which("apt-get") is None, reason="needs apt-get")

PAGE = """.TH {name} 1
.SH NAME
{name} \\- a page of the manual about bread and how it is made at home
.SH DESCRIPTION
Mix the flour with water, wait for an hour, fold the dough twice and bake it hot.
"""

ENTRIES = {
    "pages": """\
title = "Pages about bread"
kind = "debian"
url = "https://example.org/pain"
rightsholder = "Une Boulangère"
dates = "2020"
language = "en"
category = "documentation"
licence = "GPL-2.0-or-later"
packages = ["pain + (pain-base) | brioche"]
reader = "man"
members = 'usr/share/man/(?P<section>man\\d)/(?P<name>[^/]+)\\.gz'
group = "man/{name}"
licence_path = ["po/fr/{name}.po", "{section}/{name}"]
""",
    "code": """\
title = "Code about bread"
kind = "debian"
url = "https://example.org/pain"
rightsholder = "Une Boulangère"
dates = "2020"
category = "code"
licence = "Python-2.0"
statement = "may be shared as long as the crumbs are shared too"
copyright_sha256 = ["0000000000000000000000000000000000000000000000000000000000000000"]
packages = ["brioche"]
reader = "code"
members = 'usr/lib/(?P<name>.+\\.py)'
""",
    "messages": """\
title = "Messages about bread"
kind = "debian"
url = "https://example.org/pain"
rightsholder = "Une Boulangère"
dates = "2020"
language = "fr"
category = "messages"
licence = "MIT"
packages = ["pain-base"]
reader = "messages"
members = 'usr/share/locale/fr/LC_MESSAGES/(?P<name>[^/]+)\\.mo'
licence_path = ["po/fr.po"]
mnemonic = "_"
""",
}

PYTHON = (
    b'"""How to bake."""\n\n\ndef bake(dough):\n    """Bake the dough until it sounds hollow."""\n    return dough\n'
)


@pytest.fixture
def entries(tmp_path, monkeypatch):
    folder = tmp_path / "catalogue"
    folder.mkdir()
    for key, text in ENTRIES.items():
        (folder / f"{key}.toml").write_text(text)
    monkeypatch.setattr(catalogue_module, "FOLDER", folder)
    return folder


@pytest.fixture
def bakery(archive, entries, dep5, mo):
    def page(name):
        return gzip.compress(PAGE.format(name=name).encode(), mtime=0)

    archive.add(
        "pain",
        {
            "usr/share/doc/pain": ("sym", "pain-base"),
            "usr/share/man/man1/mie.1.gz": page("mie"),
            "usr/share/man/man1/croute.1.gz": page("croute"),
            "usr/share/man/man1/same.1.gz": ("sym", "mie.1.gz"),
            "usr/share/man/man1/alias.1.gz": gzip.compress(b".so man1/mie.1\n", mtime=0),
            "usr/share/man/man1/damaged.1.gz": b"\x1f\x8b no gzip",
            "usr/share/man/man1/linked.1.gz": ("sym", "../../real/page.gz"),
            "usr/share/real/page.gz": page("linked"),
        },
    )
    messages = {"_Bake the bread": "_Cuire le pain", "Format": "Format", "100%": "100 %", "Open": "Ouvrir"}
    archive.add(
        "pain-base",
        {
            "usr/share/doc/pain-base/copyright": dep5.encode(),
            "usr/share/man/man1/not-read.1.gz": page("not-read"),  # only its copyright file is asked for
            "usr/share/locale/fr/LC_MESSAGES/pain.mo": mo(messages),
        },
    )
    archive.add(
        "brioche",
        {
            "usr/share/doc/brioche/copyright": b"Brioche may be shared as long\n  as the crumbs are shared too.\n",
            "usr/lib/bake.py": PYTHON,
            "usr/lib/empty.py": b"",
            "usr/lib/latin.py": b"# a comment in an encoding that is not declared: caf\xe9\n" + PYTHON,
        },
    )
    return archive


def bake(archive, out, *use, **more):
    config = Config(use=use, apt_sources=str(archive.sources), man_reader="fournil", **more)
    return run(config, {}, out, Context())


@needs_apt
def test_documents_carry_the_licence_of_their_paragraph_and_its_evidence(bakery, tmp_path):
    artifact = bake(bakery, tmp_path / "out", "pages")
    documents = read_all(tmp_path / "out" / "documents", DOCUMENTS).to_pylist()
    assert [row["id"] for row in documents] == ["pages/croute.1", "pages/linked.1", "pages/mie.1"]
    assert "Mix the flour with water" in documents[0]["text"]
    assert {row["licence"] for row in documents} == {"MIT OR CC-BY-SA-4.0"}  # the later paragraph, po/*
    assert json.loads(documents[2]["extra"]) == {"group": "man/mie.1", "path": "usr/share/man/man1/mie.1.gz"}
    evidence = {row["key"]: row for row in read_all(tmp_path / "out" / "evidence.parquet", EVIDENCE).to_pylist()}
    found = evidence[documents[0]["evidence"]]
    assert found["grade"] == "machine-readable"
    assert found["file"] == "usr/share/doc/pain-base/copyright"
    assert found["package"] == "pain"
    assert "Files: po/*; License: Expat or CC-BY-SA-4.0" in found["paragraph"]
    refused = read_all(tmp_path / "out" / "refused", REFUSED_DOCUMENTS, prefix="documents-").to_pylist()
    assert [(row["id"], row["rule"], row["value"]) for row in refused] == [("pages/alias.1", "alias", "man1/mie.1")]
    facts = artifact.facts["sources"][0]
    assert facts["members_not_read"] == {"damaged": 1, "link": 1}
    assert [package["name"] for package in facts["packages"]] == ["pain", "pain-base"]
    assert facts["documents"]["licences"] == {"MIT OR CC-BY-SA-4.0": 3}


@needs_apt
def test_a_statement_counts_when_the_copyright_file_holds_it(bakery, tmp_path, entries, dep5):
    artifact = bake(bakery, tmp_path / "out", "code")
    documents = read_all(tmp_path / "out" / "documents", DOCUMENTS).to_pylist()
    assert [(row["id"], row["language"], row["category"], row["licence"]) for row in documents] == [
        ("code/bake.py", "code", "code", "Python-2.0")
    ]
    assert documents[0]["text"].encode() == PYTHON
    evidence = read_all(tmp_path / "out" / "evidence.parquet", EVIDENCE).to_pylist()
    assert [row["grade"] for row in evidence] == ["stated"]
    assert (
        evidence[0]["sha256"]
        == hashlib.sha256(b"Brioche may be shared as long\n  as the crumbs are shared too.\n").hexdigest()
    )
    count = artifact.counts[0]
    assert (count.num_in, count.num_out, count.refused) == (3, 1, {"encoding": 1, "too-short": 1})


@needs_apt
def test_without_the_statement_every_document_is_refused(bakery, tmp_path, entries):
    path = entries / "code.toml"
    path.write_text(path.read_text().replace("crumbs", "crusts"))
    artifact = bake(bakery, tmp_path / "out", "code")
    refused = read_all(tmp_path / "out" / "refused", REFUSED_DOCUMENTS, prefix="documents-").to_pylist()
    assert {row["rule"] for row in refused if row["id"] == "code/bake.py"} == {"licence-unknown"}
    assert {row["licence"] for row in refused} == {"NOASSERTION"}
    assert artifact.counts[0].num_out == 0
    assert not (tmp_path / "out" / "documents").exists()


@needs_apt
def test_messages_become_pairs_and_useless_ones_are_refused(bakery, tmp_path):
    artifact = bake(bakery, tmp_path / "out", "messages")
    pairs = read_all(tmp_path / "out" / "pairs", PAIRS).to_pylist()
    assert [dict(row["texts"]) for row in pairs] == [
        {"en": "Open", "fr": "Ouvrir"},
        {"en": "Bake the bread", "fr": "Cuire le pain"},
    ]
    assert json.loads(pairs[1]["extra"]) == {"kind": "message", "mnemonic": "_"}
    assert all(row["id"].startswith("messages/pain/") and row["licence"] == "MIT OR CC-BY-SA-4.0" for row in pairs)
    refused = read_all(tmp_path / "out" / "refused", REFUSED_PAIRS, prefix="pairs-").to_pylist()
    assert {row["rule"] for row in refused} == {"equal", "no-letter"}
    assert artifact.facts["languages"]["fr"]["pairs"] == 2


@needs_apt
def test_the_first_alternative_that_is_whole_is_chosen(archive, entries, dep5):
    archive.add("pain", {"a": b"1"})  # its partner pain-base is not there
    archive.add("brioche", {"usr/share/doc/brioche/copyright": dep5.encode()})
    from fournil.core.progress import Progress
    from fournil.stages.sources.apt import Apt

    apt = Apt(archive.sources, Progress())
    apt.update()
    choice = debian.choose([catalogue_module.load("pages")], apt)[0]
    assert [package.name for package in choice.packages] == ["brioche"]
    archive.sources.write_text(archive.sources.read_text() + "\n")
    with pytest.raises(FournilError, match="no package 'pain-base' in the index of packages"):
        debian.choose([catalogue_module.load("messages")], apt)


@needs_apt
def test_a_killed_stage_goes_on_and_ends_byte_for_byte_the_same(bakery, tmp_path, monkeypatch):
    whole = bake(bakery, tmp_path / "whole", "pages", "code", "messages")
    real, read = debian.read_choice, []

    def dies(choice, unit, reading):
        read.append(choice.entry.key)
        facts = real(choice, unit, reading)
        if choice.entry.key == "code":
            unit._writer(("documents", False)).write_rows([])
            (unit._out / "documents" / "code-00000.parquet").write_bytes(b"half")
            raise KeyboardInterrupt
        return facts

    monkeypatch.setattr(debian, "read_choice", dies)
    with pytest.raises(KeyboardInterrupt):
        bake(bakery, tmp_path / "killed", "pages", "code", "messages")
    monkeypatch.setattr(
        debian, "read_choice", lambda choice, *rest: read.append(choice.entry.key) or real(choice, *rest)
    )
    again = bake(bakery, tmp_path / "killed", "pages", "code", "messages")
    assert read == ["pages", "code", "code", "messages"]
    trees = [hash_tree(tmp_path / name) for name in ("whole", "killed")]
    assert trees[0]["sha256"] == trees[1]["sha256"]
    assert (again.counts, again.facts) == (whole.counts, whole.facts)


@needs_apt
def test_a_source_is_read_again_when_its_package_has_changed(bakery, tmp_path):
    bake(bakery, tmp_path / "out", "code")
    members = {"usr/share/doc/brioche/copyright": b"shared as long as the crumbs", "usr/lib/new.py": PYTHON}
    bakery.add("brioche", members, version="2.0-1")
    import os

    os.utime(bakery.sources, None)
    stamp = next(tmp_path.glob("cache/fournil/apt/*/updated"))
    os.utime(stamp, (1, 1))
    artifact = bake(bakery, tmp_path / "out", "code")
    assert artifact.facts["sources"][0]["packages"][0]["version"] == "2.0-1"
    assert not (tmp_path / "out" / "documents" / "code-00000.parquet").exists()  # nothing of the old one is left


def test_no_source_at_all_is_an_error(tmp_path):
    with pytest.raises(FournilError, match="no source is named"):
        run(Config(), {}, tmp_path, Context())


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"use": ("a", "a")}, "two sources are called 'a'"),
        ({"use": ("A b",)}, "cannot be called 'A b'"),
        ({"man_reader": "less"}, "man_reader is one of"),
        ({"max_unpacked_mb": 0.0}, "bounds"),
    ],
)
def test_settings_that_cannot_be_are_refused(values, message):
    with pytest.raises(ValueError, match=message):
        Config(**values)


def test_the_stage_names_the_outside_files_that_it_reads(tmp_path, entries):
    (tmp_path / "mie.txt").write_text("bonjour")
    source = FilesSource(key="own", paths=(str(tmp_path / "*.txt"),), licence="CC0-1.0")
    config = Config(use=("pages",), files=(source,), apt_sources="/etc/apt/sources.list")
    assert [path.name for path in reads(config)] == ["pages.toml", "mie.txt", "sources.list"]
    with pytest.raises(FournilError, match="no file matches"):
        reads(Config(files=(dataclasses.replace(source, paths=(str(tmp_path / "*.md"),)),)))
