"""The step that finds each document's language and refuses other languages than those of the run."""

import numpy as np
import pyarrow as pa

from fournil.core.languages import primary
from fournil.parts.text.codepoints import decode
from fournil.parts.text.identify import CLOSE_PIECES, identify
from fournil.stages.curate.batch import Batch
from fournil.stages.curate.names import LANGUAGE


def find_languages(batch: Batch) -> None:
    """Give each document its language, as named or else as found; refuse those of another one."""
    settings = batch.config.language
    wanted = {primary(tag) for tag in batch.languages}
    found, confidences, letters = identify(batch.texts.points)
    # A page of commands may hide its language from three glances: whoever may be refused is looked at closely.
    doubtful = [
        place
        for place, tag in enumerate(batch.declared)
        if not batch.is_code[place]
        and letters[place] >= settings.min_letters
        and (found[place] != primary(tag or "") or confidences[place] < settings.min_confidence)
    ]
    if doubtful:
        closer, surer, _ = identify(decode(batch.texts.values.take(pa.array(doubtful))), num_pieces=CLOSE_PIECES)
        confidences[doubtful] = surer
        for place, tag in zip(doubtful, closer, strict=True):
            found[place] = tag
    for place, tag in enumerate(batch.declared):
        confidence, judged = float(confidences[place]), int(letters[place]) >= settings.min_letters
        if place in batch.verdicts or batch.is_code[place]:
            continue
        value = f"{found[place]} {confidence:.3f}"
        if tag is None:
            if found[place] not in wanted and judged and confidence >= settings.min_confidence:
                batch.refuse(place, LANGUAGE, "language-outside", value, " ".join(batch.languages))
            elif not judged or confidence < settings.min_confidence:
                batch.refuse(place, LANGUAGE, "language-unsure", value, f"{settings.min_confidence:g}")
            batch.tags[place] = found[place] or None
        elif primary(tag) not in wanted:
            batch.refuse(place, LANGUAGE, "language-outside", tag, " ".join(batch.languages))
        elif judged and found[place] != primary(tag) and confidence >= settings.mismatch_confidence:
            batch.refuse(place, LANGUAGE, "language-mismatch", value, f"{tag} {settings.mismatch_confidence:g}")
    batch.arrays["found"] = np.array(found, "U8")
