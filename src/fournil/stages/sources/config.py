"""Settings of the stage `sources`: which texts go in, and how much of them at most."""

from __future__ import annotations

import re
from dataclasses import dataclass

from fournil.core.speech import tr


@dataclass(frozen=True)
class FilesSource:
    """Files of your own: txt, md, html, jsonl, csv, parquet, man pages, gettext catalogues; also gz, xz and zst."""

    key: str
    """Names the source; its documents are called KEY/NATIVE-ID."""
    paths: tuple[str, ...]
    """Files or globs, relative to the current folder; `fournil:` begins a path inside this package. A folder called
    `{language}` stands for one folder per language of the recipe, and files of the same name in them are translations
    of each other."""
    licence: str
    """SPDX expression of the licence of all of it, such as `CC0-1.0`."""
    own_licence: bool = True
    """Whether a row that names its own licence keeps it (and is refused when that is no SPDX expression)."""
    statement: str = ""
    """The sentence in which the rightsholder says so, or where it stands."""
    title: str = ""
    """What the page calls the source."""
    rightsholder: str = ""
    """Whose text it is."""
    url: str = ""
    """Where it comes from."""
    language: str = ""
    """BCP 47 tag of all of it, where neither the path nor the file says it; empty: identified later."""
    category: str = ""
    """What kind of text it is, such as `documentation`, `news`, `code`."""
    parallel_lines: bool = False
    """Also make a pair of each two lines at the same place of two translations that have as many lines."""
    text_column: str = "text"
    """The column or key that holds the text in jsonl, csv and parquet."""
    pair_columns: tuple[str, ...] = ("en", "fr")
    """Two language tags: columns or keys of these names hold translations of each other, and so do the columns of a
    tsv file without a head, in this order; empty: no pairs."""
    stated_documents: int = 0
    """Documents or pairs that there are, as the publisher says; only `plan` looks at it. 0: not known."""
    stated_bytes: float = 0.0
    """Bytes of text, as the publisher says; only `plan` looks at it. 0: not known."""
    stated_tokens: float = 0.0
    """Tokens of the recipe's own tokenizer, as the publisher says; only `plan` looks at it. 0: not known."""


@dataclass(frozen=True)
class HubSource:
    """A data set of the Hugging Face hub, or a local folder of the same layout."""

    key: str
    """Names the source; its documents are called KEY/NATIVE-ID."""
    dataset: str
    """Such as `owner/name`, or a local folder."""
    licence: str = ""
    """SPDX expression of the licence of all of it; empty: the one that the data set's card names. A document that says
    its own keeps its own."""
    revision: str = ""
    """Commit, tag or branch; a commit makes the bake repeatable. Needed unless the data set is a local folder."""
    config: str = ""
    """The data set's configuration, where it has several."""
    split: str = "train"
    """Which split."""
    statement: str = ""
    """The sentence in which the rightsholder says so, or where it stands."""
    title: str = ""
    """What the page calls the source."""
    rightsholder: str = ""
    """Whose text it is."""
    url: str = ""
    """Where it comes from."""
    language: str = ""
    """BCP 47 tag of all of it; empty: identified later."""
    category: str = ""
    """What kind of text it is."""
    text_column: str = "text"
    """The column that holds the text."""
    pair_columns: tuple[str, ...] = ("en", "fr")
    """Two language tags: columns of these names hold translations of each other, or TAG=COLUMN where they are called
    otherwise, such as `fr=non_english`; empty: no pairs."""
    max_documents: int = 0
    """Read so many documents or pairs at most, the first ones; 0: all. Of parquet files of the hub, no more is fetched
    than is read."""
    stated_documents: int = 0
    """Documents or pairs that there are, as the publisher says; only `plan` looks at it. 0: not known."""
    stated_bytes: float = 0.0
    """Bytes of text, as the publisher says; only `plan` looks at it. 0: not known."""
    stated_tokens: float = 0.0
    """Tokens of the recipe's own tokenizer, as the publisher says; only `plan` looks at it. 0: not known."""


@dataclass(frozen=True)
class Config:
    """Which sources go in."""

    use: tuple[str, ...] = ()
    """Keys of the catalogue, such as `debian-manpages-fr` (`docs/01-sources.md` lists them)."""
    files: tuple[FilesSource, ...] = ()
    """Files of your own."""
    hub: tuple[HubSource, ...] = ()
    """Data sets of the Hugging Face hub."""
    apt_sources: str = ""
    """A sources.list for apt in place of the system's, such as one that names a snapshot; empty: the system's."""
    fetch: str = "auto"
    """How packages are fetched: `apt`, `mirror` (over HTTP, without apt), or `auto` (apt where it is there and has an
    index, else the mirror)."""
    mirror: str = "https://deb.debian.org/debian"
    """The mirror of a Debian archive, http or https; security updates are found beside it (`debian-security`)."""
    suite: str = "bookworm"
    """The suite that is read from the mirror, with its updates. The catalogue was read on bookworm, Debian 12."""
    components: tuple[str, ...] = ("main",)
    """The components of the suite that are read from the mirror."""
    architecture: str = "amd64"
    """The architecture whose packages are read from the mirror: one for all machines, so that all read the same."""
    keyring: str = ""
    """The keys that may sign the mirror's Release, a file as gpgv reads it; empty: the system's keyring of Debian, if
    there are one and gpgv (the record says what was checked); `none`: signatures are not looked at."""
    man_reader: str = "auto"
    """What reads manual pages: `mandoc`, `groff`, `fournil` (our own reader) or `auto` (the best one present)."""
    min_letters: int = 40
    """Documents with fewer letters are refused."""
    max_document_mb: float = 16.0
    """Files inside packages that are larger are refused."""
    max_unpacked_mb: float = 2048.0
    """A package that unpacks to more is refused as a whole."""

    def __post_init__(self) -> None:
        """Check what the types alone cannot say."""
        keys = [*self.use, *(source.key for source in (*self.files, *self.hub))]
        double = sorted({key for key in keys if keys.count(key) > 1})
        if double:
            raise ValueError(tr("two sources are called {key!r}", key=double[0]))
        for key in keys:
            if not key or key.strip("abcdefghijklmnopqrstuvwxyz0123456789-.") or not key[0].isalnum():
                raise ValueError(
                    tr("a source cannot be called {key!r}: use lower-case letters, digits, hyphens, dots", key=key)
                )
        for source in (*self.files, *self.hub):
            if len(source.pair_columns) not in (0, 2):
                raise ValueError(tr("{key}: pair_columns names two languages, or none", key=source.key))
        if self.man_reader not in ("auto", "mandoc", "groff", "fournil"):
            raise ValueError(tr("man_reader is one of auto, mandoc, groff, fournil"))
        if self.fetch not in ("auto", "apt", "mirror"):
            raise ValueError(tr("fetch is one of auto, apt, mirror"))
        if self.fetch == "mirror" and self.apt_sources:
            raise ValueError(tr("apt_sources is a list for apt, which fetch = 'mirror' does not ask"))
        if not re.fullmatch(r"https?://[^\s/]\S*", self.mirror):
            what = tr("mirror is an address that begins with https:// or http://, not {url!r}", url=self.mirror)
            raise ValueError(what)
        for name in ("suite", "components", "architecture"):
            value = getattr(self, name)
            for word in [value] if isinstance(value, str) else value or [""]:
                if not re.fullmatch(r"[a-z0-9][a-z0-9.+-]*(/[a-z0-9.+-]+)?", word):
                    raise ValueError(tr("{name} cannot be {value!r}", name=name, value=word))
        if self.min_letters < 0 or self.max_document_mb <= 0 or self.max_unpacked_mb <= 0:
            raise ValueError(tr("bounds on sizes are positive"))
