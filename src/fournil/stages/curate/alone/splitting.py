"""Mixed documents made into one document for each language."""

from itertools import groupby

import numpy as np
import pyarrow as pa

from fournil.core.languages import primary
from fournil.parts.text.codepoints import utf8_bytes
from fournil.parts.text.function_words import FunctionWords
from fournil.parts.text.line_languages import LineLanguages
from fournil.stages.curate.alone.batch import Batch
from fournil.stages.curate.alone.marking import mark_rows, read_extra
from fournil.stages.curate.names import LANGUAGE

SPLIT_OFF = "split-off"


def split_off(batch: Batch, counted: FunctionWords, lines: LineLanguages, mixed: list[int]) -> None:
    """Split the lines of other languages off from mixed documents.

    The document keeps its id and the language that it names, or else the one that it has most of. What is split off
    follows behind the batch, one document a language, with "#" and the language after the id. All of them are in one
    group of translations, so that they are held out together or not at all.

    Args:
        batch: The documents.
        counted: Where their lines are.
        lines: The lines' languages.
        mixed: Which documents.
    """
    bytes_B, bounds_D = utf8_bytes(batch.texts.values)
    left: dict[int, str] = {}
    parents: list[int] = []
    tags: list[str] = []
    parts: list[str] = []
    for place in mixed:
        data = bytes_B[bounds_D[place] : bounds_D[place + 1]].tobytes()
        first, last = int(counted.lines_D[place]), int(counted.lines_D[place + 1])
        edges = (counted.bounds_L[first : last + 1] - bounds_D[place]).tolist()
        runs = [
            (label, "".join(data[edges[at] : edges[at + 1]].decode() for at, _ in run))
            for label, run in groupby(enumerate(lines.label_L[first:last].tolist()), key=lambda item: item[1])
        ]
        shares = lines.share_DN[place]
        main = int(shares.argmax())
        named = primary(batch.declared[place] or "")
        if named in counted.tags and shares[counted.tags.index(named)] >= batch.config.language.mixed_share:
            main = counted.tags.index(named)
        apart = np.flatnonzero(shares >= batch.config.language.mixed_share).tolist()
        apart.remove(main)
        start, kept = 0, []
        for label, text in runs:
            if label in apart:
                batch.texts.edit(place, LANGUAGE, SPLIT_OFF, start, start + len(text), text, "")
            else:
                kept.append(text)
            start += len(text)
        left[place] = "".join(kept).strip("\n")
        batch.tags[place] = batch.declared[place] or counted.tags[main]
        for label in apart:
            parents.append(place)
            tags.append(counted.tags[label])
            parts.append("".join(text for each, text in runs if each == label).strip("\n"))
    if parents:
        batch.texts.set(left)
        extra = batch.rows.column("extra")
        groups = {place: read_extra(extra[place].as_py()).get("group") for place in left}
        mark_rows(batch, {place: {"group": group or batch.ids[place]} for place, group in groups.items()})
        _append(batch, parents, tags, parts)


def _append(batch: Batch, parents: list[int], tags: list[str], parts: list[str]) -> None:
    """Let new documents follow behind the batch, all else than text, id and language as their parents have it."""
    ids = [f"{batch.ids[parent]}#{tag}" for parent, tag in zip(parents, tags, strict=True)]
    new = batch.rows.take(pa.array(parents))
    for name, values in (("id", ids), ("text", parts), ("language", tags)):
        number = new.schema.get_field_index(name)
        new = new.set_column(number, new.schema.field(number), pa.array(values, new.schema.field(number).type))
    both = pa.Table.from_batches([batch.rows, new]).combine_chunks()
    batch.rows = both.to_batches()[0]
    values = batch.texts.values
    batch.texts.put(pa.concat_arrays([values, pa.array(parts, values.type)]))
    batch.ids += ids
    batch.sources += [batch.sources[parent] for parent in parents]
    batch.categories += [batch.categories[parent] for parent in parents]
    batch.declared += [None] * len(parents)
    batch.tags += tags
    batch.is_code = np.append(batch.is_code, np.zeros(len(parents), bool))
    for name, values in batch.arrays.items():
        batch.arrays[name] = np.concatenate([values, np.zeros((len(parents), *values.shape[1:]), values.dtype)])
    batch.arrays["found"][-len(parents) :] = tags
    batch.arrays["split"][-len(parents) :] = True
