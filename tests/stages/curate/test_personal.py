"""The step personal-data."""

import pyarrow as pa
import pytest

from fournil.core.languages import language
from fournil.stages.curate.alone.personal import mask_personal_data
from fournil.stages.curate.alone.texts import Texts
from fournil.stages.curate.sections.personal_data import PersonalDataSettings

BOTH = [language("fr"), language("en")]


def masked(texts: list[str], settings: PersonalDataSettings) -> Texts:
    batch = Texts(pa.array(texts))
    mask_personal_data(batch, settings, BOTH)
    return batch


def test_marks_and_edits_that_do_not_say_what_stood_there() -> None:
    batch = masked(["rien", "é : jo.lin@free.fr, 06 12 34 56 78"], PersonalDataSettings())
    assert batch.values.to_pylist() == ["rien", "é : [E-MAIL], [PHONE]"]
    assert batch.num_changes == {"personal-data/e-mail": 1, "personal-data/phone": 1}
    assert [(place, row["rule"], row["start"], row["end"], row["was"], row["now"]) for place, row in batch.edits] == [
        (1, "e-mail", 4, 18, None, "[E-MAIL]"),
        (1, "phone", 20, 34, None, "[PHONE]"),
    ]


def test_a_batch_without_any_is_the_same_object() -> None:
    values = pa.array(["une page", "sans rien"])
    batch = Texts(values)
    mask_personal_data(batch, PersonalDataSettings(), BOTH)
    assert batch.values is values
    assert not batch.edits


def test_kinds_and_what_is_spared_are_settings() -> None:
    text = "jo.lin@free.fr, jo@example.org, 06 12 34 56 78"
    assert masked([text], PersonalDataSettings(kinds=())).values.to_pylist() == [text]
    batch = masked([text], PersonalDataSettings(kinds=("e-mail",), spare=()))
    assert batch.values.to_pylist() == ["[E-MAIL], [E-MAIL], 06 12 34 56 78"]


@pytest.mark.parametrize("wrong", [{"kinds": ("email",)}, {"spare": ("role",)}])
def test_unknown_names_are_refused_with_the_known_ones(wrong: dict[str, tuple[str, ...]]) -> None:
    with pytest.raises(ValueError, match="known are (e-mail|reserved)"):
        PersonalDataSettings(**wrong)
