"""Which way packages come, whether they can be reached at all, and that the way changes nothing of what is read."""

import shutil

import huggingface_hub
import pytest

import fournil.stages.sources.catalogue as catalogue_module
from fournil.core.context import Context
from fournil.core.errors import FournilError
from fournil.core.files import hash_tree
from fournil.core.progress import Progress
from fournil.stages.sources import Config, FilesSource, HubSource, download, run
from fournil.stages.sources.apt import Apt
from fournil.stages.sources.download import Patience
from fournil.stages.sources.reach import reachable
from fournil.stages.sources.ways import packages_from, ways

needs_apt = pytest.mark.skipif(shutil.which("apt-get") is None, reason="needs apt-get")
ENTRY = """\
title = "Code about bread"
kind = "debian"
url = "https://example.org/pain"
rightsholder = "Une Boulangère"
dates = "2020"
category = "code"
licence = "GPL-2.0-or-later"
packages = ["croissant | {name}"]
reader = "code"
members = 'usr/lib/(?P<name>.+\\.py)'
"""
NOWHERE = "http://127.0.0.1:9/debian"


@pytest.fixture
def entry(tmp_path, monkeypatch):
    folder = tmp_path / "catalogue"
    folder.mkdir()
    (folder / "code.toml").write_text(ENTRY.format(name="levain"))
    monkeypatch.setattr(catalogue_module, "FOLDER", folder)
    hasty = Patience(connect_seconds=1.0, read_seconds=1.0, tries=1)
    monkeypatch.setattr(download, "PATIENT", hasty)


@pytest.fixture
def served(archive, debian, deb, dep5, entry):
    """The same package in an archive for apt and in a mirror."""
    code = b'"""How to bake."""\n\n\ndef bake(dough):\n    """Bake until it sounds hollow."""\n    return dough\n'
    members = {"usr/share/doc/levain/copyright": dep5.encode(), "usr/lib/bake.py": code}
    archive.add("levain", members, version="1.0-1")
    debian.add("levain", next(archive.folder.glob("levain*.deb")).read_bytes(), Source="levain")
    debian.publish()
    return archive, debian


def without_apt(monkeypatch):
    real = shutil.which
    monkeypatch.setattr(shutil, "which", lambda name: None if name.startswith("apt") else real(name))


@needs_apt
def test_the_same_packages_give_the_same_documents_whichever_way_they_came(served, tmp_path):
    archive, debian = served
    by_apt = run(Config(use=("code",), apt_sources=str(archive.sources)), {}, tmp_path / "apt", Context())
    shutil.rmtree(tmp_path / "cache" / "fournil" / "apt" / "packages")
    config = Config(use=("code",), fetch="mirror", mirror=debian.url, keyring="none")
    by_mirror = run(config, {}, tmp_path / "mirror", Context())
    assert debian.asked("levain_1.0-1_amd64.deb")
    assert hash_tree(tmp_path / "apt")["sha256"] == hash_tree(tmp_path / "mirror")["sha256"]
    assert (by_apt.facts, by_apt.counts) == (by_mirror.facts, by_mirror.counts)
    assert by_apt.measured["fetched"]["way"] == "apt"
    assert by_mirror.measured["fetched"]["mirror"] == debian.url


@needs_apt
def test_a_package_that_came_through_apt_is_not_fetched_again_from_a_mirror(served, tmp_path):
    archive, debian = served
    run(Config(use=("code",), apt_sources=str(archive.sources)), {}, tmp_path / "apt", Context())
    config = Config(use=("code",), fetch="mirror", mirror=debian.url, keyring="none")
    assert run(config, {}, tmp_path / "mirror", Context()).measured["fetched_bytes"] == 0
    assert not debian.asked(".deb")


def test_a_machine_without_apt_takes_the_mirror_by_itself(served, tmp_path, monkeypatch):
    without_apt(monkeypatch)
    config = Config(use=("code",), mirror=served[1].url, keyring="none")
    assert reachable(config) == ""
    artifact = run(config, {}, tmp_path / "out", Context())
    assert artifact.measured["fetched"]["way"] == "mirror"
    assert artifact.counts[0].num_out == 1


@needs_apt
def test_where_apt_has_no_index_the_mirror_is_taken_and_a_line_says_so(served, tmp_path, monkeypatch):
    def no_index(*_, **__):
        raise FournilError("the index of packages cannot be fetched: no list of sources")

    monkeypatch.setattr(Apt, "update", no_index)
    told = []
    progress = Progress()
    monkeypatch.setattr(progress, "note", told.append)
    with packages_from(Config(mirror=served[1].url, keyring="none"), progress) as archive:
        assert sorted(archive.find(["levain"])) == ["levain"]
        assert archive.how()["way"] == "mirror"
    assert told[0] == f"the index of packages cannot be fetched: no list of sources: packages come from {served[1].url}"


def test_without_apt_mirror_and_hub_the_error_says_all_ways(entry, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    without_apt(monkeypatch)
    with pytest.raises(FournilError) as raised:
        run(Config(use=("code",), mirror=NOWHERE), {}, tmp_path / "out", Context())
    said = str(raised.value)
    for words in (
        "apt-get",
        "mirror",
        NOWHERE,
        "refused",
        "--mirror URL",
        "recipes/petit-hub.toml",
        "recipes/mie.toml",
    ):
        assert words in said
    assert "\n" not in said
    assert not list(tmp_path.glob("out/*/*.parquet"))
    reason = reachable(Config(use=("code",), mirror=NOWHERE))
    assert "needs apt-get" in reason
    assert "the connection is refused" in reason
    assert "\n" not in reason


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, ("apt", "mirror")),
        ({"fetch": "apt"}, ("apt",)),
        ({"fetch": "mirror"}, ("mirror",)),
        ({"apt_sources": "/etc/apt/other.list"}, ("apt",)),
    ],
)
def test_which_ways_are_tried(settings, expected):
    assert ways(Config(**settings)) == expected


def test_a_mirror_that_is_named_and_fails_is_one_error(entry, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    config = Config(use=("code",), fetch="mirror", mirror=NOWHERE)
    with (
        pytest.raises(FournilError, match=r"the connection is refused .*--mirror URL"),
        packages_from(config, Progress()),
    ):
        pass


def test_a_package_that_does_not_exist_is_an_error_that_names_it(served, tmp_path):
    (catalogue_module.FOLDER / "code.toml").write_text(ENTRY.format(name="baguette"))
    config = Config(use=("code",), fetch="mirror", mirror=served[1].url, keyring="none")
    with pytest.raises(FournilError, match=r"no package 'croissant \| baguette' in the index of packages \[code\]"):
        run(config, {}, tmp_path / "out", Context())


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"fetch": "wget"}, "fetch is one of auto, apt, mirror"),
        ({"mirror": "file:///etc"}, "mirror is an address"),
        ({"mirror": "deb.debian.org"}, "mirror is an address"),
        ({"suite": "../x"}, "suite cannot be"),
        ({"components": ()}, "components cannot be"),
        ({"architecture": "amd64/../.."}, "architecture cannot be"),
        ({"fetch": "mirror", "apt_sources": "x"}, "apt_sources is a list for apt"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        Config(**settings)


def test_a_source_of_files_or_of_the_hub_is_reached_too(tmp_path, monkeypatch):
    (tmp_path / "a.txt").write_text("du pain")
    files = FilesSource(key="own", paths=(str(tmp_path / "*.txt"),), licence="CC0-1.0")
    assert reachable(Config(files=(files,), hub=(HubSource(key="here", dataset=str(tmp_path)),))) == ""
    gone = FilesSource(key="own", paths=(str(tmp_path / "*.md"),), licence="CC0-1.0")
    assert "no file matches" in reachable(Config(files=(gone,)))
    asked = []

    class Api:
        def dataset_info(self, name, revision, timeout):
            asked.append((name, revision, timeout < 10))
            if name == "owner/gone":
                raise ConnectionError("Name or service not known")

    monkeypatch.setattr(huggingface_hub, "HfApi", Api)
    assert reachable(Config(hub=(HubSource(key="a", dataset="owner/name", revision="c0ffee"),))) == ""
    reason = reachable(Config(hub=(HubSource(key="a", dataset="owner/gone", revision="c0ffee"),)))
    assert reason == "the hub cannot be reached (ConnectionError: Name or service not known) [owner/gone]"
    assert asked == [("owner/name", "c0ffee", True), ("owner/gone", "c0ffee", True)]
