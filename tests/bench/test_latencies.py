"""From commits and receipts to waits."""

from bench.latencies import by_window, read_commits, slope, waits
from bench.receiver import Arrival


def test_wait_ends_with_the_first_arrival(tmp_path):
    log = tmp_path / "commits"
    log.write_text("evt_a 10.000000\nevt_b 11.000000\nevt_c 12.000000\n")
    arrivals = [
        Arrival(10.25, "/ok", "evt_a"),
        Arrival(10.9, "/ok", "evt_b"),  # before its recorder knew that it was committed
        Arrival(13.0, "/ok", "evt_a"),
        Arrival(14.0, "/ok", "evt_of_another_run"),
    ]
    assert waits(read_commits(log), arrivals) == {"evt_a": 250.0, "evt_b": 0.0}


def test_windows_follow_the_commits_and_leave_nothing_out():
    commits = {f"evt_{n}": float(n) for n in range(7)}
    found = {f"evt_{n}": n * 10.0 for n in reversed(range(7))}
    assert by_window(commits, found, windows=3) == [[0.0, 10.0], [20.0, 30.0], [40.0, 50.0, 60.0]]


def test_slope_of_a_steady_backlog_is_nothing_and_of_a_growing_one_its_growth():
    assert slope([(0, 5), (1, 5), (2, 5)]) == 0
    assert slope([(0, 0), (1, 40), (2, 80)]) == 40
    assert slope([(1, 1)]) == 0
