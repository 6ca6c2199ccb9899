"""Ordered endpoints (I9): one head per order key, and deliveries end in the order of their events."""

import json
import threading
import uuid
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from dispatcher.attempts import Attempted
from dispatcher.claims import Claim
from dispatcher.connection import connect
from dispatcher.cycles import CycleRunner
from dispatcher.deliveries import get_delivery, list_deliveries, resend_delivery, stop_delivery
from dispatcher.delivery import DeliveryPlan, Sending
from dispatcher.endpoints import create_endpoint, delete_endpoint, update_endpoint
from dispatcher.errors import EndpointNotFound, InvalidEndpoint, OrderKeyNotStopped
from dispatcher.models import Delivery, Endpoint, FinishedDelivery, StoppedKey
from dispatcher.ordering import resume_order_key, stopped_keys
from dispatcher.rendering import render_event
from dispatcher.retry import RetryPolicy
from outbox.identifiers import encode_id, new_uuid
from outbox.models import Event, PendingEvent
from outbox.recording import record_event
from tests.dispatcher.scenes import (
    GONE,
    LEASE,
    OWNER,
    REFUSED,
    SUCCESS,
    assert_lanes_count_their_leases,
    assert_no_lane_sleeps_past_its_work,
    claim,
    expire_leases,
    fan_out,
    finish,
    held_elsewhere,
    lane_of,
    make_due,
    make_endpoint,
    query,
    scalar,
)
from tests.processes import until

pytestmark = [pytest.mark.django_db, pytest.mark.postgres_versions]

PLAN = DeliveryPlan(renderer=render_event, retry_policy=RetryPolicy(), user_agent="test")


def record_in_order(
    *keys: str, owner: str = OWNER, type: str = "parcel.sent", order_key: str | None = None
) -> list[Event]:
    """One committed event of each of these objects, one after the other."""
    events = []
    for key in keys:
        with transaction.atomic():
            events.append(record_event(owner=owner, type=type, object_id=key, data={}, order_key=order_key))
    return events


def event_ids(claims: Sequence[Claim]) -> list[uuid.UUID]:
    return sorted(one.event_id for one in claims)


def ids(*events: Event) -> list[uuid.UUID]:
    return sorted(event.id for event in events)


def dead_letter(claims: list[Claim]) -> None:
    """Until the schedule is over."""
    while claims:
        finish(claims, REFUSED)
        make_due()
        again = {one.delivery_id for one in claims}
        claims = [one for one in claim() if one.delivery_id in again]


def assert_one_head_for_each_key() -> None:
    """Exactly one finite moment among the live deliveries of a key that is not stopped, and it is the oldest's."""
    wrong = query(
        "SELECT d.endpoint_id, d.order_key, count(*) FILTER (WHERE d.due_at < 'infinity') FROM dispatcher_delivery d "
        "WHERE d.order_key IS NOT NULL AND NOT EXISTS (SELECT FROM dispatcher_stopped_key s "
        "WHERE s.endpoint_id = d.endpoint_id AND s.order_key = d.order_key) GROUP BY 1, 2 "
        "HAVING count(*) FILTER (WHERE d.due_at < 'infinity') <> 1 "
        "OR (array_agg(d.due_at ORDER BY d.sequence))[1] = 'infinity'"
    )
    assert wrong == []


# --- One head, and what follows it ---


def test_only_the_oldest_of_a_key_is_claimed_and_other_keys_go_on():
    endpoint = make_endpoint(ordered=True)
    first, second, other = record_in_order("par_1", "par_1", "par_2")
    fan_out()
    assert_one_head_for_each_key()
    heads = claim()
    assert event_ids(heads) == ids(first, other)
    assert claim() == []
    finish([one for one in heads if one.event_id == other.id])
    assert claim() == []
    finish([one for one in heads if one.event_id == first.id])
    assert lane_of(endpoint)[1] is True
    assert event_ids(claim()) == [second.id]
    assert_lanes_count_their_leases()


def test_an_endpoint_without_order_gets_everything_at_once():
    make_endpoint()
    make_endpoint(ordered=True)
    record_in_order("par_1", "par_1", "par_1")
    fan_out()
    assert len(claim()) == 3 + 1
    assert Delivery.objects.filter(order_key=None, sequence=None).count() == 3


def test_a_key_given_orders_events_of_different_objects():
    make_endpoint(ordered=True)
    first, _ = record_in_order("par_1", "par_2", order_key="truck")
    fan_out()
    assert event_ids(claim()) == [first.id]
    assert Delivery.objects.filter(order_key="truck").count() == 2


def test_a_retry_holds_its_key():
    make_endpoint(ordered=True)
    first, second = record_in_order("par_1", "par_1")
    fan_out()
    finish(claim(), REFUSED)
    assert claim() == []
    make_due()
    again = claim()
    assert event_ids(again) == [first.id]
    finish(again)
    assert event_ids(claim()) == [second.id]


def test_a_lease_that_ran_out_holds_its_key():
    make_endpoint(ordered=True)
    first, second = record_in_order("par_1", "par_1")
    fan_out()
    stale = claim()
    expire_leases()
    current = claim()
    assert event_ids(current) == [first.id]
    assert finish(stale)[0].superseded
    assert claim() == []
    finish(current)
    assert event_ids(claim()) == [second.id]


def test_events_fanned_out_behind_a_head_wait_for_it():
    make_endpoint(ordered=True)
    (first,) = record_in_order("par_1")
    fan_out()
    head = claim()
    (second,) = record_in_order("par_1")
    fan_out()
    assert claim() == []
    finish(head)
    assert event_ids(claim()) == [second.id]
    assert first.id != second.id


def test_the_sequence_orders_events_whose_recorders_clocks_disagree():
    """The second event's id is older than the first's: its recorder's clock is behind."""
    make_endpoint(ordered=True)
    first, second = record_in_order("par_1", "par_1")
    swapped = uuid.UUID(int=first.id.int - 1)
    query("UPDATE outbox_event SET id = %s WHERE id = %s", swapped, second.id)
    query("UPDATE outbox_pending SET event_id = %s WHERE event_id = %s", swapped, second.id)
    fan_out()
    head = claim()
    assert event_ids(head) == [first.id]
    finish(head)
    assert event_ids(claim()) == [swapped]


def test_a_pointer_without_a_key_goes_by_its_object():
    """Written by a process of the version before."""
    make_endpoint(ordered=True)
    first, _ = record_in_order("par_1", "par_1")
    query("UPDATE outbox_pending SET order_key = NULL")
    fan_out()
    assert event_ids(claim()) == [first.id]


def test_a_waiting_delivery_has_no_next_attempt():
    make_endpoint(ordered=True)
    _, second = record_in_order("par_1", "par_1")
    fan_out()
    waiting = Delivery.objects.get(event_id=second.id)
    assert get_delivery(owner=OWNER, delivery_id=waiting.id).next_attempt_at is None
    shown = list_deliveries(owner=OWNER, limit=5, event_id=second.id).rows[0]
    assert (shown.state, shown.next_attempt_at) == ("pending", None)


def test_a_resend_by_hand_carries_no_key_and_waits_for_nobody():
    make_endpoint(ordered=True)
    first, second = record_in_order("par_1", "par_1")
    fan_out()
    finish(claim())
    ended = FinishedDelivery.objects.get()
    resent = resend_delivery(owner=OWNER, delivery_id=ended.id)
    assert Delivery.objects.get(id=resent.id).order_key is None
    assert event_ids(claim()) == ids(first, second)


# --- Every end of a head ---


@pytest.mark.parametrize("outcome", [REFUSED, GONE], ids=["schedule over", "gone"])
def test_a_dead_letter_lets_its_key_go_on(outcome):
    make_endpoint(ordered=True)
    _, second = record_in_order("par_1", "par_1")
    fan_out()
    if outcome is GONE:
        finish(claim(), GONE)
    else:
        dead_letter(claim())
    assert FinishedDelivery.objects.get().state == "dead_lettered"
    assert not StoppedKey.objects.exists()
    expire_leases()
    assert event_ids(claim()) == [second.id]


def test_a_dead_letter_stops_its_key_until_it_is_resumed():
    endpoint = make_endpoint(ordered=True, on_dead_letter="stop")
    first, second, third, other = record_in_order("par_1", "par_1", "par_1", "par_2")
    fan_out()
    heads = claim()
    finish([one for one in heads if one.event_id == other.id])
    finish([one for one in heads if one.event_id == first.id], GONE)
    record_in_order("par_1")
    fan_out()
    assert claim() == []
    assert_no_lane_sleeps_past_its_work()
    stopped = stopped_keys(owner=OWNER, endpoint_id=endpoint.id).get()
    assert (stopped.order_key, stopped.delivery_id) == (
        "par_1",
        FinishedDelivery.objects.get(state="dead_lettered").id,
    )
    resumed = resume_order_key(owner=OWNER, endpoint_id=endpoint.id, order_key="par_1")
    assert resumed.order_key == "par_1"
    head = claim()
    assert event_ids(head) == [second.id]
    finish(head)
    assert event_ids(claim()) == [third.id]
    with pytest.raises(OrderKeyNotStopped, match=f"'par_1' of webhook endpoint '{endpoint.public_id}'"):
        resume_order_key(owner=OWNER, endpoint_id=endpoint.id, order_key="par_1")


def test_another_owner_can_neither_see_nor_resume_a_key():
    endpoint = make_endpoint(ordered=True, on_dead_letter="stop")
    record_in_order("par_1")
    fan_out()
    finish(claim(), GONE)
    with pytest.raises(EndpointNotFound):
        stopped_keys(owner="acct_other", endpoint_id=endpoint.id)
    with pytest.raises(EndpointNotFound):
        resume_order_key(owner="acct_other", endpoint_id=endpoint.id, order_key="par_1")
    assert StoppedKey.objects.exists()


def test_the_command_resumes_one_key_or_all_and_says_what_is_not_stopped(capsys):
    endpoint = make_endpoint(ordered=True, on_dead_letter="stop")
    record_in_order("par_1", "par_2", "par_3", "par_1", "par_2", "par_3")
    fan_out()
    finish(claim(), GONE)
    call_command("resume_order_key", endpoint=endpoint.public_id, key="par_2")
    assert capsys.readouterr() == ("par_2\n", "1 order key resumed.\n")
    assert len(claim()) == 1
    with pytest.raises(CommandError, match=r"Order key 'par_2' of webhook endpoint 'we_.*' is not stopped"):
        call_command("resume_order_key", endpoint=endpoint.public_id, key="par_2")
    call_command("resume_order_key", endpoint=endpoint.public_id, all=True)
    assert capsys.readouterr() == ("par_1\npar_3\n", "2 order keys resumed.\n")
    assert len(claim()) == 2
    for unknown in ("we_nonsense", new_public_id()):
        with pytest.raises(CommandError, match=f"No such webhook endpoint: '{unknown}'"):
            call_command("resume_order_key", endpoint=unknown, all=True)


def new_public_id() -> str:
    return encode_id("we", new_uuid())


def test_a_superseded_dead_letter_stops_nothing():
    make_endpoint(ordered=True, on_dead_letter="stop")
    record_in_order("par_1")
    fan_out()
    stale = claim()
    expire_leases()
    current = claim()
    finish(stale, GONE)
    assert not StoppedKey.objects.exists()
    finish(current)
    assert not StoppedKey.objects.exists()


def test_stopping_a_head_promotes_the_next_and_stopping_behind_it_takes_that_out():
    make_endpoint(ordered=True)
    record_in_order("par_1", "par_1", "par_1", "par_1")
    fan_out()
    rows = list(Delivery.objects.order_by("sequence"))
    stop_delivery(owner=OWNER, delivery_id=rows[1].id)
    assert_one_head_for_each_key()
    stop_delivery(owner=OWNER, delivery_id=rows[0].id)
    assert_one_head_for_each_key()
    under_way = claim()
    assert [one.delivery_id for one in under_way] == [rows[2].id]
    stop_delivery(owner=OWNER, delivery_id=rows[2].id)
    assert [one.delivery_id for one in claim()] == [rows[3].id]
    assert finish(under_way)[0].superseded
    assert FinishedDelivery.objects.filter(state="cancelled", reason="stopped").count() == 3
    assert_lanes_count_their_leases()


def test_the_chain_of_a_disabled_endpoint_is_cancelled_to_its_end():
    endpoint = make_endpoint(ordered=True)
    record_in_order(*["par_1"] * 4, "par_2")
    fan_out()
    update_endpoint(owner=OWNER, endpoint_id=endpoint.id, changes={"status": "disabled"})
    for _ in range(4):
        assert lane_of(endpoint)[1] is True
        assert claim() == []
        assert_one_head_for_each_key()
    assert not Delivery.objects.exists()
    assert FinishedDelivery.objects.filter(state="cancelled", reason="endpoint_disabled").count() == 5
    in_order = FinishedDelivery.objects.exclude(
        event_id=max(row.event_id for row in FinishedDelivery.objects.all())
    )
    assert list(in_order.order_by("finished_at").values_list("event_id", flat=True)) == sorted(
        in_order.values_list("event_id", flat=True)
    )


def test_what_waits_behind_a_later_retry_goes_on_when_its_endpoint_is_enabled_again():
    endpoint = make_endpoint(ordered=True)
    first, second = record_in_order("par_1", "par_1")
    fan_out()
    finish(claim(), REFUSED)
    query("UPDATE dispatcher_delivery SET due_at = now() + interval '1 hour' WHERE due_at < 'infinity'")
    update_endpoint(owner=OWNER, endpoint_id=endpoint.id, changes={"status": "disabled"})
    assert claim() == []
    update_endpoint(owner=OWNER, endpoint_id=endpoint.id, changes={"status": "enabled"})
    make_due()
    head = claim()
    assert event_ids(head) == [first.id]
    finish(head)
    assert event_ids(claim()) == [second.id]


def test_deleting_an_ordered_endpoint_ends_all_of_it_and_forgets_its_stopped_keys():
    endpoint = make_endpoint(ordered=True, on_dead_letter="stop")
    record_in_order("par_1", "par_1", "par_2", "par_2")
    fan_out()
    finish(claim(1), GONE)
    delete_endpoint(owner=OWNER, endpoint_id=endpoint.id)
    expire_leases()
    while Delivery.objects.exists():
        assert claim() == []
    assert not StoppedKey.objects.exists()
    assert_lanes_count_their_leases()


# --- Switching it on and off ---


def test_switched_off_what_waits_is_let_go_and_stopped_keys_are_forgotten(monkeypatch):
    monkeypatch.setattr("dispatcher.endpoints._RELEASED_AT_ONCE", 2)
    endpoint = make_endpoint(ordered=True, on_dead_letter="stop")
    record_in_order(*["par_1"] * 6, "par_2", "par_2")
    fan_out()
    finish([one for one in claim() if one.event is not None and one.event.object_id == "par_2"], GONE)
    changed = update_endpoint(owner=OWNER, endpoint_id=endpoint.id, changes={"ordered": False})
    assert changed.ordered is False
    assert not StoppedKey.objects.exists()
    assert len(claim()) == 6
    assert not Delivery.objects.filter(due_at=scalar("SELECT 'infinity'::timestamptz")).exists()
    record_in_order("par_1", "par_1")
    fan_out()
    assert len(claim()) == 2
    assert_lanes_count_their_leases()


def test_switched_on_it_counts_for_events_matched_afterwards():
    endpoint = make_endpoint()
    before = record_in_order("par_1", "par_1")
    fan_out()
    update_endpoint(owner=OWNER, endpoint_id=endpoint.id, changes={"ordered": True, "on_dead_letter": "stop"})
    first, _ = record_in_order("par_1", "par_1")
    fan_out()
    assert event_ids(claim()) == ids(*before, first)


def test_stop_without_order_is_refused():
    endpoint = make_endpoint()
    with pytest.raises(InvalidEndpoint, match=r"on_dead_letter: 'stop' .* set ordered to true with it"):
        update_endpoint(owner=OWNER, endpoint_id=endpoint.id, changes={"on_dead_letter": "stop"})
    with pytest.raises(InvalidEndpoint, match="on_dead_letter: must be 'continue' or 'stop', not 'wait'"):
        create_endpoint(
            owner=OWNER,
            url="https://93.184.215.14/hook",
            enabled_events=["*"],
            api_version="v1",
            ordered=True,
            on_dead_letter="wait",
        )
    endpoint.refresh_from_db()
    assert endpoint.on_dead_letter == "continue"


def test_a_created_endpoint_keeps_its_order():
    endpoint, _ = create_endpoint(
        owner=OWNER,
        url="https://93.184.215.14/hook",
        enabled_events=["*"],
        api_version="v1",
        ordered=True,
        on_dead_letter="stop",
    )
    assert Endpoint.objects.values_list("ordered", "on_dead_letter").get(id=endpoint.id) == (True, "stop")


# --- Against each other ---


@pytest.mark.django_db(transaction=True)
class TestTwoDispatchers:
    def test_no_younger_pointer_overtakes_one_that_another_dispatcher_holds(self):
        make_endpoint(ordered=True)
        first, second, other = record_in_order("par_1", "par_1", "par_2")
        with held_elsewhere("SELECT FROM outbox_pending WHERE event_id = %s FOR UPDATE", first.id):
            fan_out()
            assert list(PendingEvent.objects.values_list("event_id", flat=True)) == [first.id, second.id]
            assert event_ids(claim()) == [other.id]
        fan_out()
        assert event_ids(claim()) == [first.id]
        assert not PendingEvent.objects.exists()

    def test_the_third_of_a_key_waits_although_the_second_wants_no_order(self):
        """The second goes to nobody; still the third must not overtake the first."""
        make_endpoint(ordered=True, enabled_events=["parcel.sent"])
        (first,) = record_in_order("par_1")
        (second,) = record_in_order("par_1", type="parcel.lost")
        (third,) = record_in_order("par_1")
        with held_elsewhere("SELECT FROM outbox_pending WHERE event_id = %s FOR UPDATE", first.id):
            fan_out()
            assert claim() == []
            assert list(PendingEvent.objects.values_list("event_id", flat=True)) == [first.id, third.id]
        assert second.id < third.id
        fan_out()
        assert event_ids(claim()) == [first.id]

    def test_endpoints_without_order_do_not_wait_for_a_pointer_that_is_held(self):
        make_endpoint()
        first, second = record_in_order("par_1", "par_1")
        with held_elsewhere("SELECT FROM outbox_pending WHERE event_id = %s FOR UPDATE", first.id):
            fan_out()
            assert event_ids(claim()) == [second.id]

    def test_a_head_recorded_while_another_dispatcher_inserts_behind_it(self):
        """The fan-out cannot see the head's end, the record cannot see who came behind: the lane's lock decides."""
        endpoint = make_endpoint(ordered=True)
        record_in_order("par_1")
        fan_out()
        head = claim()
        (second,) = record_in_order("par_1")
        fanning_out = Inside(fan_out)
        with held_elsewhere("SELECT FROM dispatcher_lane WHERE endpoint_id = %s FOR UPDATE", endpoint.id):
            fanning_out.start()
            until(waits_for_a_lock, what="the fan-out at the lane's lock")
            recording = Inside(lambda: finish(head))
            recording.start()
            until(lambda: waits_for_a_lock() == 2, what="the record behind it")
        fanning_out.finish()
        recording.finish()
        assert_one_head_for_each_key()
        assert_no_lane_sleeps_past_its_work()
        assert event_ids(claim()) == [second.id]

    def test_a_delivery_that_becomes_the_head_while_it_is_stopped_is_stopped_all_the_same(self):
        endpoint = make_endpoint(ordered=True)
        record_in_order("par_1", "par_1", "par_1")
        fan_out()
        head = claim()
        second, third = Delivery.objects.filter(lease_owner=None).order_by("sequence")
        recording = Inside(lambda: finish(head))
        stopping = Inside(lambda: stop_delivery(owner=OWNER, delivery_id=second.id))
        with held_elsewhere("SELECT FROM dispatcher_lane WHERE endpoint_id = %s FOR UPDATE", endpoint.id):
            recording.start()
            until(waits_for_a_lock, what="the record at the lane's lock")
            stopping.start()
            until(lambda: waits_for_a_lock() == 2, what="the stop behind it")
        recording.finish()
        stopping.finish()
        assert_one_head_for_each_key()
        assert [one.delivery_id for one in claim()] == [third.id]

    def test_a_cycle_takes_one_statement_more_where_order_matters_and_a_constant_number(self):
        for _ in range(3):
            make_endpoint(ordered=True)
        record_in_order(*(f"par_{number % 20}" for number in range(60)))
        runner = CycleRunner(lease_owner=uuid.uuid4(), lease=LEASE, log=Log())
        claims = list(runner.run(attempted=(), unsent=(), room=60).claims)
        counts = []
        for size in (3, 30):
            texts: list[str] = []

            def count(execute, sql, params, many, context, into=texts):
                into.append(sql)
                return execute(sql, params, many, context)

            batch, claims = claims[:size], claims[size:]
            record_in_order(*(f"par_{number}" for number in range(size)))
            with connection.execute_wrapper(count):
                cycle = runner.run(attempted=conclude(batch), unsent=(), room=size)
            claims += cycle.claims
            counts.append(len(texts))
        assert counts == [7, 7]

    def test_ten_thousand_events_of_fifty_keys_end_in_their_order(self):
        """I9. Two recorders, two dispatchers that fan out and record against each other."""
        endpoint = make_endpoint(ordered=True, max_in_flight=100)
        numbers: dict[str, int] = defaultdict(int)
        recorders = [Inside(lambda start=start: record_many(numbers, start)) for start in (0, 1)]
        recorded = threading.Event()
        dispatchers = [Inside(Dispatcher(recorded).run) for _ in range(2)]
        for recorder in recorders:
            recorder.start()
        until(lambda: PendingEvent.objects.count() > EVENTS // 2, what="a backlog to share")
        for dispatcher in dispatchers:
            dispatcher.start()
        for recorder in recorders:
            recorder.finish()
        recorded.set()
        for dispatcher in dispatchers:
            dispatcher.finish()
        assert sum(numbers.values()) == EVENTS
        assert not PendingEvent.objects.exists()
        assert not Delivery.objects.exists()
        ended: dict[str, list[int]] = defaultdict(list)
        for key, data in query(
            "SELECT event.object_id, event.data FROM dispatcher_finished_delivery ended "
            "JOIN outbox_event event ON event.id = ended.event_id "
            "WHERE ended.endpoint_id = %s AND ended.state = 'succeeded' ORDER BY ended.finished_at",
            endpoint.id,
        ):
            ended[key].append(json.loads(data)["number"])
        assert dict(ended) == {key: list(range(count)) for key, count in numbers.items()}
        assert_lanes_count_their_leases()


EVENTS, KEYS = 10_000, 50


class Log:
    def __init__(self) -> None:
        self.entries: list[tuple[str, str]] = []

    def poisoned(self, part: str, error: Exception, subject: str) -> None:
        self.entries.append((part, f"{subject}: {error}"))


class Inside(threading.Thread):
    """Runs something with a connection of its own; `finish` raises what it raised."""

    def __init__(self, work: Any) -> None:
        super().__init__()
        self._work = work
        self._error: BaseException | None = None

    def run(self) -> None:
        try:
            self._work()
        except BaseException as error:
            self._error = error
        finally:
            connection.close()

    def finish(self) -> None:
        self.join()
        if self._error is not None:
            raise self._error


class Dispatcher:
    """Cycles until everything is recorded and nothing is left."""

    def __init__(self, recorded: threading.Event) -> None:
        self._recorded = recorded
        self._log = Log()

    def run(self) -> None:
        connect()
        runner = CycleRunner(lease_owner=uuid.uuid4(), lease=LEASE, log=self._log)
        attempted: list[Attempted] = []
        while True:
            over = self._recorded.is_set()
            cycle = runner.run(attempted=attempted, unsent=(), room=100)
            attempted = [*cycle.unrecorded, *conclude(cycle.claims, fail=True)]
            if over and cycle.idle and not attempted and not Delivery.objects.exists():
                break
        assert self._log.entries == []


def conclude(claims: Sequence[Claim], *, fail: bool = False) -> list[Attempted]:
    """All succeed; with `fail`, one first attempt in a hundred is refused and comes again a second later."""
    return [
        PLAN.conclude(
            Sending(one, one.lease.now_epoch()),
            REFUSED if fail and one.attempt_number == 1 and one.event_id.int % 100 == 0 else SUCCESS,
        )
        for one in claims
    ]


def record_many(numbers: dict[str, int], start: int) -> None:
    """Half of the events; both recorders take turns on every key, each time under the lock of its object."""
    for turn in range(start, EVENTS // 5, 2):
        key = f"par_{turn * 7 % KEYS}"
        with transaction.atomic():
            query("SELECT pg_advisory_xact_lock(hashtext(%s))", key)
            for _ in range(5):
                record_event(owner=OWNER, type="parcel.sent", object_id=key, data={"number": numbers[key]})
                numbers[key] += 1


def waits_for_a_lock() -> int:
    count: int = scalar(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    return count
