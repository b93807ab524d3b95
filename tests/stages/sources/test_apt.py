import os
import shutil
import subprocess

import pytest

from fournil.core.errors import FournilError
from fournil.core.files import sha256_file
from fournil.core.progress import Progress
from fournil.stages.sources.apt import Apt

needs_apt = pytest.mark.skipif(shutil.which("apt-get") is None, reason="needs apt-get")


class Noted(Progress):
    def __init__(self):
        self.lines = []

    def note(self, text):
        self.lines.append(text)


@needs_apt
def test_packages_are_found_fetched_and_kept(archive):
    archive.add("pain", {"usr/share/pain": b"mie"})
    archive.add("brioche", {"usr/share/brioche": b"beurre"}, version="2.0~rc1-1")
    apt = Apt(archive.sources, Progress())
    with apt.locked():
        apt.update()
        found = apt.find(["pain", "brioche", "croissant"])
        files, fetched = apt.fetch(list(found.values()))
    assert sorted(found) == ["brioche", "pain"]
    assert found["pain"].version == "1:1.0-1"
    assert {name: sha256_file(path) for name, path in files.items()} == {n: p.sha256 for n, p in found.items()}
    assert fetched == sum(package.size_bytes for package in found.values())
    shutil.rmtree(archive.folder)
    archive.folder.mkdir()
    archive.sources.write_text("")  # the archive is gone: the cache serves again
    assert apt.fetch(list(found.values())) == (files, 0)


@needs_apt
def test_a_damaged_package_in_the_cache_is_fetched_again(archive):
    archive.add("pain", {"usr/share/pain": b"mie"})
    apt = Apt(archive.sources, Progress())
    with apt.locked():
        apt.update()
        packages = list(apt.find(["pain"]).values())
        files, _ = apt.fetch(packages)
        files["pain"].write_bytes(b"x" * packages[0].size_bytes)
        again, fetched = apt.fetch(packages)
    assert fetched == packages[0].size_bytes
    assert sha256_file(again["pain"]) == packages[0].sha256


@needs_apt
def test_a_package_that_is_not_what_the_index_says_is_an_error(archive):
    archive.add("pain", {"usr/share/pain": b"mie"})
    apt = Apt(archive.sources, Progress())
    with apt.locked():
        apt.update()
        packages = list(apt.find(["pain"]).values())
        next(archive.folder.glob("*.deb")).write_bytes(b"not what the index says")
        with pytest.raises(FournilError, match="cannot be fetched|did not come whole"):
            apt.fetch(packages)


@needs_apt
def test_the_index_is_fetched_once_a_day_or_when_the_list_of_sources_changes(archive, monkeypatch):
    archive.add("pain", {"usr/share/pain": b"mie"})
    commands = []
    real = subprocess.run
    monkeypatch.setattr(subprocess, "run", lambda command, **more: commands.append(command) or real(command, **more))
    for _ in range(2):
        Apt(archive.sources, Progress()).update()
    assert sum("update" in command for command in commands) == 1
    stamp = next(archive.sources.parent.parent.glob("cache/fournil/apt/*/updated"))
    os.utime(stamp, (1, 1))
    Apt(archive.sources, Progress()).update()
    assert sum("update" in command for command in commands) == 2


@needs_apt
def test_a_third_party_that_fails_is_a_note_while_the_rest_is_found(archive):
    archive.add("pain", {"usr/share/pain": b"mie"})
    with archive.sources.open("a") as file:
        file.write(f"deb [trusted=yes] file:{archive.folder}/nowhere ./\n")
    progress = Noted()
    apt = Apt(archive.sources, progress)
    apt.update()
    assert "pain" in apt.find(["pain"])
    assert any("nowhere" in line for line in progress.lines)


@needs_apt
def test_without_any_index_the_error_says_how_to_go_on(archive):
    archive.sources.write_text("deb [trusted=yes] file:/nonexistent-archive ./\n")
    with pytest.raises(FournilError, match=r"index of packages cannot be fetched.*mie\.toml"):
        Apt(archive.sources, Progress()).update()


def test_without_apt_get_the_error_names_another_recipe(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(FournilError, match=r"needs apt-get.*recipes/mie\.toml"):
        Apt(None, Progress())
