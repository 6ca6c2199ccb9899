"""Charts: what they draw, and that their figures are there as text."""

import re

import pytest
from django.template.loader import render_to_string

from api.pages.charts import Column, Series, lines, shares, sparkline, stacked_bars

SERIES = (Series("succeeded", "ok"), Series("failed", "bad"))
AXIS = ("12:00", "12:30", "13:00")


def bars(*values, href=None):
    columns = [Column(f"12:{place:02}", value, href) for place, value in enumerate(values)]
    return stacked_bars(id="activity", title="Attempts", series=SERIES, columns=columns, axis=AXIS)


def test_bars_stand_on_one_another_and_are_as_high_as_their_values():
    plot = bars((30, 10), (0, 50))
    assert (plot.top, plot.middle) == ("60", "30")
    (good, bad), (only_bad,) = (bar.shapes for bar in plot.bars)
    assert good.y + good.height == plot.height
    assert bad.y + bad.height == pytest.approx(good.y)
    assert good.height == pytest.approx(3 * bad.height, abs=0.02)
    assert only_bad.height == pytest.approx(plot.height * 50 / 60, abs=0.01)


@pytest.mark.parametrize(
    ("most", "top"), [(1, "1"), (2, "2"), (3, "4"), (7, "10"), (10, "10"), (122, "200"), (2_204, "3,000")]
)
def test_the_scale_ends_at_a_round_number(most, top):
    assert bars((most, 0)).top == top


def test_what_is_not_nothing_is_seen_beside_a_million():
    (_, few) = bars((1_000_000, 0), (0, 1)).bars
    assert few.shapes[0].height > 1


def test_each_bar_links_to_its_list_and_is_told_in_words():
    text = render_to_string(
        "pages/charts/plot.html", {"chart": bars((3, 1), href="/ops/deliveries/?a=1&b=2")}
    )
    assert text.count('href="/ops/deliveries/?a=1&amp;b=2"') == 2  # the drawing's, and the table's
    assert 'aria-label="12:00: 3 succeeded, 1 failed"' in text
    assert re.search(r"<caption>Attempts</caption>", text)
    assert '<td class="number">3</td><td class="number">1</td>' in text
    assert "style=" not in text


def test_a_chart_of_nothing_says_so():
    text = render_to_string("pages/charts/plot.html", {"chart": bars((0, 0)), "nothing": "No attempt yet."})
    assert "No attempt yet." in text
    assert "<svg" not in text


def test_a_line_is_broken_where_nothing_is_known():
    plot = lines(
        id="latency",
        title="Latency",
        series=(Series("p50", "busy"),),
        labels=("a", "b", "c", "d"),
        values=((10.0, 20.0, None, 5.0),),
        axis=AXIS,
        tell=lambda value: f"{value:g} ms",
    )
    ((_, runs),) = plot.lines
    assert [len(run.split()) for run in runs] == [2, 2]
    assert runs[0].split()[1].endswith(",0.0")
    assert [cells for _, cells, _ in plot.rows] == [["10 ms"], ["20 ms"], ["—"], ["5 ms"]]


def test_a_sparkline_says_what_it_draws():
    spark = sparkline([5, 0, 7], [0, 2, 1])
    assert spark.words == "15 attempts, 3 failed"
    assert [shape.tone for shape in spark.shapes] == ["ok", "bad", "bad", "ok"]
    assert sparkline([], []).shapes == []


def test_shares_are_of_the_largest_and_of_all():
    rows = shares([("timeout", 1, None), ("http_500", 3, "/x")])
    assert [(row.label, row.length, row.percent) for row in rows] == [
        ("http_500", 100, 75),
        ("timeout", 33.33, 25),
    ]


def test_labels_are_text():
    text = render_to_string("pages/charts/shares.html", {"shares": shares([("<b>", 1, None)]), "title": "x"})
    assert "&lt;b&gt;" in text
