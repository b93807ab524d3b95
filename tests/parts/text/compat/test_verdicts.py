"""Five hundred pieces of real text: each verdict and reason is datatrove's (bench/curate.py shows more than 20,000)."""

from pathlib import Path

from curating.verdicts import verdicts


def test_real_text(shared: Path) -> None:
    rows = list(verdicts(shared / "data", 500))
    assert [row["filter"] for row in rows][-1] == "chain"
    for row in rows:
        assert row["differences"] == []
        assert row["same"] == row["documents"] == 500
        assert 20 < row["refused"] < 450
