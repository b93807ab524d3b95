"""The three readers of man pages against each other, against groff's own layout, and on what real pages contain."""

import difflib
import gzip
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fournil.core.errors import FournilError
from fournil.stages.sources.readers.man import ManReader, find_man_reader, read_man, read_many

PAGE = r"""'\" t
.\" -*- coding: UTF-8 -*-
.ie \n(.g .ds Aq \(aq
.el       .ds Aq '
.de Ex \" a macro of the page's own
.nf
.in +4n
..
.TH PÉTRIR 1 "2026-11-22" "Fournil 1.0" "Manuel du boulanger"
.SH NOM
pétrir \- travailler la pâte
.SH SYNOPSIS
.B pétrir
.RB [ \-v | \-\-vitesse
.IR nombre ]
.I farine
\&...
.SH DESCRIPTION
La pâte est travaillée jusqu\*(Aqà ce qu\*(Aqelle soit
.BR lisse ,
souple et «\ vivante\ »\~: c\(cqest l\*(Aq\fIessentiel\fP.
Fait à la main\ \(em avec patience.
.PP
Voir
.UR https://example.org/pain
la recette
.UE ,
ou
.UR https://example.org/levain
.UE .
.TP
.BR \-v ", " \-\-vitesse " \fInombre\fP"
Tours par minute (\fBdéfaut\fP\ : 60)
.TP
\fB\-h\fP
Afficher l'aide\c
 et finir.
.IP \(bu 2
premier point
.IP \(bu
second point
.RS
.PP
Un détail.
.RE
.SS Un exemple
.EX
$ pétrir \-v 80 farine
    Pâte \e prête

fini
.EE
.if t Jamais imprimé.
.if n \{\
Toujours
imprimé.
.\}
.ig
Jamais lu.
..
.TS
tab(@) allbox;
lb lb
l l.
Farine@Force
T45@faible
T{
.B T80
bise
T}@T{
forte
T}
.TE
.SH "VOIR AUSSI"
.BR cuire (1)
"""

TEXT = """\
NOM

pétrir - travailler la pâte

SYNOPSIS

pétrir [-v|--vitesse nombre] farine ...

DESCRIPTION

La pâte est travaillée jusqu'à ce qu'elle soit lisse, souple et «\u00a0vivante\u00a0»\u00a0: c’est l'essentiel. \
Fait à la main\u00a0— avec patience.

Voir la recette, ou https://example.org/levain.

-v, --vitesse nombre
Tours par minute (défaut\u00a0: 60)

-h Afficher l'aide et finir.

• premier point

• second point

Un détail.

Un exemple

$ pétrir -v 80 farine
    Pâte \\ prête

fini

Toujours imprimé.

Farine | Force
T45 | faible
T80 bise | forte

VOIR AUSSI

cuire(1)"""


MDOC = r"""
.Dd November 22, 2026
.Dt LEVAIN 8
.Os
.Sh NOM
.Nm levain
.Nd nourrir le levain
.Sh SYNOPSIS
.Nm
.Op Fl v
.Op Fl f Ar farine
.Oo Ar user Ns @ Oc Ns Ar host
.Sh DESCRIPTION
Le programme
.Nm
suit
.Xr petrir 1 ,
.Dq chaque jour
.Pq Pa /var/levain .
.Bl -tag -width Ds
.It Fl f Ar farine , Fl \-flour
La farine.
.El
.Bl -bullet
.It
Chaud
.El
.Bd -literal
levain  \-v
    prêt
.Ed
"""

MDOC_TEXT = """\
NOM

levain — nourrir le levain

SYNOPSIS

levain [-v] [-f farine] [user@]host

DESCRIPTION

Le programme levain suit petrir(1), “chaque jour” (/var/levain).

-f farine, --flour
La farine.

• Chaud

levain  -v
    prêt"""


def readers() -> list[ManReader]:
    return [
        reader for reader in ("fournil", "mandoc", "groff") if reader == "fournil" or shutil.which(reader) is not None
    ]


@pytest.fixture(params=["fournil", "mandoc", "groff"])
def reader(request: pytest.FixtureRequest) -> ManReader:
    if request.param not in readers():
        pytest.skip(f"needs {request.param}")
    return request.param


def words(text: str) -> list[str]:
    return [word for word in text.split() if word != "|"]


def agreement(one: list[str], two: list[str]) -> float:
    blocks = difflib.SequenceMatcher(None, one, two, autojunk=False).get_matching_blocks()
    return sum(block.size for block in blocks) / max(len(one), len(two), 1)


def test_a_page_reads_as_written_with_each_reader(reader: ManReader) -> None:
    page = read_man(PAGE.encode(), reader=reader)
    assert page is not None
    assert page.title == "PÉTRIR(1)"
    assert page.text == TEXT


def test_pages_with_the_macros_of_the_bsds(reader: ManReader) -> None:
    page = read_man(MDOC.encode(), reader=reader)
    assert page is not None
    assert page.title == "LEVAIN(8)"
    assert page.text == MDOC_TEXT


def test_gzip_latin1_and_links(reader: ManReader) -> None:
    latin = ".TH A 1\n.SH NOM\nété à Noël\n".encode("latin-1")
    pages = [gzip.compress(PAGE.encode()), b".so man1/petrir.1\n", latin, b'.\\" only a comment\n.so man3/x.3']
    read = read_many(pages, reader=reader, jobs=2)
    assert read[1] is None
    assert read[3] is None
    assert read[0] is not None
    assert read[0].text == TEXT
    assert read[2] is not None
    assert read[2].text == "NOM\n\nété à Noël"


def test_many_pages_stay_apart_whatever_one_of_them_does(reader: ManReader) -> None:
    hostile = (
        ".TH BAD 1\n.de TP\ngone\n..\n.tr aX\n.bd R 3\n.nf\n.de SH\n..\n.so /etc/hostname\n.ds x \\*x\n\\*x\n"
        ".ex\n.di away\nmorceau\n.ig\nunclosed"
    )
    pages = [PAGE.encode(), hostile.encode(), PAGE.encode()] * 3
    read = read_many(pages, reader=reader, jobs=2)
    assert [page.text for page in read[::3] + read[2::3] if page] == [TEXT] * 6


def test_no_reader_opens_files(reader: ManReader, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("motdepasse")
    page = read_man(f".TH A 1\n.SH B\nVisible\n.so {secret}\n.mso {secret}\n".encode(), reader=reader)
    assert page is not None
    assert "motdepasse" not in page.text


def test_real_pages_give_the_same_words_with_each_reader(shared: Path, reader: ManReader) -> None:
    data = [path.read_bytes() for path in sorted((shared / "samples" / "man").glob("**/*.gz"))]
    assert data
    for one, two in zip(read_many(data, reader=reader, jobs=2), read_many(data, reader="fournil", jobs=1), strict=True):
        assert one is not None
        assert two is not None
        assert agreement(words(one.text), words(two.text)) >= 0.995


def test_real_pages_have_the_words_of_groffs_own_layout(shared: Path) -> None:
    if not shutil.which("groff"):
        pytest.skip("needs groff")
    command = ["groff", "-t", "-K", "utf8", "-man", "-T", "utf8", "-P-cbu", "-rLL=9999n", "-rLT=78n"]
    plain = str.maketrans({"‐": "-", "−": "-", "’": "'", "‘": "'", "\u00a0": " ", "⟨": None, "⟩": None})
    for path in sorted((shared / "samples" / "man").glob("**/*.gz")):
        layout = subprocess.run(command, input=gzip.decompress(path.read_bytes()), capture_output=True, check=True)
        lines = layout.stdout.decode().strip().split("\n")[1:-1]
        theirs = [word for word in "\n".join(lines).translate(plain).split() if "://" not in word and "@" not in word]
        page = read_man(path.read_bytes(), reader="fournil")
        assert page is not None
        ours = [word for word in words(page.text.translate(plain)) if "://" not in word and "@" not in word]
        assert agreement(ours, theirs) >= 0.98, path.name


def test_french_typography_stays(shared: Path, reader: ManReader) -> None:
    page = read_man((shared / "samples" / "man" / "fr" / "date.1.gz").read_bytes(), reader=reader)
    assert page is not None
    assert "date - Afficher ou configurer la date et l'heure du système" in page.text
    assert "«\u00a0heures\u00a0»" in page.text
    assert "Exemple\u00a0:" in page.text


@pytest.mark.parametrize(
    ("data", "what"),
    [(gzip.compress(b".TH A 1\n" * 99)[:-30], "ends too early"), (b"\x1f\x8b" + b"\0" * 40, "no readable gzip")],
)
def test_damaged_gzip_says_so(data: bytes, what: str) -> None:
    with pytest.raises(FournilError, match=what):
        read_man(data, reader="fournil")


def test_a_bomb_is_refused() -> None:
    with pytest.raises(FournilError, match="bigger than"):
        read_man(gzip.compress(b"a" * (17 * 2**20)), reader="fournil")


def test_the_reader_found_is_one_that_runs() -> None:
    assert find_man_reader() in readers()


@given(st.text(alphabet=st.sampled_from("\\.'\"({[})*nfsthwoz$&\n abBRITPS-+123:;"), max_size=300))
def test_our_reader_takes_any_text(source: str) -> None:
    read_man(f".TH A 1\n.de X\n{source}\n..\n{source}\n.X a b\n".encode(), reader="fournil")


@given(
    st.lists(st.sampled_from(["Op", "Oo", "Oc", "Ns", "Fl", "Ar", "Dq", "Xr", "Fn", "Ta", "Nm", "Ap", "a", ",", '"']))
)
def test_our_reader_takes_any_words_of_mdoc(words_of_line: list[str]) -> None:
    line = " ".join(words_of_line)
    read_man(f".Dt A 1\n.Sh {line}\n.Bl -tag\n.It {line}\n.{line}\n.Fo {line}\n.Fc\n".encode(), reader="fournil")


def test_loops_end() -> None:
    source = ".TH A 1\n.de X\npain\n.X\n.X\n..\n.X\n.ds y \\*y\\*y\n\\*y\n.SH FIN\n"
    page = read_man(source.encode(), reader="fournil")
    assert page is not None
    assert page.text.endswith("FIN")
