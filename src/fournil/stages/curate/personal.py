"""The step that puts marks in place of personal data; the edits never say what stood there."""

from fournil.core.languages import Language
from fournil.parts.text.personal_data import MARKS, find_personal_data, mask, may_hold_personal_data
from fournil.stages.curate.names import PERSONAL_DATA
from fournil.stages.curate.sections.personal_data import PersonalDataSettings
from fournil.stages.curate.texts import Texts


def mask_personal_data(texts: Texts, settings: PersonalDataSettings, languages: list[Language]) -> None:
    """Mask what is found in each text."""
    if not settings.kinds:
        return
    new: dict[int, str] = {}
    for place, kinds in may_hold_personal_data(texts.values, kinds=settings.kinds).items():
        text = texts.values[place].as_py()
        found = find_personal_data(text, languages=languages, kinds=kinds)
        for item in found:
            texts.edit(place, PERSONAL_DATA, item.kind, item.start, item.end, None, MARKS[item.kind])
        if found:
            new[place] = mask(text, found)
    texts.set(new)
