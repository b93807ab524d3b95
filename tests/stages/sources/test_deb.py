import gzip
import lzma
import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fournil.core.errors import FournilError
from fournil.stages.sources.deb import Bounds, OverBoundError, _inside, follow, gunzip, read_deb

SMALL = Bounds(member_bytes=1000, package_bytes=100_000)


def everything(path):
    return True


def save(tmp_path, data):
    path = tmp_path / "pain.deb"
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("packing", ["", ".gz", ".xz", ".zst"])
def test_every_packing_is_read_and_only_wanted_files_are(tmp_path, deb, packing):
    path = save(tmp_path, deb({"usr/share/a.txt": "é".encode(), "usr/bin/b": b"\0" * 500}, packing))
    contents = read_deb(path, lambda name: name.endswith(".txt"), SMALL)
    assert contents.files == {"usr/share/a.txt": "é".encode()}
    assert not contents.refused


def test_names_that_leave_the_archive_are_refused_and_counted(tmp_path, deb):
    members = {"../evil": b"1", "usr/../../evil": b"2", "good": b"3", "with\nnewline": b"4", "usr//double": b"5"}
    contents = read_deb(save(tmp_path, deb(members)), everything, SMALL)
    assert contents.files == {"good": b"3"}
    assert contents.refused == {"outside": 4}


def test_an_absolute_name_is_refused(tmp_path, ar, tar):
    data = lzma.compress(tar({"/etc/passwd": b"root"}))
    contents = read_deb(save(tmp_path, ar({"data.tar.xz": data})), everything, SMALL)
    assert contents.files == {}
    assert contents.refused == {"outside": 1}


def test_links_are_followed_inside_the_archive_and_nowhere_else(tmp_path, deb):
    members = {
        "usr/share/doc/real/copyright": b"free",
        "usr/share/doc/pain": ("sym", "real"),
        "usr/share/absolute": ("sym", "/usr/share/doc/real/copyright"),
        "usr/hard": ("hard", "./usr/share/doc/real/copyright"),
        "usr/share/out": ("sym", "../../../etc/passwd"),
        "a": ("sym", "b"),
        "b": ("sym", "a"),
    }
    contents = read_deb(save(tmp_path, deb(members)), everything, SMALL)
    assert follow("usr/share/doc/pain/copyright", contents) == "usr/share/doc/real/copyright"
    assert follow("usr/share/absolute", contents) == "usr/share/doc/real/copyright"
    assert follow("usr/hard", contents) == "usr/share/doc/real/copyright"
    assert "usr/share/out" not in contents.links
    assert contents.refused == {"outside": 1}
    assert follow("a", contents) in ("a", "b")  # a circle ends


def test_devices_are_refused(tmp_path, deb):
    device = tarfile.TarInfo("./dev/null")
    device.type = tarfile.CHRTYPE
    contents = read_deb(save(tmp_path, deb({"dev/null": device, "ok": b"1"})), everything, SMALL)
    assert contents.files == {"ok": b"1"}
    assert contents.refused == {"special": 1}


def test_a_file_over_the_bound_is_refused_and_the_rest_read(tmp_path, deb):
    contents = read_deb(save(tmp_path, deb({"big": b"x" * 1001, "small": b"y"})), everything, SMALL)
    assert contents.files == {"small": b"y"}
    assert contents.refused == {"too-large": 1}


@pytest.mark.parametrize("packing", [".gz", ".xz", ".zst"])
def test_a_package_that_unpacks_to_too_much_is_an_error(tmp_path, deb, packing):
    path = save(tmp_path, deb({"unwanted": b"\0" * 10_000_000}, packing))
    assert path.stat().st_size < 50_000
    with pytest.raises(FournilError, match="unpacks to more than"):
        read_deb(path, lambda name: False, SMALL)


def test_a_gzip_bomb_inside_is_over_the_bound():
    assert gunzip(gzip.compress(b"x" * 100), 100) == b"x" * 100
    with pytest.raises(OverBoundError):
        gunzip(gzip.compress(b"x" * 101), 100)


@pytest.mark.parametrize("packing", ["", ".gz", ".xz", ".zst"])
def test_a_package_cut_anywhere_is_an_error_that_says_so(tmp_path, deb, packing):
    import random

    noise = random.Random(1).randbytes(600)
    whole = deb({"a": noise, "b": noise}, packing)
    for size in sorted({9, 70, 140, 220, len(whole) // 2, len(whole) * 3 // 4, len(whole) - 100}):
        with pytest.raises(FournilError, match="damaged or cut short|no Debian package"):
            read_deb(save(tmp_path, whole[:size]), everything, SMALL)


def test_what_is_no_package_is_an_error(tmp_path, ar):
    with pytest.raises(FournilError, match="no Debian package"):
        read_deb(save(tmp_path, b"PK\x03\x04 something else"), everything, SMALL)
    with pytest.raises(FournilError, match=r"data\.tar\.lz4 are not known"):
        read_deb(save(tmp_path, ar({"data.tar.lz4": b"1234"})), everything, SMALL)
    with pytest.raises(FournilError, match="damaged"):
        read_deb(save(tmp_path, ar({"debian-binary": b"2.0\n"})), everything, SMALL)


@given(st.text(alphabet="./a\0\n\\é", max_size=12))
def test_a_name_that_is_let_in_stays_inside(name):
    inside = _inside(name)
    if inside is not None:
        assert not inside.startswith("/")
        assert ".." not in inside.split("/")
        assert "\n" not in inside
        assert "\0" not in inside
