"""Charts: what they draw, and that their figures are there as text."""

import re

import pytest
from django.template.loader import render_to_string

from api.pages.charts import Column, Series, shares, sparkline, stacked_bars, time_lines

SERIES = (Series("succeeded", "ok"), Series("failed", "bad"))
AXIS = ("12:00", "12:30", "13:00")


def bars(*values, href=None):
    columns = [Column(f"12:{place:02}", value, href) for place, value in enumerate(values)]
    return stacked_bars(id="activity", title="Attempts", series=SERIES, columns=columns, axis=AXIS)


def test_bars_stand_on_one_another_and_are_as_high_as_their_values():
    plot = bars((30, 10), (0, 50))
    assert [tick.label for tick in plot.ticks] == ["60", "30", "0"]
    assert [tick.y for tick in plot.ticks] == [0, plot.height / 2, plot.height]
    (good, bad), (only_bad,) = (bar.shapes for bar in plot.bars)
    assert good.y + good.height == plot.height
    assert bad.y + bad.height == pytest.approx(good.y)
    assert good.height == pytest.approx(3 * bad.height, abs=0.02)
    assert only_bad.height == pytest.approx(plot.height * 50 / 60, abs=0.01)


@pytest.mark.parametrize(
    ("most", "top"), [(1, "1"), (2, "2"), (3, "4"), (7, "10"), (10, "10"), (122, "200"), (2_204, "3,000")]
)
def test_the_scale_ends_at_a_round_number(most, top):
    assert bars((most, 0)).ticks[0].label == top


def test_what_is_not_nothing_is_seen_beside_a_million():
    (_, few) = bars((1_000_000, 0), (0, 1)).bars
    assert few.shapes[0].height > 1


def test_each_bar_links_to_its_list_and_is_told_in_words():
    text = render_to_string(
        "pages/charts/plot.html", {"chart": bars((3, 1), href="/ops/deliveries/?a=1&b=2")}
    )
    assert text.count('href="/ops/deliveries/?a=1&amp;b=2"') == 2  # the drawing's, and the table's
    assert 'aria-label="12:00: 3 succeeded, 1 failed"' in text
    assert re.search(r"<caption[^>]*>Attempts</caption>", text)
    assert '<td class="number">3</td><td class="number">1</td>' in text
    assert "style=" not in text


def test_a_chart_of_nothing_says_so():
    text = render_to_string("pages/charts/plot.html", {"chart": bars((0, 0)), "nothing": "No attempt yet."})
    assert "No attempt yet." in text
    assert "<svg" not in text


def times(*values):
    return time_lines(
        id="latency",
        title="Latency",
        series=(Series("p50", "busy"),),
        labels=[f"12:{place:02}" for place in range(len(values))],
        values=(values,),
        axis=AXIS,
        tell=lambda value: f"{value:g} ms",
    )


def heights(plot):
    """Of the points of its only line, from the bottom, in parts of the whole."""
    ((_, runs),) = plot.lines
    points = [point.split(",") for run in runs for point in run.split()]
    return [pytest.approx(1 - float(y) / plot.height, abs=0.001) for _, y in points]


def test_a_line_is_broken_where_nothing_is_known():
    plot = times(10.0, 20.0, None, 5.0)
    ((_, runs),) = plot.lines
    assert [len(run.split()) for run in runs] == [2, 2]
    assert [cells for _, cells, _ in plot.rows] == [["10 ms"], ["20 ms"], ["—"], ["5 ms"]]


@pytest.mark.parametrize(
    ("values", "ticks"),
    [
        ((22.0, 49.0), ["100 ms", "10 ms"]),
        ((0.4, 3.0), ["10 ms", "1 ms", "0.1 ms"]),
        ((12.0, 1_400.0), ["10 s", "1 s", "100 ms", "10 ms"]),
        ((10.0, 1_000.0), ["1 s", "100 ms", "10 ms"]),
        ((100.0, 2_000_000.0), ["10,000 s", "1,000 s", "100 s", "10 s", "1 s", "100 ms"]),
        ((10.0,), ["100 ms", "10 ms"]),
        ((0.0,), ["10 ms", "1 ms"]),
    ],
)
def test_times_have_a_scale_of_powers_of_ten(values, ticks):
    plot = times(*values)
    assert [tick.label for tick in plot.ticks] == ticks
    assert (plot.ticks[0].y, plot.ticks[-1].y) == (0, plot.height)


def test_one_slow_time_does_not_flatten_the_others():
    assert heights(times(10.0, 100.0, 10_000.0, 1_000.0)) == [0, 1 / 3, 1, 2 / 3]
    assert heights(times(0.0, 100.0, 10.0)) == [0, 1, 0]  # nothing lies at the bottom, not below it


def test_a_logarithmic_scale_is_told_of():
    text = render_to_string("pages/charts/plot.html", {"chart": times(1.0, 2.0)})
    assert '<title id="latency-title">Latency, logarithmic scale</title>' in text
    assert "<span>logarithmic scale</span>" in text
    assert "logarithmic" not in render_to_string("pages/charts/plot.html", {"chart": bars((3, 1))})


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


def test_those_beyond_the_first_are_folded_away():
    every = shares([(f"code_{number}", 10 - number, None) for number in range(5)])
    text = render_to_string(
        "pages/charts/shares.html", {"shares": every[:3], "rest": every[3:], "title": "x"}
    )
    shown, _, folded = text.partition("<details>")
    assert list(re.findall(r"code_\d", shown)) == ["code_0", "code_1", "code_2"]
    assert "<summary>2 more</summary>" in folded
    assert re.findall(r"code_\d", folded) == ["code_3", "code_4"]
