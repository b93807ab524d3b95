"""Where a task's items come from: a local folder, or Parquet on the Hugging Face hub.

lm_eval names a data set, perhaps a configuration of it, and splits. Here they are found in a folder that somebody
filled, or fetched from the hub: as the hub itself converted them (`refs/convert/parquet`, which also holds what
remains of data sets that were scripts), else from the data set's own files.
"""

from __future__ import annotations

import gzip
import json
import lzma
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO

from fournil.core.errors import FournilError, nearest
from fournil.core.speech import tr
from fournil.parts.harness.docs import Docs, Row

CONVERTED = "refs/convert/parquet"
"""The hub's branch of converted data: CONFIG/SPLIT/0000.parquet."""
DEFAULT = "default"
"""The configuration of a data set that names none."""
_DATA = re.compile(r"\.(parquet|jsonl?|ndjson)(\.(gz|xz))?$", re.IGNORECASE)


class Splits(Mapping[str, Docs]):
    """The splits of a data set, each read when it is first asked for.

    Args:
        source: For messages and the record: the hub's `name@commit`, or the local folder's name.
        files: The paths of all data files, `/` between their parts.
        config: Which configuration, empty for none.
        fetch: Gives a file as it lies on this machine.
        fields: What each row must have.
        only: The one split that is wanted; others are empty then, and not read.
        own: The files are those of this one task: a configuration's name need not stand in their paths.
    """

    def __init__(
        self,
        source: str,
        files: Sequence[str],
        config: str,
        fetch: Callable[[str], Path],
        *,
        fields: Iterable[str] = (),
        only: str | None = None,
        own: bool = False,
    ) -> None:
        self.source = source
        self._files, self._config, self._fetch, self._only, self._own = list(files), config, fetch, only, own
        self._fields = sorted(fields)
        self._read: dict[str, Docs] = {}

    def __getitem__(self, split: str) -> Docs:
        """Read a split.

        Raises:
            FournilError: It is not there, empty, cannot be read, or a row lacks a field.
        """
        if self._only is not None and split != self._only:
            return Docs([])
        if split not in self._read:
            files = split_files(self._files, self._config, split, own=self._own)
            if not files:
                raise FournilError(
                    tr("no file of the split {split!r}", split=split),
                    where=self.source,
                    fix=tr(
                        "The task needs {one} or {other}.",
                        one=f"{split}.parquet",
                        other=f"{split}-00000-of-00001.parquet",
                    ),
                )
            rows = [row for file in files for row in read_rows(self._fetch(file))]
            if not rows:
                raise FournilError(
                    tr("the split {split!r} is empty", split=split),
                    where=self.source,
                    fix=tr("Put items into it, or leave this task out."),
                )
            self._check(split, rows)
            self._read[split] = Docs(rows)
        return self._read[split]

    def _check(self, split: str, rows: Sequence[Row]) -> None:
        for number, row in enumerate(rows):
            for field in self._fields:
                if field not in row:
                    close = nearest(field, row)
                    has = tr("It has {names}.", names=", ".join(map(repr, row)) or "–")
                    raise FournilError(
                        tr(
                            "item {number} of the split {split!r} lacks the field {field!r}",
                            number=number,
                            split=split,
                            field=field,
                        ),
                        where=self.source,
                        fix=tr("Is it {close!r} there?", close=close) if close else has,
                    )

    def __iter__(self) -> Iterator[str]:
        return iter(self._read)

    def __len__(self) -> int:
        return len(self._read)


def split_files(files: Sequence[str], config: str, split: str, *, own: bool = False) -> list[str]:
    """Choose the files of one split, in order.

    Known are `SPLIT.parquet`, `SPLIT-00000-of-00003.parquet` and the like in the data set's folder, in `data/`, in the
    configuration's folder or `data/` with it, and `SPLIT/0000.parquet`, the same with .jsonl, packed or not. The
    configuration's own files go before others, and what lies nearer before what lies deeper.

    Args:
        files: Paths inside the data set.
        config: The configuration, empty for none.
        split: The split's name, which stands in the path exactly as it is.
        own: Files outside of the configuration's folder count as well.
    """
    found: dict[tuple[bool, int, str], list[str]] = {}
    for file in sorted(files):
        *folders, name = file.split("/")
        if not _DATA.search(name):
            continue
        stem = _DATA.sub("", name)
        if folders and folders[-1] == split and re.fullmatch(r"\d+|part-.*|.*-\d+-of-\d+.*", stem):
            del folders[-1]  # a folder of parts, as the hub converts
        elif stem != split and not re.fullmatch(rf"{re.escape(split)}-\d.*", stem):
            continue
        told = [folder for folder in folders if folder != "data"]
        right = told == [config] if config else told in ([], [DEFAULT])
        passable = not told and own if config else len(told) == 1
        if right or passable:
            found.setdefault((not right, len(folders), "/".join(folders)), []).append(file)
    if not found:
        return []
    best = min(found)
    if best[0] and not config and len(found) > 1:
        return []  # of several configurations, and nothing says which
    kinds = {_kind(file) for file in found[best]}
    kind = ".parquet" if ".parquet" in kinds else min(kinds)
    return [file for file in found[best] if _kind(file) == kind]


def _kind(file: str) -> str:
    found = _DATA.search(file)
    return found.group(0).lower() if found else ""


def read_rows(path: Path) -> list[Row]:
    """Read a file of Parquet, of JSON lines, perhaps packed, or of one JSON array where it is called .json.

    Raises:
        FournilError: It is neither, or broken.
    """
    fix = tr("Fetch or write the file again.")
    try:
        if path.name.lower().endswith(".parquet"):
            import pyarrow.parquet as pq

            with pq.ParquetFile(path) as file:  # a table of its own: read_table takes folders' names for columns
                return file.read().to_pylist()
        return _read_lines(path)
    except FournilError:
        raise
    except (
        OSError,
        EOFError,
        UnicodeDecodeError,
        lzma.LZMAError,
        ValueError,
    ) as error:  # Arrow's errors are ValueErrors
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise FournilError(tr("the data cannot be read: {error}", error=first[:200]), where=path, fix=fix) from None


def _read_lines(path: Path) -> list[Row]:
    name = path.name.lower()
    opened = gzip.open if name.endswith(".gz") else lzma.open if name.endswith(".xz") else open
    rows: list[Row] = []
    with opened(path, "rt", encoding="utf-8") as file:
        if name.removesuffix(".gz").removesuffix(".xz").endswith(".json") and _begins_array(file):
            return _of_array(json.load(file), path)
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except ValueError:
                row = None
            if not isinstance(row, dict):
                raise FournilError(
                    tr("not a JSON object"),
                    where=f"{path}:{number}",
                    fix=tr("Give one object with the data set's fields in each line."),
                )
            rows.append(row)
    return rows


def _begins_array(file: IO[str]) -> bool:
    first = next((char for char in iter(lambda: file.read(1), "") if not char.isspace()), "")
    file.seek(0)
    return first == "["


def _of_array(found: list[object], path: Path) -> list[Row]:
    rows: list[Row] = []
    for number, row in enumerate(found, 1):
        if not isinstance(row, dict):
            raise FournilError(
                tr("item {number} of the array is not a JSON object", number=number),
                where=path,
                fix=tr("Give one object with the data set's fields in each line."),
            )
        rows.append(row)
    return rows


def open_local(
    folder: Path,
    names: Sequence[str],
    dataset: str,
    config: str,
    *,
    fields: Iterable[str] = (),
    only: str | None = None,
) -> Splits:
    """Find a data set in a folder: FOLDER/TASK, else FOLDER/DATASET or the last part of the data set's name.

    Args:
        folder: What `--data` names.
        names: The task's names, any of which may be a folder there.
        dataset: The hub's name of the data set.
        config: The configuration, empty for none: a folder inside the data set's.
        fields: As for `Splits`.
        only: As for `Splits`.

    Raises:
        FournilError: None of these is there.
    """
    places = [*names, dataset, dataset.rsplit("/", 1)[-1]]
    for place in dict.fromkeys(places):
        found = folder / place
        if not found.is_dir():
            continue
        files = sorted(
            path.relative_to(found).as_posix()
            for path in found.rglob("*")
            if path.is_file() and _DATA.search(path.name)
        )
        own = place in names
        if not own and config and not any(config in file.split("/")[:-1] for file in files):
            continue
        return Splits(
            f"{folder.resolve().name}/{place}", files, config, found.joinpath, fields=fields, only=only, own=own
        )
    raise FournilError(
        tr("no data for the task {task}", task=names[0]),
        where=folder,
        fix=tr(
            "Put its splits into {one} or {other} there, as Parquet or JSON lines, or leave out --data to ask the hub.",
            one=names[0],
            other=f"{dataset}/{config}" if config else dataset,
        ),
    )


Listing = tuple[str, list[str]]
"""A data set's commit, and its files."""


def open_hub(
    dataset: str,
    config: str,
    *,
    fields: Iterable[str] = (),
    only: str | None = None,
    listings: dict[tuple[str, str | None], Listing | None] | None = None,
) -> Splits:
    """Find a data set on the hub; files are fetched when a split is read.

    Args:
        dataset: Its name.
        config: The configuration, empty for none.
        fields: As for `Splits`.
        only: As for `Splits`.
        listings: What the hub said before, for data sets that are asked for many times.

    Raises:
        FournilError: It is not there, or the hub cannot be reached.
    """
    from huggingface_hub import hf_hub_download

    listings = {} if listings is None else listings
    for revision in (CONVERTED, None):
        key = (dataset, revision)
        if key not in listings:
            listings[key] = _list(dataset, revision)
        found = listings[key]
        if found is None:
            continue
        commit, files = found
        if (revision == CONVERTED and not _converts(files, config)) or not any(map(_DATA.search, files)):
            continue

        def fetch(file: str, commit: str = commit) -> Path:
            try:
                return Path(hf_hub_download(dataset, file, repo_type="dataset", revision=commit))
            except Exception as error:
                raise _unreachable(dataset, error) from None

        return Splits(f"{dataset}@{commit}", files, config, fetch, fields=fields, only=only)
    raise FournilError(
        tr("the hub has no data of {dataset} in Parquet or JSON lines", dataset=dataset),
        where=dataset,
        fix=tr("Give a local folder that has it, with --data."),
    )


def _list(dataset: str, revision: str | None) -> Listing | None:
    from huggingface_hub import HfApi
    from huggingface_hub.errors import RevisionNotFoundError

    try:
        info = HfApi().dataset_info(dataset, revision=revision, timeout=30)
    except RevisionNotFoundError:
        return None
    except Exception as error:  # which errors the hub's client raises changes with its version
        raise _unreachable(dataset, error) from None
    return info.sha or revision or "main", [sibling.rfilename for sibling in info.siblings or []]


def _converts(files: Sequence[str], config: str) -> bool:
    folders = {file.split("/")[0] for file in files if "/" in file and not file.split("/")[1].startswith("partial-")}
    return config in folders if config else DEFAULT in folders or len(folders) == 1


def _unreachable(dataset: str, error: Exception) -> FournilError:
    kind = type(error).__name__
    first = (str(error).strip().splitlines() or [kind])[0]
    if kind == "GatedRepoError":
        what = tr("the data set asks for an agreement")
        fix = tr("Accept it at {url}, then log in", url=f"https://huggingface.co/datasets/{dataset}")
    elif kind == "RepositoryNotFoundError":
        what = tr("no such data set, or a private one")
        fix = tr("Check the name, or log in with `hf auth login`")
    else:
        what = tr("the hub cannot be reached ({error})", error=f"{kind}: {first[:160]}")
        fix = tr("Check the network, or give a local folder with the data sets' files with --data")
    return FournilError(what, where=dataset, fix=fix)
