"""What earlier runs have: their signatures are kept with them, and new documents are held against those.

`signatures/` has a row for each document that a run kept, for training or held out. Whoever shares a key with one of
them is compared with its text, which is read from the earlier run's shards; the earlier document is named.
"""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from fournil.core.errors import FournilError
from fournil.core.files import atomic_path
from fournil.core.languages import known_languages, primary
from fournil.core.shards import ShardWriter, read_batches, shard_paths
from fournil.core.speech import tr, trn
from fournil.parts.arrays import load, load_all, save
from fournil.parts.text.joining import Sets, similarity, unpacked
from fournil.parts.text.minhash import sketch
from fournil.parts.text.ngrams import shingles
from fournil.parts.text.scan import scan
from fournil.parts.workers import Workers
from fournil.stages.curate.alone.judging import SHINGLE_WORDS
from fournil.stages.curate.ranges import unreadable
from fournil.stages.curate.sections.duplicates import DuplicateSettings
from fournil.stages.curate.together.compared import REFUSALS
from fournil.stages.curate.together.duplicates import refusals_for
from fournil.stages.curate.together.near import Near, num_partitions_for, read_partition, spill_keys
from fournil.stages.curate.together.rows import Rows
from fournil.stages.curate.together.sets import SetFiles, cut_by_size

KNOWN_EXACT, KNOWN_NEAR = "known-exact-duplicate", "known-near-duplicate"
SIGNATURES = "signatures"

_BATCH = 1 << 14
_MOST_MET = 8
"""A new document is compared with so many earlier ones that share one key."""
_BLOCK_SHINGLES = 1 << 23
_SHARDS = ("documents", "heldout/documents")


def signature_schema(settings: DuplicateSettings) -> pa.Schema:
    """The columns of signatures; the settings that their keys depend on are in the metadata."""
    fields = [
        pa.field("id", pa.string(), nullable=False),
        pa.field("source", pa.string(), nullable=False),
        pa.field("language", pa.string()),
        pa.field("exact", pa.list_(pa.uint64(), 2), nullable=False),
        pa.field("keys", pa.list_(pa.uint64(), settings.num_bands), nullable=False),
    ]
    return pa.schema(fields, metadata={"sketch": _sketch_name(settings)})


def _sketch_name(settings: DuplicateSettings) -> str:
    return f"{settings.num_bands} x {settings.band_rows} minima of runs of {SHINGLE_WORDS} words"


def write_signatures(out: Path, documents: Rows, kept: np.ndarray, settings: DuplicateSettings) -> None:
    """Keep the signatures of the documents that were kept.

    Args:
        out: The stage's folder.
        documents: All documents.
        kept: True for those that are kept, for training or held out.
        settings: Of duplicates.
    """
    schema = signature_schema(settings)
    places = np.flatnonzero(kept)
    with ShardWriter(out / SIGNATURES, schema) as writer:
        for start in range(0, len(places), _BATCH):
            part = places[start : start + _BATCH]
            sources, languages = documents.sources, documents.languages
            columns = [
                documents.ids.take(pa.array(part)).cast(pa.string()),
                pa.array(sources.names, pa.string()).take(pa.array(sources.codes[part])),
                pa.array(languages.names, pa.string()).take(pa.array(languages.codes[part])),
                _lists(np.asarray(documents.arrays["exact"][part], np.uint64)),
                _lists(np.asarray(documents.arrays["keys"][part])),
            ]
            writer.write(pa.table(columns, schema=schema))


def _lists(values: np.ndarray) -> pa.Array:
    return pa.FixedSizeListArray.from_arrays(pa.array(values.ravel()), values.shape[1])


class Earlier:
    """The signatures of an earlier run.

    Args:
        folder: Its 02-curate.
        settings: Of this run: they must be those of the earlier one.

    Raises:
        FournilError: There are no signatures, or they were made with other settings.
    """

    def __init__(self, folder: Path, settings: DuplicateSettings) -> None:
        self.folder = folder
        _check_signatures(folder, settings)
        wanted = ["id", "source", "exact", "keys"]
        schema = pa.schema([signature_schema(settings).field(name) for name in wanted])
        table = pa.Table.from_batches(read_batches(folder / SIGNATURES, columns=wanted), schema).combine_chunks()
        self.ids = table.column("id").combine_chunks().cast(pa.large_string())
        self.sources = table.column("source").combine_chunks().dictionary_encode()
        self.exact = _array(table.column("exact"), 2)
        self.keys = _array(table.column("keys"), settings.num_bands)

    def names(self, rows: np.ndarray) -> tuple[pa.Array, pa.Array]:
        """Ids and sources of some rows."""
        places = pa.array(rows)
        return self.ids.take(places), self.sources.take(places).cast(pa.string())


def check_earlier(settings: DuplicateSettings) -> None:
    """See that what the settings name are earlier runs with signatures of this run's kind.

    Raises:
        FournilError: One is not.
    """
    for name in settings.against:
        _check_signatures(_place(name), settings)


def _place(name: str) -> Path:
    """A folder as all machines find it: a worker elsewhere stands in another folder."""
    return Path(name).expanduser().resolve()


def _check_signatures(folder: Path, settings: DuplicateSettings) -> None:
    if not (folder / SIGNATURES).is_dir():
        raise FournilError(
            tr("no signatures of an earlier run"),
            where=folder,
            fix=tr("curate.duplicates.against names folders 02-curate of runs that have signatures/ in them."),
        )
    for path in shard_paths(folder / SIGNATURES):
        try:
            told = (pq.read_schema(path).metadata or {}).get(b"sketch", b"").decode()
        except (pa.ArrowException, OSError) as error:
            raise unreadable(path) from error
        if told != _sketch_name(settings):
            raise FournilError(
                tr("signatures of another kind: {there}, here {here}", there=told, here=_sketch_name(settings)),
                where=folder / SIGNATURES,
                fix=tr("Set num_bands and band_rows as they were there."),
            )


def _array(column: pa.ChunkedArray, width: int) -> np.ndarray:
    return column.combine_chunks().flatten().to_numpy().reshape(-1, width)


def known_documents(
    documents: Rows,
    alive: np.ndarray,
    near: Near,
    sets: SetFiles,
    work: Path,
    settings: DuplicateSettings,
    workers: Workers,
) -> Iterator[pa.Table]:
    """Documents that an earlier run has, one table for each run in which there are some.

    Args:
        documents: All documents.
        alive: Which of them are looked at; those found are taken out.
        near: How the keys lie on disk.
        sets: Of all texts.
        work: The folder of the join.
        settings: Which runs, and from which similarity on.
        workers: Who works.

    Raises:
        FournilError: A folder has no signatures, or has them of another kind.
    """
    for number, name in enumerate(settings.against):
        earlier = Earlier(_place(name), settings)
        folder = work / f"known-{number}"
        folder.mkdir(parents=True, exist_ok=True)
        exact = _exact(documents, alive, earlier, name)
        alive[exact.column("row").to_numpy()] = False
        yield exact
        found = _near(documents, alive, near, sets, earlier, name, folder, settings, workers)
        alive[found.column("row").to_numpy()] = False
        yield found


def _exact(documents: Rows, alive: np.ndarray, earlier: Earlier, name: str) -> pa.Table:
    """Documents that equal an earlier one; of several, the first by id is named."""
    by_id = pc.array_sort_indices(earlier.ids).to_numpy()  # pyright: ignore[reportAttributeAccessIssue] - made at import
    order = by_id[np.argsort(earlier.exact[by_id, 0], kind="stable")]
    theirs = earlier.exact[order]
    places = np.flatnonzero(alive)
    ours = np.asarray(documents.arrays["exact"])[places]
    found = np.searchsorted(theirs[:, 0], ours[:, 0])
    found = np.minimum(found, max(len(theirs) - 1, 0))
    # Two texts with one half of the key in common and not the other do not happen.
    same = (theirs[found] == ours).all(1) if len(theirs) else np.zeros(len(places), bool)
    gone = places[same]
    return refusals_for(gone, KNOWN_EXACT, np.ones(len(gone)), f"1 {name}", *earlier.names(order[found[same]]))


def _near(
    documents: Rows,
    alive: np.ndarray,
    near: Near,
    sets: SetFiles,
    earlier: Earlier,
    name: str,
    folder: Path,
    settings: DuplicateSettings,
    workers: Workers,
) -> pa.Table:
    # Keys lie in partitions that suit this run; where the earlier run is much larger, both are divided anew.
    ours_in, num_ours, num_partitions = folder.parent, near.num_spills, near.num_partitions
    if len(documents) and num_partitions_for(earlier.keys.size) > num_partitions:
        ours_in, num_partitions = folder / "ours", num_partitions_for(earlier.keys.size)
        num_ours = spill_keys([documents.arrays["keys"]], ours_in, num_partitions, workers)
    num_theirs = spill_keys([earlier.keys], folder, num_partitions, workers)
    calls = ((folder, ours_in, num_ours, num_theirs, number, len(documents)) for number in range(num_partitions))
    workers.run(_meet, calls)
    pairs = np.unique(np.concatenate([load(_met(folder, number)) for number in range(num_partitions)]))
    ours, theirs = unpacked(pairs)
    wanted = alive[ours]
    ours, theirs = ours[wanted], theirs[wanted]
    asked = np.unique(theirs)
    ids = earlier.ids.take(pa.array(asked)).cast(pa.string())
    with atomic_path(folder / "asked.arrow") as path, pa.OSFile(str(path), "wb") as file:
        table = pa.table({"id": ids, "row": asked})
        with pa.ipc.new_file(file, table.schema) as to:
            to.write_table(table)
    shards = [path for name in _SHARDS for path in shard_paths(earlier.folder / name)]
    workers.run(_read_sets, ((folder, number, path) for number, path in enumerate(shards)))
    found = [(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))]
    there = np.zeros(len(asked), bool)
    for number in range(len(shards)):
        arrays = load_all(_sets_of(folder, number))
        there[np.searchsorted(asked, arrays["rows"])] = True
        found += _similar(sets, ours, theirs, arrays["rows"], Sets(arrays["values"], arrays["counts"]), settings)
    if not there.all():
        num = int((~there).sum())
        raise FournilError(
            trn(
                "{count:,} document of an earlier run is in its signatures and not in its shards",
                "{count:,} documents of an earlier run are in its signatures and not in its shards",
                num,
            ),
            where=earlier.folder,
            fix=tr("It was changed after it was made: make it again, or leave it out of curate.duplicates.against."),
        )
    rows = np.concatenate([each for each, _, _ in found])
    kept = np.concatenate([each for _, each, _ in found])
    true = np.concatenate([each for _, _, each in found])
    by_id = np.empty(len(earlier.ids), np.int64)
    by_id[pc.array_sort_indices(earlier.ids).to_numpy()] = np.arange(len(by_id))  # pyright: ignore[reportAttributeAccessIssue] - made at import
    order = np.lexsort((by_id[kept], -true, rows))
    first = np.ones(len(order), bool)
    first[1:] = rows[order[1:]] != rows[order[:-1]]
    chosen = order[first]
    if not len(chosen):
        return REFUSALS.empty_table()
    bound = f"{settings.threshold:g} {name}"
    return refusals_for(rows[chosen], KNOWN_NEAR, true[chosen], bound, *earlier.names(kept[chosen]))


def _met(folder: Path, partition: int) -> Path:
    return folder / f"met-{partition:05d}.npy"


def _meet(folder: Path, ours_in: Path, num_ours: int, num_theirs: int, partition: int, num_documents: int) -> None:
    """Documents of this run and earlier ones that share a key of one partition."""
    if _met(folder, partition).exists():
        return
    ours, theirs = read_partition(ours_in, num_ours, partition), read_partition(folder, num_theirs, partition)
    ours = ours.where(ours.texts < num_documents)
    low = np.searchsorted(theirs.keys, ours.keys, side="left")
    num = np.minimum(np.searchsorted(theirs.keys, ours.keys, side="right") - low, _MOST_MET)
    places = np.arange(num.sum()) - np.repeat(np.cumsum(num) - num, num) + np.repeat(low, num)
    one, other = np.repeat(ours.texts, num).astype(np.uint64), theirs.texts[places].astype(np.uint64)
    save(_met(folder, partition), np.unique((one << np.uint64(32)) | other))


def _sets_of(folder: Path, shard: int) -> Path:
    return folder / f"sets-{shard:05d}.npz"


def _read_sets(folder: Path, number: int, path: Path) -> None:
    """The sets of those earlier documents of one shard that are asked for."""
    if _sets_of(folder, number).exists():
        return
    with pa.memory_map(str(folder / "asked.arrow")) as file:
        asked = pa.ipc.open_file(file).read_all()
    rows, values, counts = [np.zeros(0, np.int64)], [np.zeros(0, np.uint32)], [np.zeros(0, np.int64)]
    for batch in read_batches(path, columns=["id", "text", "language"], batch_rows=1024):
        places = pc.index_in(batch.column("id"), value_set=asked.column("id").combine_chunks())  # pyright: ignore[reportAttributeAccessIssue] - made at import
        there = np.flatnonzero(places.is_valid())
        if not len(there):
            continue
        part = batch.take(pa.array(there))
        tags = part.column("language").to_pylist()
        wanted = np.array([primary(tag or "") in known_languages() for tag in tags], bool)
        hashes, num = shingles(scan(part.column("text"), tags).words, SHINGLE_WORDS, wanted=wanted)
        made = sketch(hashes, np.concatenate([[0], np.cumsum(num)])).sets
        rows.append(asked.column("row").to_numpy()[places.drop_null().to_numpy()])
        values.append(made.values)
        counts.append(made.counts)
    with atomic_path(_sets_of(folder, number)) as temporary, temporary.open("wb") as file:
        np.savez(file, rows=np.concatenate(rows), values=np.concatenate(values), counts=np.concatenate(counts))


def _similar(
    sets: SetFiles,
    ours: np.ndarray,
    theirs: np.ndarray,
    rows: np.ndarray,
    earlier: Sets,
    settings: DuplicateSettings,
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Pairs as similar as the threshold, whose earlier document is among those read."""
    order = np.argsort(rows)
    places = np.minimum(np.searchsorted(rows[order], theirs), max(len(rows) - 1, 0))
    there = np.flatnonzero(rows[order][places] == theirs) if len(rows) else np.zeros(0, np.int64)
    for start, stop in pairwise(cut_by_size(sets.sizes(ours[there]), _BLOCK_SHINGLES)):
        part = there[start:stop]
        texts, one = np.unique(ours[part], return_inverse=True)
        other = order[places[part]]
        true = similarity(sets.read(texts), earlier, one, other, threshold=settings.threshold)
        near = true >= settings.threshold
        yield ours[part][near], theirs[part][near], true[near]
