"""The step that puts marks in place of personal data; the edits never say what stood there."""

from fournil.core.languages import Language
from fournil.parts.text.personal import MARKS, find_all, mask
from fournil.stages.curate.alone.texts import Texts
from fournil.stages.curate.names import PERSONAL_DATA
from fournil.stages.curate.sections.personal_data import PersonalDataSettings


def mask_personal_data(texts: Texts, settings: PersonalDataSettings, languages: list[Language]) -> None:
    """Mask what is found in each text; texts without any are not even decoded.

    Args:
        texts: Of a batch.
        settings: What is masked, and what is spared.
        languages: Whose words and numbers are looked for.
    """
    if not settings.kinds:
        return
    new: dict[int, str] = {}
    found_in = find_all(texts.values, languages=languages, kinds=settings.kinds, spare=settings.spare)
    for place, found in found_in.items():
        for item in found:
            texts.edit(place, PERSONAL_DATA, item.kind, item.start, item.end, None, MARKS[item.kind])
        new[place] = mask(texts.values[place].as_py(), found)
    texts.set(new)
