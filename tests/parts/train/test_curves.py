import itertools

from fournil.parts.train.curves import POINTS, some_of, stretches


def test_curves_are_thinned_to_means():
    lines = [{"step": n, "by_group": {"fr": float(n)} | ({"code": 1.0} if n == 2 else {})} for n in range(1, 701)]
    found = stretches(lines)
    assert len(found) == 234
    assert found[0] == (lines[2], {"code": 1.0, "fr": 2.0})
    assert found[-1][0]["step"] == 700
    assert stretches(lines[:POINTS]) == [(line, line["by_group"]) for line in lines[:POINTS]]
    assert stretches([]) == []


def test_what_is_not_shown_lies_between_what_is():
    lines = [{"step": n} for n in range(1, 701)]
    found = [line["step"] for line in some_of(lines)]
    assert len(found) == 234
    assert found[0] <= 3
    assert found[-1] == 700
    assert {later - one for one, later in itertools.pairwise(found)} == {3}
    assert some_of(lines[:POINTS]) == lines[:POINTS]
    assert some_of([]) == []
