"""Small Debian packages, a local archive and a mirror of them that fails as told, built by the tests themselves."""

import contextlib
import gzip
import hashlib
import http.server
import io
import lzma
import struct
import tarfile
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

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


PORTAL = b"<!DOCTYPE html><html><body>Welcome to the station's network. Please log in.</body></html>"


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves a folder, with parts; the server's `faults` say what goes wrong, by the end of the path."""

    protocol_version = "HTTP/1.1"

    def log_message(self, format, *args):
        pass

    def do_GET(self):
        server = self.server
        end, faults = next(((e, f) for e, f in server.faults.items() if self.path.endswith(e)), ("", []))
        fault = faults.pop(0) if faults else server.always.get(end, "")
        server.asked.append((self.path, self.headers.get("Range"), fault))
        path = server.folder / urlsplit(self.path).path.lstrip("/")  # a proxy is asked with whole addresses
        data = path.read_bytes() if path.is_file() else None
        if fault == "portal":
            self._answer(200, PORTAL, {"Content-Type": "text/html"})
        elif isinstance(fault, int) or data is None:
            self._answer(fault if isinstance(fault, int) else 404, b"sorry", {"Retry-After": "0"})
        elif fault == "redirects":
            self._answer(302, b"", {"Location": self.path})
        elif fault == "wrong":
            self._answer(200, bytes(255 - byte for byte in data), {})
        elif fault == "longer":
            self._answer(200, data + b"and more", {})
        elif fault == "announces-less":
            self._answer(200, data[: len(data) // 2], {})
        elif fault == "announces-more":
            self._answer(200, data, {"Content-Length": str(len(data) + 1000)})
        elif fault == "cut":
            self._answer(200, data[: len(data) // 2], {"Content-Length": str(len(data))})
        elif fault == "silent":
            time.sleep(0.6)
            self.close_connection = True
        elif fault == "drips":
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            with contextlib.suppress(OSError):
                for byte in data[:20]:
                    self.wfile.write(bytes([byte]))
                    time.sleep(0.02)
            self.close_connection = True
        else:
            self._whole_or_part(data, fault)

    def _whole_or_part(self, data, fault):
        asked = self.headers.get("Range")
        if not asked or fault == "no-parts":
            self._answer(200, data, {})
            return
        start = int(asked.removeprefix("bytes=").removesuffix("-"))
        if fault == "other-part":
            start = 0
        self._answer(206, data[start:], {"Content-Range": f"bytes {start}-{len(data) - 1}/{len(data)}"})

    def _answer(self, code, body, headers):
        self.send_response(code)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        with contextlib.suppress(OSError):
            self.wfile.write(body)
        if headers.get("Content-Length", str(len(body))) != str(len(body)):
            self.close_connection = True


@dataclass
class Debian:
    """A mirror: its files in a folder, its server, and what goes wrong."""

    folder: Path
    url: str
    server: http.server.ThreadingHTTPServer
    stanzas: dict[str, list[str]] = field(default_factory=dict)

    def add(self, name, data, version="1.0-1", suite="bookworm", area="debian", **more):
        path = f"pool/main/{name[0]}/{name}/{name}_{version}_amd64.deb"
        place = self.folder / area / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)
        fields = {
            "Package": name,
            "Source": f"{name}-source (2)",
            "Version": version,
            "Architecture": "amd64",
            "Filename": path,
            "Size": str(len(data)),
            "SHA256": hashlib.sha256(data).hexdigest(),
            "Description": "a test",
        } | more
        self.stanzas.setdefault(f"{area}/dists/{suite}", []).append("".join(f"{k}: {v}\n" for k, v in fields.items()))

    def publish(self, pack=lzma.compress, form=".xz", by_hash=False, **more):
        for base, stanzas in self.stanzas.items():
            plain = "\n".join(stanzas).encode()
            packed = pack(plain)
            name = f"main/binary-amd64/Packages{form}"
            path = self.folder / base / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(packed)
            sums = {"main/binary-amd64/Packages": plain, name: packed}
            if by_hash:
                other = path.parent / "by-hash" / "SHA256" / hashlib.sha256(packed).hexdigest()
                other.parent.mkdir(parents=True, exist_ok=True)
                path.replace(other)
            lines = "".join(f" {hashlib.sha256(data).hexdigest()} {len(data)} {key}\n" for key, data in sums.items())
            suite = base.rpartition("/")[2]
            fields = {"Origin": "Debian", "Suite": suite, "Codename": suite, "Date": "Sat, 01 Nov 2025 10:00:00 UTC"}
            fields |= {"Acquire-By-Hash": "yes"} if by_hash else {}
            text = "".join(f"{key}: {value}\n" for key, value in (fields | more).items())
            (self.folder / base / "Release").write_text(f"{text}Architectures: amd64\nSHA256:\n{lines}")

    def goes_wrong(self, end, *faults, always=""):
        self.server.faults[end] = list(faults)
        self.server.always[end] = always

    def mends(self):
        self.server.faults.clear()
        self.server.always.clear()

    def asked(self, end):
        return [one for one in self.server.asked if one[0].endswith(end)]


@pytest.fixture
def debian(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.folder, server.faults, server.always, server.asked = tmp_path / "served", {}, {}, []
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    made = Debian(tmp_path / "served", f"http://127.0.0.1:{server.server_address[1]}/debian", server)
    made.add("pain", make_deb({"usr/share/pain": b"mie" * 5000}))
    made.add("brioche", make_deb({"usr/share/brioche": b"beurre"}), version="2.0~rc1-1")
    made.publish()
    yield made
    server.shutdown()
    thread.join()
    server.server_close()
