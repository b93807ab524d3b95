"""A mirror on a local server, whole and failing in every way that we know, against packages that the test makes."""

import contextlib
import gzip
import lzma
import shutil
import socket
import subprocess
import time

import pytest

from fournil.core.errors import FournilError
from fournil.core.files import sha256_file
from fournil.core.progress import Progress
from fournil.stages.sources import download
from fournil.stages.sources.deb import Bounds, read_deb
from fournil.stages.sources.download import Downloader, Patience, Remote, shown
from fournil.stages.sources.mirror import Mirror, Place

QUICK = Patience(
    connect_seconds=2.0,
    read_seconds=0.3,
    tries=3,
    most_tries=8,
    first_wait_seconds=0.001,
    longest_wait_seconds=0.01,
    slow_seconds=0.1,
    slow_bytes_per_second=1000.0,
)
needs_gpg = pytest.mark.skipif(not (shutil.which("gpg") and shutil.which("gpgv")), reason="needs gpg and gpgv")


class Noted(Progress):
    def __init__(self):
        self.lines = []

    def note(self, text):
        self.lines.append(text)


def mirror_of(debian, progress=None, patience=QUICK, **place):
    wanted = Place(debian.url, **{"suite": "bookworm", "keyring": "none", **place})
    return Mirror(wanted, progress or Progress(), patience)


def fetch(debian, *names, **more):
    mirror = mirror_of(debian, **more)
    with mirror.locked():
        mirror.update()
        found = mirror.find(names or ["pain", "brioche"])
        files, size = mirror.fetch(list(found.values()))
    return found, files, size


def whole(cache):
    """What the cache holds under final names is whole: named by its own hash."""
    names = [path for path in cache.rglob("*.deb") if not path.name.startswith(".tmp-")]
    return all(sha256_file(path)[:16] == path.stem.rpartition("_")[2] for path in names)


def test_packages_are_found_fetched_and_kept(debian, tmp_path):
    found, files, size = fetch(debian, "pain", "brioche", "croissant")
    assert sorted(found) == ["brioche", "pain"]
    assert (found["brioche"].version, found["brioche"].source) == ("2.0~rc1-1", "brioche-source")
    assert {name: sha256_file(path) for name, path in files.items()} == {n: p.sha256 for n, p in found.items()}
    assert size == sum(package.size_bytes for package in found.values())
    debian.server.asked.clear()
    assert fetch(debian)[1:] == (files, 0)
    assert debian.server.asked == []  # neither the index nor a package is asked for again
    assert not list(tmp_path.rglob(".tmp-*"))


@pytest.mark.parametrize(("pack", "form"), [(lzma.compress, ".xz"), (gzip.compress, ".gz"), (bytes, "")])
@pytest.mark.parametrize("by_hash", [False, True])
def test_every_form_of_the_index_is_read(debian, pack, form, by_hash):
    shutil.rmtree(debian.folder / "debian" / "dists")
    debian.publish(pack, form, by_hash)
    assert sorted(fetch(debian)[0]) == ["brioche", "pain"]


def test_the_newest_version_of_the_suite_and_its_updates_counts(debian, deb):
    debian.add("pain", deb({"usr/share/pain": b"security"}), "1.0-1+deb12u1", "bookworm-security", "debian-security")
    debian.add("brioche", deb({"usr/share/brioche": b"older"}), "1.9-3", "bookworm-updates")
    debian.publish()
    found, files, _ = fetch(debian)
    assert (found["pain"].version, found["brioche"].version) == ("1.0-1+deb12u1", "2.0~rc1-1")
    contents = read_deb(files["pain"], lambda name: True, Bounds())
    assert contents.files == {"usr/share/pain": b"security"}


def test_updates_that_a_mirror_lacks_are_a_note(debian):
    progress = Noted()
    mirror = mirror_of(debian, progress)
    mirror.update()
    assert [line.split(":")[0] for line in progress.lines] == [
        "no bookworm-updates at http", "no bookworm-security at http",
    ]  # fmt: skip
    assert mirror.how() == {
        "way": "mirror",
        "mirror": debian.url,
        "suites": [
            {
                "suite": "bookworm",
                "codename": "bookworm",
                "date": "Sat, 01 Nov 2025 10:00:00 UTC",
                "valid_until": "",
                "signature": {"state": "unchecked", "keys": [], "why": "keyring-none"},
            }
        ],
    }


def test_an_index_is_kept_for_a_day_and_an_old_one_serves_when_the_mirror_is_gone(debian, monkeypatch):
    fetch(debian)
    debian.server.asked.clear()
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + 25 * 3600)
    fetch(debian)
    assert debian.asked("bookworm/InRelease")
    assert not debian.asked("Packages.xz")  # it is the same: not fetched again
    monkeypatch.setattr(time, "time", lambda: real() + 50 * 3600)
    debian.goes_wrong("Release", always=503)
    progress = Noted()
    found = fetch(debian, progress=progress)[0]
    assert sorted(found) == ["brioche", "pain"]
    assert any("503" in line and "going on with the index of" in line for line in progress.lines)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"Valid-Until": "Sat, 08 Nov 2025 10:00:00 UTC"}, "was valid until Sat, 08 Nov 2025"),
        ({"Date": "Sat, 01 Nov 2225 10:00:00 UTC"}, "clock is behind"),
    ],
)
def test_a_release_of_another_time_is_a_note(debian, more, said):
    debian.publish(**more)
    progress = Noted()
    assert sorted(fetch(debian, progress=progress)[0]) == ["brioche", "pain"]
    assert any(said in line for line in progress.lines)


PAIN = "pain_1.0-1_amd64.deb"
RECOVERS = {
    "cut": ["cut"],
    "cut twice": ["cut", "cut"],
    "cut, then no parts": ["cut", "no-parts"],
    "cut, then another part": ["cut", "other-part"],
    "cut, then 416": ["cut", 416],
    "announces less": ["announces-less"],
    "announces more": ["announces-more"],
    "other bytes once": ["wrong"],
    "too many bytes once": ["longer"],
    "500, then well": [500, 500],
    "503, then well": [503],
    "429, then well": [429],
    "silent once": ["silent"],
    "drips once": ["drips"],
}


@pytest.mark.parametrize("end", [PAIN, "Packages.xz"])
@pytest.mark.parametrize("case", RECOVERS)
def test_what_passes_is_recovered_from(debian, tmp_path, case, end):
    debian.goes_wrong(end, *RECOVERS[case])
    found, files, _ = fetch(debian)
    assert {name: sha256_file(path) for name, path in files.items()} == {n: p.sha256 for n, p in found.items()}
    assert len(debian.asked(end)) > (case != "announces more")  # all of it came: nothing is asked for again
    assert not list(tmp_path.rglob(".tmp-*"))


FAILS = [
    ("the package is not there", PAIN, 404, "the server has no such file"),
    ("the server fails", PAIN, 500, "cannot be fetched: the server answers 500"),
    ("the server forbids", PAIN, 403, "the server answers 403"),
    ("other bytes", PAIN, "wrong", "has not the SHA-256 that the index announces"),
    ("too many bytes", PAIN, "longer", "has not the [\\d,]+ bytes that the index announces"),
    ("a captive portal", PAIN, "portal", "a web page came in place of the file"),
    ("a server that says nothing", PAIN, "silent", "cannot be fetched: no answer within"),
    ("a server that drips", PAIN, "drips", "too slow|no answer|was cut"),
    ("redirects without end", PAIN, "redirects", "TooManyRedirects"),
    ("no suite", "Release", 404, "the server has no such file"),
    ("a captive portal in place of the Release", "InRelease", "portal", "a web page came in place of the file"),
    ("no index", "Packages.xz", 404, "the server has no such file"),
    ("an index that does not match", "Packages.xz", "wrong", "has not the SHA-256 that the index announces"),
]


@pytest.mark.parametrize(("case", "end", "fault", "message"), FAILS, ids=[case[0] for case in FAILS])
def test_what_stays_is_one_line_that_names_the_address_and_the_fix(debian, tmp_path, case, end, fault, message):
    debian.goes_wrong(end, always=fault)
    with pytest.raises(FournilError, match=message) as raised:
        fetch(debian)
    error = raised.value
    assert error.where.startswith(debian.url)
    assert error.fix
    assert "\n" not in str(error)
    assert whole(tmp_path / "cache")
    debian.mends()
    assert sorted(fetch(debian)[1]) == ["brioche", "pain"]  # a second run goes on
    assert not list(tmp_path.rglob(".tmp-*"))


def test_what_came_of_a_file_is_not_asked_for_again_by_the_next_run(debian, tmp_path):
    debian.goes_wrong(PAIN, "cut", always=500)
    with pytest.raises(FournilError, match="500"):
        fetch(debian)
    part = next(tmp_path.rglob(".tmp-pain*"))
    size = part.stat().st_size
    assert size > 0
    debian.mends()
    debian.server.asked.clear()
    fetch(debian)
    assert debian.asked(PAIN)[0][1] == f"bytes={size}-"


def test_a_package_damaged_in_the_cache_is_fetched_again(debian):
    found, files, _ = fetch(debian)
    files["pain"].write_bytes(b"x" * found["pain"].size_bytes)
    _, again, size = fetch(debian)
    assert size == found["pain"].size_bytes
    assert sha256_file(again["pain"]) == found["pain"].sha256


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("Filename", "../../etc/passwd", "the index gives no path for the package croissant"),
        ("Filename", "pool/../../x", "the index gives no path"),
        ("Filename", "http://example.org/x.deb", "the index gives no path"),
        ("SHA256", "0", None),
        ("Size", "-1", None),
        ("Version", "", None),
    ],
)
def test_an_index_that_lies_is_not_followed(debian, deb, name, value, message):
    debian.add("croissant", deb({"usr/share/a": b"1"}), **{name: value})
    debian.publish()
    if message is None:
        assert "croissant" not in fetch(debian, "croissant")[0]
        return
    with pytest.raises(FournilError, match=message):
        fetch(debian, "croissant")


def test_a_suite_under_another_name_and_a_component_that_is_not_there(debian):
    debian.publish(Suite="sid", Codename="sid")
    with pytest.raises(FournilError, match="gives sid for the suite bookworm"):
        fetch(debian)
    debian.publish()
    with pytest.raises(FournilError, match=r"no component contrib for amd64.*Its components: main"):
        fetch(debian, components=("main", "contrib"))
    (debian.folder / "debian/dists/bookworm/Release").write_text("nothing of use")
    with pytest.raises(FournilError, match="no Release file that lists SHA-256"):
        fetch(debian, suite="bookworm", architecture="arm64")


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://no-such-host.invalid/debian", "the name of the server is not known"),
        ("http://127.0.0.1:{port}/debian", "the connection is refused"),
    ],
)
def test_without_a_network_the_error_says_so(tmp_path, monkeypatch, url, reason):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with socket.socket() as taken:  # bound and not listening: nobody answers there
        taken.bind(("127.0.0.1", 0))
        place = Place(url.format(port=taken.getsockname()[1]), "bookworm", keyring="none")
        with pytest.raises(FournilError, match=reason) as raised:
            Mirror(place, Progress(), QUICK).update()
    assert raised.value.where.startswith(place.url[:20])


def test_a_server_that_has_bytes_without_end_is_stopped_at_the_bound(debian, tmp_path):
    (debian.folder / "endless").write_bytes(b"x" * 100_000)
    remote = Remote(debian.url.replace("/debian", "/endless"), tmp_path / "endless", max_bytes=1000)
    with pytest.raises(FournilError, match="has more than 1,000 bytes"):
        Downloader(QUICK).fetch(remote)
    assert not list(tmp_path.glob("*endless"))


def test_an_interrupt_does_not_wait_for_the_server(debian):
    debian.goes_wrong(PAIN, always="silent")

    def interrupted(*_):
        raise KeyboardInterrupt

    mirror = mirror_of(debian, patience=Patience())
    mirror.update()
    packages = list(mirror.find(["pain", "brioche"]).values())
    remotes = [Remote(p.url, mirror.folder / p.file_name, p.size_bytes, p.sha256) for p in packages]
    with pytest.raises(KeyboardInterrupt):
        Downloader(Patience()).fetch_all(remotes, interrupted)


def test_a_full_disk_is_no_reason_to_try_again(debian, monkeypatch, tmp_path):
    import errno

    def full(*_):
        raise OSError(errno.ENOSPC, "no space")

    monkeypatch.setattr(download, "_finish", full)
    with pytest.raises(FournilError, match=r"the disk is full .*goes on from here"):
        fetch(debian)


def test_a_password_in_an_address_is_not_shown():
    assert shown("https://me:secret@example.org:81/debian?x") == "https://example.org:81/debian?x"


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    """Two throw-away keys: the archive's, and a stranger's."""
    home = tmp_path_factory.mktemp("gpg")
    home.chmod(0o700)
    found = {}
    for name in ("archive", "stranger"):
        command = ["gpg", "--homedir", str(home), "--batch", "--quiet", "--passphrase", ""]
        subprocess.run([*command, "--quick-gen-key", f"{name}@example.org", "ed25519", "sign", "never"], check=True)
        ring = home / f"{name}.gpg"
        subprocess.run([*command, "--output", str(ring), "--export", f"{name}@example.org"], check=True)
        found[name] = ring
    yield home, found
    subprocess.run(["gpgconf", "--homedir", str(home), "--kill", "all"], check=False)


def sign(home, name, release, *, inside):
    out = release.with_name("InRelease" if inside else "Release.gpg")
    out.unlink(missing_ok=True)
    how = ["--clear-sign"] if inside else ["--armor", "--detach-sign"]
    user = f"{name}@example.org"
    command = ["gpg", "--homedir", str(home), "--batch", "--quiet", "--passphrase", "", "--local-user", user]
    subprocess.run([*command, "--output", str(out), *how, str(release)], check=True)
    if inside:
        release.unlink()
    return out


@needs_gpg
@pytest.mark.parametrize("inside", [True, False])
def test_a_good_signature_is_in_the_record_and_any_other_is_an_error(debian, keys, inside):
    home, rings = keys
    release = debian.folder / "debian/dists/bookworm/Release"
    text = release.read_text()
    signed = sign(home, "archive", release, inside=inside)
    mirror = mirror_of(debian, keyring=str(rings["archive"]))
    mirror.update()
    signature = mirror.how()["suites"][0]["signature"]
    assert (signature["state"], len(signature["keys"]), signature["why"]) == ("good", 1, "")
    assert sorted(mirror.find(["pain"])) == ["pain"]

    with pytest.raises(FournilError, match="signed by no key of the keyring") as raised:
        mirror_of(debian, keyring=str(rings["stranger"])).update()
    assert raised.value.where.startswith(debian.url)

    shutil.rmtree(mirror.folder)
    altered = signed if inside else release
    altered.write_text((signed.read_text() if inside else text).replace("Origin: Debian", "Origin: Dabien"))
    with pytest.raises(FournilError, match="the signature of this Release file is bad"):
        mirror_of(debian, keyring=str(rings["archive"])).update()


@needs_gpg
def test_an_unsigned_release_is_an_error_where_signatures_are_checked(debian, keys):
    with pytest.raises(FournilError, match=r"not signed.*sources\.keyring"):
        mirror_of(debian, keyring=str(keys[1]["archive"])).update()


@needs_gpg
def test_what_stands_around_the_signed_text_is_not_read(debian, keys):
    home, rings = keys
    release = debian.folder / "debian/dists/bookworm/Release"
    evil = release.read_text().replace("Packages", "Other")
    signed = sign(home, "archive", release, inside=True)
    signed.write_text(evil + "\n" + signed.read_text())
    mirror = mirror_of(debian, keyring=str(rings["archive"]))
    with contextlib.suppress(FournilError):  # gpgv refuses it, or gives the signed text alone
        mirror.update()
        assert sorted(mirror.find(["pain"])) == ["pain"]


def test_without_gpgv_the_record_says_that_nothing_was_checked(debian, monkeypatch, tmp_path):
    release = debian.folder / "debian/dists/bookworm/Release"
    text = release.read_text().replace("\nSHA256", "\n- SHA256")
    head, tail = "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n", "-----BEGIN PGP SIGNATURE-----\n\nabc\n"
    release.with_name("InRelease").write_text(f"{head}{text}{tail}-----END PGP SIGNATURE-----\n")
    monkeypatch.setattr(shutil, "which", lambda name: None)
    ring = tmp_path / "ring.gpg"
    ring.write_bytes(b"")
    monkeypatch.setattr("fournil.stages.sources.release.KEYRINGS", (ring,))
    progress = Noted()
    mirror = mirror_of(debian, progress, keyring="")
    mirror.update()
    assert mirror.how()["suites"][0]["signature"] == {"state": "unchecked", "keys": [], "why": "no-gpgv"}
    assert any("signatures are not checked" in line for line in progress.lines)
    assert sorted(mirror.find(["pain"])) == ["pain"]
    with pytest.raises(FournilError, match="this machine has no gpgv"):
        mirror_of(debian, keyring=str(ring)).update()
    with pytest.raises(FournilError, match="no such keyring"):
        mirror_of(debian, keyring=str(tmp_path / "gone")).update()


def test_the_proxy_of_the_environment_is_asked(debian, monkeypatch):
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("http_proxy", debian.url.removesuffix("/debian"))
    debian.url = "http://mirror.invalid/debian"
    assert sorted(fetch(debian)[1]) == ["brioche", "pain"]
    assert debian.asked(PAIN)[0][0].startswith("http://mirror.invalid/")
