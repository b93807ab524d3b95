import pytest

from fournil.core.errors import FournilError
from fournil.core.licences import is_known, normal_spdx


def test_spelling_is_made_normal():
    assert normal_spdx("gpl-3.0-or-later or mit") == "GPL-3.0-or-later OR MIT"
    assert normal_spdx("LicenseRef-Etalab-2.0 AND CC-BY-4.0") == "LicenseRef-Etalab-2.0 AND CC-BY-4.0"


@pytest.mark.parametrize("wrong", ["", "GPL-42", "MIT OR", "free for all"])
def test_what_is_not_spdx_is_refused(wrong):
    assert not is_known(wrong)
    with pytest.raises(FournilError):
        normal_spdx(wrong)
