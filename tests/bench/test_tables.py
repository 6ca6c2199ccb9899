"""The tables of results, for a terminal and for a document."""

import pytest

from bench.tables import Table, markdown, number, text


def rates() -> Table:
    table = Table(title="Drain", unit="deliveries/s", base="bare loop")
    for product, bare in ((9_000, 12_000), (12_345, 16_000), (8_000, 10_000)):
        table.add("product", product)
        table.add("bare loop", bare)
    return table


def test_row_shows_least_median_most_and_ratio():
    assert text(rates()).splitlines()[2].split() == ["product", "8,000", "9,000", "12,345", "0.77"]


def test_markdown_has_the_same_cells():
    assert "| product | 8,000 | 9,000 | 12,345 | 0.77 |" in markdown(rates())


def test_row_of_other_rounds_has_no_ratio():
    table = rates()
    table.add("once", 5_000)
    assert text(table).splitlines()[-1].split() == ["once", "5,000", "5,000", "5,000"]


def test_base_of_nothing_divides_nothing():
    table = Table(title="Waiting", unit="events", base="before", rows={"before": [0.0], "after": [2.0]})
    assert text(table).splitlines()[-1].split() == ["after", "2.00", "2.00", "2.00"]


@pytest.mark.parametrize(
    ("value", "shown"),
    [(16_204.4, "16,204"), (84.26, "84.3"), (2.414, "2.41"), (0.0619, "0.062"), (0, "0.00")],
)
def test_number_has_as_many_digits_as_say_something(value, shown):
    assert number(value) == shown
