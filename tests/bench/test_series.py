"""How rounds are summed up and compared."""

import pytest

from bench.series import percentile, ratio


def test_ratio_is_taken_round_by_round():
    """A round in which the machine was slow was slow for both."""
    product = [100.0, 10.0, 90.0]
    bare = [200.0, 20.0, 100.0]
    assert ratio(product, bare) == 0.5
    assert ratio(product, bare) != sorted(product)[1] / sorted(bare)[1]


def test_ratio_refuses_rounds_that_are_not_the_same():
    with pytest.raises(ValueError, match="zip"):
        ratio([1.0, 2.0], [1.0])


@pytest.mark.parametrize(("percent", "expected"), [(50, 2), (99, 4), (100, 4), (1, 1)])
def test_percentile_is_a_value_that_was_measured(percent, expected):
    assert percentile([4, 1, 3, 2], percent) == expected


def test_percentile_of_nothing_is_refused():
    with pytest.raises(ValueError, match="no values"):
        percentile([], 50)
