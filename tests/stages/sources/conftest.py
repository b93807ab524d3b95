"""Small Debian packages and a local archive of them, built by the tests themselves."""

import gzip
import hashlib
import io
import lzma
import struct
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import zstandard

DEP5 = """\
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: pain

Files: *
Copyright: 2020 Une Boulangère
License: GPL-2+

Files: po/*
Copyright: 2021 Un Traducteur
License: Expat or CC-BY-SA-4.0
"""

PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    ".gz": gzip.compress,
    ".xz": lzma.compress,
    ".zst": zstandard.ZstdCompressor().compress,
}

Link = tuple[str, str]
"""A link instead of bytes: `sym` or `hard`, and where it leads."""


def make_tar(members: Mapping[str, bytes | Link | tarfile.TarInfo]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for name, content in members.items():
            if isinstance(content, tarfile.TarInfo):
                tar.addfile(content)
                continue
            info = tarfile.TarInfo(name)
            if isinstance(content, bytes):
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
            else:
                info.type = tarfile.SYMTYPE if content[0] == "sym" else tarfile.LNKTYPE
                info.linkname = content[1]
                tar.addfile(info)
    return out.getvalue()


def make_ar(members: Mapping[str, bytes]) -> bytes:
    out = b"!<arch>\n"
    for name, data in members.items():
        out += f"{name:<16}{0:<12}{0:<6}{0:<6}{'100644':<8}{len(data):<10}`\n".encode() + data + b"\n" * (len(data) % 2)
    return out


def make_deb(members: Mapping[str, bytes | Link | tarfile.TarInfo], packing: str = ".xz") -> bytes:
    control = gzip.compress(make_tar({"./control": b"Package: pain\n"}))
    data = PACKERS[packing](make_tar({f"./{name}": content for name, content in members.items()}))
    return make_ar({"debian-binary": b"2.0\n", "control.tar.gz": control, f"data.tar{packing}": data})


def make_mo(messages: Mapping[str, str]) -> bytes:
    """Compile a catalogue: little-endian, no hash table (gettext manual, "The Format of GNU MO Files")."""
    header = {"": "Content-Type: text/plain; charset=UTF-8\nPlural-Forms: nplurals=2; plural=(n > 1);\n"}
    items = sorted((source.encode(), target.encode()) for source, target in {**header, **messages}.items())
    start = 28 + 16 * len(items)
    blob, tables = b"", ([], [])
    for side in (0, 1):
        for item in items:
            tables[side].append(struct.pack("<2I", len(item[side]), start + len(blob)))
            blob += item[side] + b"\0"
    head = struct.pack("<7I", 0x950412DE, 0, len(items), 28, 28 + 8 * len(items), 0, start)
    return head + b"".join(tables[0]) + b"".join(tables[1]) + blob


class Archive:
    """A flat archive of packages in a folder, and the sources.list that names it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.sources = folder / "sources.list"
        self._index: dict[str, str] = {}
        folder.mkdir(parents=True)
        self.sources.write_text(f"deb [trusted=yes] file:{folder} ./\n")

    def add(self, name: str, members: Mapping[str, bytes | Link], version: str = "1:1.0-1", size: int = 0) -> None:
        data = make_deb(members)
        path = self.folder / f"{name}_{version.replace(':', '%3a')}_all.deb"
        path.write_bytes(data)
        self._index[name] = (
            f"Package: {name}\nVersion: {version}\nArchitecture: all\nMaintainer: nobody <nobody@example.org>\n"
            f"Filename: ./{path.name}\nSize: {size or len(data)}\nSHA256: {hashlib.sha256(data).hexdigest()}\n"
            "Description: a test\n"
        )
        (self.folder / "Packages").write_text("\n".join(self._index.values()))


@pytest.fixture
def archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Archive:
    """An empty local archive; apt's state goes to a folder of the test."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return Archive(tmp_path / "archive")


@pytest.fixture
def deb() -> Callable[..., bytes]:
    return make_deb


@pytest.fixture
def ar() -> Callable[..., bytes]:
    return make_ar


@pytest.fixture
def tar() -> Callable[..., bytes]:
    return make_tar


@pytest.fixture
def mo() -> Callable[..., bytes]:
    return make_mo


@pytest.fixture
def dep5() -> str:
    return DEP5
