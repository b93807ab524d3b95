import pytest

from fournil.core.context import Count


def test_a_step_that_loses_a_document_is_caught():
    Count("cut", num_in=10, num_split=2, num_out=9, refused={"short": 3})
    with pytest.raises(AssertionError, match="lost documents"):
        Count("cut", num_in=10, num_out=9)
