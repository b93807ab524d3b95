import itertools
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fournil.core.errors import FournilError
from fournil.parts.train.shares import PhaseMixture, Shares, phase_mixture

LANGUAGES = ("fr", "en")
PARTS = st.integers(0, 50).map(lambda n: n / 100)
RAMPS = st.lists(st.tuples(st.integers(1, 9), st.integers(1, 9).map(lambda n: 2 * n)), max_size=3)


@given(
    rows=st.integers(1, 20).map(lambda n: 2 * n),
    code=PARTS,
    parallel=PARTS,
    end=st.one_of(st.none(), PARTS),
    ramp=RAMPS,
    steps=st.integers(1, 80),
)
@settings(max_examples=150, deadline=None)
def test_languages_have_the_same_number_of_rows_in_every_step(rows, code, parallel, end, ramp, steps):
    mixture = PhaseMixture(steps + sum(n for n, _ in ramp), rows, 64, code, parallel, end, tuple(ramp))
    shares = Shares(mixture, LANGUAGES)
    for step in range(mixture.steps):
        before, after = shares.before(step), shares.before(step + 1)
        counts = {group: after[group] - before[group] for group in after}
        assert counts["fr"] == counts["en"]
        assert min(counts.values()) >= 0
        assert sum(counts.values()) == mixture.rows_before(step + 1) - mixture.rows_before(step)
    whole, total = shares.before(mixture.steps), mixture.rows_before(mixture.steps)
    assert whole["code"] == pytest.approx(code * total, abs=3)
    mean = parallel if end is None else (parallel + end) / 2
    assert whole["parallel"] == pytest.approx(mean * total, abs=3)
    assert mixture.tokens == 64 * total


@given(
    rows=st.integers(1, 9),
    code=PARTS,
    parallel=PARTS,
    end=PARTS,
    parts=st.lists(st.integers(0, 9), min_size=3, max_size=3),
)
@settings(max_examples=60, deadline=None)
def test_languages_with_shares_of_their_own_have_them_over_the_phase(rows, code, parallel, end, parts):
    def divide(text):
        first, second = (text * part // (sum(parts) + 1) for part in parts[:2])
        return [first, second, text - first - second]

    mixture = PhaseMixture(50, rows, 64, code, parallel, end)
    shares = Shares(mixture, ("fr", "en", "oc"), divide)
    counts = [shares.before(step) for step in range(51)]
    for before, after in itertools.pairwise(counts):
        assert min(after[group] - before[group] for group in after) >= 0
        assert sum(after.values()) - sum(before.values()) == rows
    text = sum(counts[-1][name] for name in ("fr", "en", "oc"))
    assert [counts[-1][name] for name in ("fr", "en", "oc")] == (divide(text) if text else [0, 0, 0])


def test_pairs_come_by_a_schedule():
    """From none to half of the rows, in a straight line: a quarter of the first half's last step, and so on."""
    shares = Shares(PhaseMixture(400, 100, 64, 0.1, 0.0, 0.5), LANGUAGES)
    counts = [shares.before(step) for step in range(401)]
    at = [{group: after[group] - before[group] for group in after} for before, after in itertools.pairwise(counts)]
    for step in (0, 99, 200, 399):
        assert at[step]["parallel"] == pytest.approx(50 * (step + 0.5) / 400, abs=2)
        assert at[step]["code"] == pytest.approx(10, abs=2)


@pytest.mark.parametrize(
    "mixture",
    [
        PhaseMixture(1, 3, 64),
        PhaseMixture(1, 4, 64, code=0.7, parallel=0.4),
        PhaseMixture(1, 4, 64, code=0.7, parallel=0.1, parallel_end=0.4),
        PhaseMixture(9, 4, 64, ramp=((2, 3),)),
    ],
)
def test_impossible_shares_are_refused(mixture):
    with pytest.raises(FournilError):
        Shares(mixture, LANGUAGES)


@dataclass
class Settings:
    """A phase's settings, of the kind that the stage has."""

    steps: int = 0
    tokens: int = 0
    batch_tokens: int = 1024
    first_batch_tokens: int = 0
    ramp_tokens: int = 0
    ramp_by_tokens: int = 0
    context_length: int = 64
    code: float = 0.0
    parallel: float = 0.0
    parallel_end: float | None = None


def test_a_phase_in_tokens_has_as_many_steps_as_it_takes():
    assert phase_mixture(Settings(tokens=10_000), "").steps == 10
    assert phase_mixture(Settings(steps=7), "").tokens == 7 * 1024


def test_batches_double_or_grow_by_a_fixed_amount():
    doubling = phase_mixture(Settings(tokens=100_000, first_batch_tokens=128, ramp_tokens=3000), "")
    assert doubling.ramp == ((8, 2), (4, 4), (2, 8))  # 1,000 tokens each, up to a whole step
    assert doubling.tokens - 100_000 in range(1024)
    by = phase_mixture(Settings(steps=50, first_batch_tokens=256, ramp_tokens=1, ramp_by_tokens=320), "")
    assert by.ramp == ((1, 4), (1, 9), (1, 14))
    assert by.sizes == (4, 9, 14, 16)
    assert by.tokens == (4 + 9 + 14 + 47 * 16) * 64


def test_lucie_s_ramp():
    """From 256 to 1,024 rows by 64 over 10 million rows of 4,096: 12 sizes, of 833,333 rows each."""
    row = 4096
    settings = Settings(
        tokens=3_100_000_000_000,
        batch_tokens=1024 * row,
        first_batch_tokens=256 * row,
        ramp_tokens=10_000_000 * row,
        ramp_by_tokens=64 * row,
        context_length=row,
    )
    mixture = phase_mixture(settings, "")
    assert [rows for _, rows in mixture.ramp] == list(range(256, 1024, 64))
    assert sum(steps * rows for steps, rows in mixture.ramp) == pytest.approx(10_000_000, rel=1e-3)
    assert mixture.steps == pytest.approx(753_851, rel=0.01)  # as published


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (Settings(), "either steps or tokens"),
        (Settings(steps=1, tokens=1), "either steps or tokens"),
        (Settings(steps=1, batch_tokens=100), "batch_tokens 100 is no multiple of context_length 64"),
        (Settings(steps=9, first_batch_tokens=100, ramp_tokens=9), "first_batch_tokens 100 is no multiple"),
        (Settings(steps=9, first_batch_tokens=128), "needs first_batch_tokens and ramp_tokens"),
        (Settings(steps=9, ramp_tokens=128), "needs first_batch_tokens and ramp_tokens"),
        (Settings(steps=9, ramp_by_tokens=128), "needs first_batch_tokens and ramp_tokens"),
        (Settings(steps=9, first_batch_tokens=1024, ramp_tokens=9), "1,024 is not below batch_tokens 1,024"),
        (Settings(steps=2, first_batch_tokens=128, ramp_tokens=9), "still be growing"),
        (Settings(tokens=800, first_batch_tokens=128, ramp_tokens=900), "still be growing"),
    ],
)  # fmt: skip
def test_phases_that_cannot_be_are_refused_with_their_place(settings, message):
    with pytest.raises(FournilError, match=message) as caught:
        phase_mixture(settings, "pretrain.phase[3]")
    assert caught.value.where == "pretrain.phase[3]"
