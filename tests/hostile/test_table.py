"""The table of hostile endpoints, played to a real dispatcher beside healthy ones."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import chain
from pathlib import Path

import pytest

from dispatcher.failures import FailureCode
from dispatcher.models import Attempt, Delivery
from dispatcher.outcomes import RESPONSE_LIMIT
from tests.dispatcher.certificates import Authority
from tests.hostile.behaviour import FIRST_WAIT, Behaviour, Then
from tests.hostile.page import tables, tables_on_page
from tests.hostile.stage import DEADLINE, HEALTHY_ENDPOINTS, Observed, Played, play
from tests.hostile.table import TABLE

# A dispatcher each, so that the workers of pytest-xdist share the waiting.
PARTS = [
    ("Too slow", "Informational answers", "Statuses and addresses"),
    ("Too much", "Not HTTP"),
    ("Connections", "TLS"),
]
GRACE_MS = 250.0
# An endless body would bring gigabytes within the deadline.
MOST_GROWTH = 64 * 1024 * 1024  # bytes
# The event itself is held as text, as rendered bytes and by libcurl.
GROWTH_PER_EVENT_BYTE = 8
# What clocks are compared by: the database's own, around a transaction that may have waited.
SLACK = timedelta(minutes=5)
Record = Callable[[str, object], None]


def test_every_section_is_played() -> None:
    assert sorted(chain(*PARTS)) == sorted(TABLE)
    names = [row.name for row in chain(*TABLE.values())]
    assert len(names) == len(set(names))


def test_the_page_shows_the_table() -> None:
    assert tables_on_page() == tables(), "python -m tests.hostile.page writes it anew"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("titles", PARTS, ids=[", ".join(titles) for titles in PARTS])
def test_hostile_endpoints_are_recorded_as_the_table_says_and_hurt_nobody_else(
    titles: tuple[str, ...], tmp_path: Path, record_property: Record
) -> None:
    rows = [row for title in titles for row in TABLE[title]]
    authority = Authority.create(tmp_path)

    played = play(rows, authority)

    wrong = [problem for row in rows for problem in problems_of(row, played.observed[row.name])]
    assert wrong == [], "\n".join([*wrong, played.output])
    assert played.exit_code == 0, played.output
    assert {(one.number, one.outcome) for one in played.healthy} == {(1, "succeeded")}
    assert len(played.healthy) == played.healthy_events * HEALTHY_ENDPOINTS > 0
    if played.growth is not None:
        assert played.growth < MOST_GROWTH + GROWTH_PER_EVENT_BYTE * sum(row.event_bytes for row in rows)
    assert_attempts_end_in_time(rows, played, authority)
    count = sum(len(row.codes) for row in rows)
    record_property(
        "hostile",
        f"{', '.join(titles)}: {len(rows)} behaviours, {count} attempts as the table says, "
        f"{len(played.healthy)} healthy deliveries beside them",
    )


def assert_attempts_end_in_time(rows: list[Behaviour], played: Played, authority: Authority) -> None:
    """By libcurl's monotonic clock. What was late on a machine that is busy elsewhere is not late three times."""
    limit = DEADLINE * 1000 + GRACE_MS
    for _ in range(2):
        late = [row for row in rows if _longest_ms(played.observed[row.name]) > limit]
        if not late:
            return
        rows, played = late, play(late, authority)
    assert {row.name: _longest_ms(played.observed[row.name]) for row in rows} == {}


def _longest_ms(observed: Observed) -> float:
    return max(one.total_ms or 0.0 for one in observed.attempts)


def problems_of(row: Behaviour, observed: Observed) -> list[str]:
    """Everything that is not as the table says, in sentences."""
    return [f"{row.name}: {problem}" for problem in _problems(row, observed)]


def _problems(row: Behaviour, observed: Observed) -> Iterator[str]:
    codes = tuple(one.failure_code for one in observed.attempts)
    if codes != row.codes:
        yield f"recorded as {codes}, not {row.codes} ({[one.detail for one in observed.attempts]})"
        return
    if any((one.outcome == "succeeded") is not (one.failure_code is None) for one in observed.attempts):
        yield f"outcomes {[one.outcome for one in observed.attempts]}"
    if any(len(one.response or b"") > RESPONSE_LIMIT for one in observed.attempts):
        yield "more kept of the response than may be"
    judged = next(one for one in observed.attempts if one.failure_code == row.code)
    shown = (judged.status, judged.truncated)
    if shown != (row.status, row.truncated) and row.then is not Then.AT_ONCE:
        yield f"status, truncated: {shown}, not {(row.status, row.truncated)}"
    if not bytes(judged.response or b"").startswith(row.kept):
        yield f"kept {bytes(judged.response or b'')[:200]!r}"
    if (judged.peer_ip is None) is not (row.code is FailureCode.BLOCKED_ADDRESS):
        yield f"peer {judged.peer_ip}"
    if observed.requests > len(observed.attempts):
        yield f"{observed.requests} requests came for {len(observed.attempts)} attempts"
    yield from _problems_of_what_follows(row, observed, judged)


def _problems_of_what_follows(row: Behaviour, observed: Observed, judged: Attempt) -> Iterator[str]:
    ended = [(one.state, one.reason) for one in observed.finished if one.state != "skipped"]
    waits = row.then in (Then.RETRY, Then.HELD)
    expected: list[tuple[str, str | None]] = [("succeeded", None)] * row.codes.count(None)
    if row.then is Then.DISABLED:
        expected.append(("dead_lettered", "endpoint_gone"))
    elif row.then is Then.ENDED:
        expected.append(("dead_lettered", str(row.code)))
    if ended != expected:
        yield f"ended as {ended}, not {expected}"
    if len(observed.waiting) != waits:
        yield f"{len(observed.waiting)} wait: {[vars(one) for one in observed.waiting]}"
    elif waits:
        yield from _problems_of_retry(row, observed.waiting[0], judged)
    held_for = timedelta() if observed.hold_until is None else observed.hold_until - judged.started_at
    hold = row.hold or timedelta()
    if not hold <= held_for <= (hold + SLACK if hold else hold):
        yield f"held for {held_for}, not {hold}"
    status = "disabled" if row.then is Then.DISABLED else "enabled"
    if observed.endpoint.status != status:
        yield f"endpoint {observed.endpoint.status}, not {status}"


def _problems_of_retry(row: Behaviour, delivery: Delivery, judged: Attempt) -> Iterator[str]:
    hold = row.hold or timedelta()
    after = delivery.due_at - judged.started_at
    if not max(hold, 0.9 * FIRST_WAIT) <= after <= max(hold, 1.1 * FIRST_WAIT) + SLACK:
        yield f"retried after {after}"
    if delivery.attempts != 1 or delivery.lease_owner is not None:
        yield f"{delivery.attempts} attempts counted, leased by {delivery.lease_owner}"
