"""Data sets of the Hugging Face hub, by name and commit, and local folders of the same layout."""

from __future__ import annotations

import fnmatch
import io
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, cast

from fournil.core.errors import FournilError
from fournil.core.speech import tr
from fournil.stages.sources.readers.files import read_files, read_parquet
from fournil.stages.sources.readers.raw import RawDocument, RawPair, Refused
from fournil.stages.sources.readers.rows import Fields

_DATA = re.compile(r"\.(?:parquet|jsonl|ndjson|csv|tsv|txt)(?:\.(?:gz|xz|zst))?$", re.IGNORECASE)
_BLOCK_BYTES = 2**20
_SPLIT_WORDS = {
    "train": ("train", "training"),
    "validation": ("validation", "valid", "val", "dev"),
    "test": ("test", "testing", "eval", "evaluation"),
}


@dataclass
class HubDataset:
    """What was found of a data set: iterate over it to read its documents and pairs, file by file, as far as you go."""

    name: str
    commit: str | None
    """The commit that the revision stands for; None for a local folder."""
    licence: str | None
    """What the card says (the hub's own word for it, such as `cc-by-4.0`)."""
    files: tuple[str, ...]
    """Paths of the split's files inside the data set."""
    files_of: Callable[[str], Path | IO[bytes]]
    """Gives a file: where it lies on this machine, or opened where it is (parquet only)."""
    text_field: str = "text"
    id_field: str = "id"
    language_field: str = "language"
    pair_fields: tuple[str, str] | None = ("en", "fr")
    language: str | None = None
    begun: list[str] = field(default_factory=list)
    """The files that were read, or begun."""

    def __iter__(self) -> Iterator[RawDocument | RawPair | Refused]:
        """Read the files in order; native ids are `PATH#ID` with the path inside the data set."""
        self.begun.clear()
        for name in self.files:
            self.begun.append(name)
            file = self.files_of(name)
            if isinstance(file, Path):
                yield from read_files(
                    [file],
                    language=self.language,
                    text_field=self.text_field,
                    id_field=self.id_field,
                    language_field=self.language_field,
                    pair_fields=self.pair_fields,
                    root=file.parents[name.count("/")],
                )
                continue
            columns = (self.text_field, self.id_field, self.language_field, self.pair_fields, self.language)
            with file:
                yield from read_parquet(Path(self.name, name), name, Fields(*columns), file)


def read_hub(
    name: str,
    revision: str = "",
    *,
    config: str = "",
    split: str = "train",
    text_field: str = "text",
    id_field: str = "id",
    language_field: str = "language",
    pair_fields: tuple[str, str] | None = ("en", "fr"),
    language: str | None = None,
    whole: bool = True,
    cache: Path | None = None,
) -> HubDataset:
    """Find one split of a data set.

    Of the hub's, its files (no others) are fetched unless the cache has them. Where not all of it is wanted, files are
    fetched as reading comes to them, and of parquet files no more than the row groups that are read, over the network.

    Args:
        name: `owner/name` on the hub, or a local folder of the same layout.
        revision: commit, tag or branch; needed for the hub, so that a bake can be repeated.
        config: the configuration, where the data set has several.
        split: which split.
        text_field: the column with the text; id_field, language_field, pair_fields and language as in `read_files`.
        id_field: the column with an identifier.
        language_field: the column with the language.
        pair_fields: the columns of translations.
        language: BCP 47 tag where no column says it.
        whole: whether all of the split will be read.
        cache: where the hub's files are kept; by default where huggingface_hub keeps them.

    Raises:
        FournilError: the data set, its revision, configuration or split is not there, or the hub cannot be reached.
    """
    folder = Path(name).expanduser()
    if folder.is_dir():
        commit = None
        card = _card(folder / "README.md")
        files = _split_files(_local_files(folder), card, config, split, name)
        files_of = folder.joinpath
    else:
        commit, card, files, files_of = _fetch(name, revision, config, split, cache, whole)
    return HubDataset(
        name=name,
        commit=commit,
        licence=_licence(card),
        files=tuple(files),
        files_of=files_of,
        text_field=text_field,
        id_field=id_field,
        language_field=language_field,
        pair_fields=pair_fields,
        language=language,
    )


def ask_hub(name: str, revision: str, *, seconds: float) -> None:
    """Ask the hub whether it has a data set; a local folder needs no hub.

    Raises:
        FournilError: It has not, or does not answer within `seconds`.
    """
    if Path(name).expanduser().is_dir():
        return
    _check_name(name, revision)
    from huggingface_hub import HfApi

    try:
        HfApi().dataset_info(name, revision=revision, timeout=seconds)
    except Exception as error:
        raise _unreachable(name, revision, error) from None


def _check_name(name: str, revision: str) -> None:
    if name.startswith((".", "/", "~")) or name.count("/") != 1:
        what = tr("no such folder, and no name of a data set")
        raise FournilError(what, where=name, fix=tr("Give owner/name or a folder"))
    if not revision:
        fix = tr("Give a commit (the page of the data set lists them)")
        raise FournilError(tr("no revision"), where=name, fix=fix)


def _fetch(
    name: str, revision: str, config: str, split: str, cache: Path | None, whole: bool
) -> tuple[str, Mapping[str, Any], list[str], Callable[[str], Path | IO[bytes]]]:
    _check_name(name, revision)
    from huggingface_hub import HfApi, HfFileSystem, hf_hub_download, snapshot_download

    try:
        info = HfApi().dataset_info(name, revision=revision)
        commit = info.sha or revision
        there = sorted(sibling.rfilename for sibling in info.siblings or [])
        card: Mapping[str, Any] = {}
        if "README.md" in there:
            readme = hf_hub_download(name, "README.md", repo_type="dataset", revision=commit, cache_dir=cache)
            card = _card(Path(readme))
        files = _split_files([file for file in there if _DATA.search(file)], card, config, split, name)
        if whole:
            # Names are taken as they are: a bracket in one is no pattern.
            wanted = [glob_escape(file) for file in files]
            kept = snapshot_download(name, repo_type="dataset", revision=commit, allow_patterns=wanted, cache_dir=cache)
            return commit, card, files, Path(kept).joinpath
    except FournilError:
        raise
    except Exception as error:  # which errors the hub's client raises changes with its version and its HTTP library
        raise _unreachable(name, revision, error) from None

    def one(file: str) -> Path | IO[bytes]:
        try:
            if file.lower().endswith(".parquet"):
                opened = HfFileSystem().open(
                    f"datasets/{name}/{file}", "rb", revision=commit, block_size=_BLOCK_BYTES, cache_type="readahead"
                )
                return cast(IO[bytes], io.BufferedReader(_Remote(opened, name, revision)))
            return Path(hf_hub_download(name, file, repo_type="dataset", revision=commit, cache_dir=cache))
        except Exception as error:
            raise _unreachable(name, revision, error) from None

    return commit, card, files, one


class _Remote(io.RawIOBase):
    """A file of the hub, of which only what is asked for travels; its client's many errors get one name."""

    def __init__(self, file: Any, name: str, revision: str) -> None:  # noqa: ANN401 - fsspec has no types
        self._file, self._name, self._revision = file, name, revision

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._file.tell()

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def readinto(self, buffer: memoryview) -> int:  # pyright: ignore[reportIncompatibleMethodOverride]
        try:
            data = self._file.read(len(buffer))
        except Exception as error:
            raise _unreachable(self._name, self._revision, error) from None
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self._file.close()
        super().close()


def glob_escape(name: str) -> str:
    """A file's name as a pattern that matches nothing else."""
    return re.sub(r"([*?[])", r"[\1]", name)


def _unreachable(name: str, revision: str, error: Exception) -> FournilError:
    kind = type(error).__name__
    first = (str(error).strip().splitlines() or [kind])[0]
    if kind == "GatedRepoError":
        what = tr("the data set asks for an agreement")
        fix = tr("Accept it at {url}, then log in", url=f"https://huggingface.co/datasets/{name}")
    elif kind == "RepositoryNotFoundError":
        what = tr("no such data set, or a private one")
        fix = tr("Check the name, or log in with `hf auth login`")
    elif kind == "RevisionNotFoundError":
        what = tr("no revision {revision!r}", revision=revision)
        fix = tr("See {url}", url=f"https://huggingface.co/datasets/{name}/commits/main")
    else:
        what = tr("the hub cannot be reached ({error})", error=f"{kind}: {first[:160]}")
        fix = tr("Check the network, or give a local folder with the data set's files")
    return FournilError(what, where=name, fix=fix)


def _local_files(folder: Path) -> list[str]:
    found = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file() and _DATA.search(path.name))
    return sorted(path.as_posix() for path in found if not any(part.startswith(".") for part in path.parts))


def _split_files(there: Sequence[str], card: Mapping[str, Any], config: str, split: str, name: str) -> list[str]:
    """The files of one split: as the card's `configs` say, else by the words in their paths, as the hub does."""
    configs = [entry for entry in card.get("configs") or [] if isinstance(entry, Mapping)]
    if configs:
        named = {str(entry.get("config_name") or "default"): entry for entry in configs}
        default = next((key for key, entry in named.items() if entry.get("default")), None)
        chosen = config or default or ("default" if "default" in named else next(iter(named)))
        if chosen not in named or (not config and not default and "default" not in named and len(named) > 1):
            what = tr("no configuration {name!r}", name=config) if config else tr("several configurations")
            fix = tr("Choose one of {names}", names=", ".join(sorted(named)[:30]))
            raise FournilError(what, where=name, fix=fix)
        entry = named[chosen]
        if entry.get("data_files"):
            splits = _declared_splits(entry)
            if split not in splits:
                raise _no_split(name, split, splits)
            return _matching(there, splits[split], name, split)
        folder = str(entry.get("data_dir") or "")
        there = [file for file in there if not folder or file.startswith(folder.rstrip("/") + "/")]
    elif config:
        within = [file for file in there if config in file.split("/")[:-1]]
        if not within:
            folders = sorted({file.split("/")[0] for file in there if "/" in file})
            fix = tr("Folders there: {names}", names=", ".join(folders[:30]))
            raise FournilError(tr("no configuration {name!r}", name=config), where=name, fix=fix)
        there = within
    return _by_words(there, split, name)


def _declared_splits(entry: Mapping[str, Any]) -> dict[str, list[str]]:
    declared = entry["data_files"]
    parts = declared if isinstance(declared, list) else [declared]
    splits: dict[str, list[str]] = {}
    for part in parts:
        if isinstance(part, Mapping):
            paths = part.get("path") or []
            splits.setdefault(str(part.get("split", "train")), []).extend([paths] if isinstance(paths, str) else paths)
        else:
            splits.setdefault("train", []).append(str(part))
    base = str(entry.get("data_dir") or "").strip("/")
    return {key: [f"{base}/{path}" if base else path for path in paths] for key, paths in splits.items()}


def _matching(there: Sequence[str], patterns: Sequence[str], name: str, split: str) -> list[str]:
    files: dict[str, None] = {}
    for pattern in patterns:
        plain = pattern.removeprefix("./")
        variants = (plain, plain.replace("**/", ""))
        files.update({file: None for file in there if any(fnmatch.fnmatchcase(file, one) for one in variants)})
    if not files:
        fix = tr("Its files: {names}", names=", ".join(there[:10])) if there else _nothing()
        raise FournilError(tr("the card's files of split {name!r} are not there", name=split), where=name, fix=fix)
    return sorted(files)


def _by_words(there: Sequence[str], split: str, name: str) -> list[str]:
    found = {key: [file for file in there if _says(file, words)] for key, words in _SPLIT_WORDS.items()}
    found = {key: files for key, files in found.items() if files}
    if split not in found:
        other = [file for file in there if _says(file, (split,))]
        if other:
            return other
    if not found and split == "train" and there:
        return list(there)
    if split not in found:
        raise _no_split(name, split, found)
    return found[split]


def _says(file: str, words: Sequence[str]) -> bool:
    return re.search(rf"(?:^|[/._-])(?:{'|'.join(map(re.escape, words))})(?=[/._-]|$)", file, re.IGNORECASE) is not None


def _no_split(name: str, split: str, there: Mapping[str, Any]) -> FournilError:
    fix = tr("Its splits: {names}", names=", ".join(sorted(there))) if there else _nothing()
    return FournilError(tr("no split {name!r}", name=split), where=name, fix=fix)


def _nothing() -> str:
    return tr("It holds no parquet, jsonl, csv, tsv or txt files")


def _card(path: Path) -> Mapping[str, Any]:
    if not path.is_file():
        return {}
    from huggingface_hub import metadata_load
    from yaml import YAMLError

    try:
        return metadata_load(path) or {}
    except (ValueError, YAMLError) as error:
        first = str(error).strip().splitlines()[0]
        what = tr("the card's front matter cannot be read: {error}", error=first)
        raise FournilError(what, where=path, fix=tr("Mend its YAML")) from None


def _licence(card: Mapping[str, Any]) -> str | None:
    said = card.get("license")
    if isinstance(said, list):
        said = " AND ".join(map(str, said))
    return str(said).strip() or None if said else None
