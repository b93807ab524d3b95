import pytest

from fournil.stages.sources.dep5 import CopyrightFile, is_machine_readable, spdx_of


@pytest.mark.parametrize(
    ("short", "spdx"),
    [
        ("GPL-2+", "GPL-2.0-or-later"),
        ("GPL-2.0+", "GPL-2.0-or-later"),
        ("LGPL-2.1", "LGPL-2.1-only"),
        ("Expat", "MIT"),
        ("Artistic or GPL-1+", "Artistic-1.0-Perl OR GPL-1.0-or-later"),
        ("GPL-1+ or Artistic, and BSD-3-clause", "(GPL-1.0-or-later OR Artistic-1.0-Perl) AND BSD-3-Clause"),
        ("GPL-2+ and Expat or ISC", "(GPL-2.0-or-later AND MIT) OR ISC"),
        ("GPL-3+ with Bison exception", "GPL-3.0-or-later WITH Bison-exception-2.2"),
        ("GFDL-NIV-1.3+", "GFDL-1.3-no-invariants-or-later"),
        ("GFDL-1.2+", "GFDL-1.2-or-later"),
        ("public-domain", "LicenseRef-public-domain"),
        ("CC-BY-SA-3.0", "CC-BY-SA-3.0"),
        ("GPL-and-LGPL", None),
        ("permissive", None),
        ("GPL-2+ and permissive", None),
        ("GPL-2+ with Baguette exception", None),
        ("other", None),
    ],
)
def test_short_names_become_spdx_or_nothing(short, spdx):
    assert spdx_of(short) == spdx


def test_the_last_paragraph_that_matches_counts():
    text = (
        "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\n"
        "Files: *\nCopyright: a\nLicense: GPL-2+\n\n"
        "Files: man/*.1 po/fr?.po\nCopyright: b\nLicense: Expat\n\n"
        "Files: man/ls.1\nCopyright: c\nLicense: ISC\n\n"
        "Files: man/secret*\nCopyright: d\nLicense: strange\n"
    )
    file = CopyrightFile(text)

    def licence(*paths):
        ground = file.ground_for(paths)
        return ground.licence if ground else None

    assert licence("src/a.c") == "GPL-2.0-or-later"
    assert licence("man/deep/cp.1") == "MIT"
    assert licence("po/fra.po") == "MIT"
    assert licence("po/fr.po") == "GPL-2.0-or-later"
    assert licence("man/ls.1") == "ISC"
    assert licence("somewhere/ls.1", "man/ls.1") == "ISC"
    assert licence("man/secret.1") is None  # a licence without a name in SPDX is no licence known
    ground = file.ground_for(["man/ls.1"])
    assert ground is not None
    assert ground.line == 11
    assert "man/ls.1; License: ISC" in ground.paragraph


def test_no_paragraph_no_licence():
    file = CopyrightFile("Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\nFiles: a\n")
    assert file.ground_for(["b"]) is None


@pytest.mark.parametrize(
    ("text", "is_dep5"),
    [
        ("Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\nFiles: *", True),
        ("Upstream-Name: x\nFormat: http://dep.debian.net/deps/dep5/\n\n", True),
        ("This package was debianized by somebody.\n\nFormat: https://x/copyright-format/1.0/\n", False),
        ("", False),
    ],
)
def test_the_format_is_declared_in_the_first_paragraph(text, is_dep5):
    assert is_machine_readable(text) is is_dep5
