"""What one process sees of the tables, and what it does to them: READ COMMITTED, row locks, SKIP LOCKED."""

from collections.abc import Iterator

from tests.model.tables import (
    GONE,
    NEVER,
    Attempt,
    Delivery,
    Endpoint,
    Finished,
    Key,
    Lane,
    Row,
    Setup,
    State,
    Touch,
    Txn,
)


class View:
    """A process's transaction while it runs one statement; the statement's snapshot is taken now."""

    def __init__(self, setup: Setup, state: State, index: int, txn: Txn) -> None:
        self.setup = setup
        self.state = state
        self.process = state.processes[index]
        self.txn = txn
        self.writes = dict(txn.writes)
        self.rows = dict(state.rows)
        for key, row in txn.writes:
            self._show(key, row)
        self.locked = {
            key
            for number, process in enumerate(state.processes)
            if process.txn and number != index
            for key, _ in process.txn.writes
        }
        self.touches = dict(txn.touches)
        self.passed = state.passed

    def copy(self) -> "View":
        twin = object.__new__(View)
        twin.__dict__.update(self.__dict__)
        twin.writes, twin.rows, twin.touches = dict(self.writes), dict(self.rows), dict(self.touches)
        return twin

    def set(self, **changes: object) -> None:
        self.txn = self.txn._replace(**changes)  # type: ignore[arg-type]

    def written(self) -> Txn:
        return self.txn._replace(
            writes=tuple(sorted(self.writes.items())), touches=tuple(sorted(self.touches.items()))
        )

    # --- Rows ---

    def put(self, key: Key, row: Row) -> None:
        self.writes[key] = row
        self._show(key, row)

    def lock(self, key: Key) -> None:
        if key in self.rows:
            self.put(key, self.rows[key])

    def delete(self, key: Key) -> None:
        self.put(key, GONE)

    def _show(self, key: Key, row: Row) -> None:
        if not row:
            self.rows.pop(key, None)
        else:
            self.rows[key] = row

    def keys(self, table: str) -> list[Key]:
        return sorted(key for key in self.rows if key[0] == table)

    def lane(self, endpoint: int) -> Lane:
        row = self.rows["lane", endpoint]
        assert isinstance(row, Lane)
        return row

    def enabled(self, endpoint: int) -> bool:
        row = self.rows["endpoint", endpoint]
        assert isinstance(row, Endpoint)
        return row.enabled

    def delivery(self, key: Key) -> Delivery | None:
        row = self.rows.get(key)
        assert row is None or isinstance(row, Delivery)
        return row

    def deliveries(self, endpoint: int) -> Iterator[tuple[Key, Delivery]]:
        """Of an endpoint, in the order of their ids."""
        for key in self.keys("delivery"):
            row = self.rows[key]
            if key[1] == endpoint and isinstance(row, Delivery):
                yield key, row

    def free(self, endpoint: int) -> list[tuple[Key, Delivery]]:
        """Those that SKIP LOCKED does not pass over."""
        return [(key, row) for key, row in self.deliveries(endpoint) if key not in self.locked]

    def order_key(self, delivery: Key) -> int | None:
        return self.setup.keys[delivery[2]] if self.setup.ordered and delivery[3] == 0 else None

    # --- What several statements do ---

    def touch(self, endpoint: int) -> Touch:
        return self.touches.get(endpoint, Touch())

    def wake(self, endpoint: int, moment: int, *, ignore_hold: bool = False) -> None:
        touch = self.touch(endpoint)
        name = "whatever_holds_at" if ignore_hold else "wake_at"
        self.touches[endpoint] = touch._replace(**{name: min(getattr(touch, name), moment)})

    def touch_key(self, delivery: Key) -> None:
        key = self.order_key(delivery)
        if key is not None:
            touch = self.touch(delivery[1])
            keys = tuple(sorted({*touch.order_keys, key}))
            self.touches[delivery[1]] = touch._replace(order_keys=keys)

    def finish(self, key: Key, row: Delivery, state: str, *, attempts: int | None = None) -> None:
        """Move a live delivery to the finished ones."""
        self.delete(key)
        place = ("finished", *key[1:])
        before = self.rows.get(place)
        times = before.times if isinstance(before, Finished) else 0
        self.put(place, Finished(state, row.attempts if attempts is None else attempts, times + 1))

    def write_unknown(self, key: Key, row: Delivery) -> None:
        """The attempt of a claim that vanished, unless nobody had begun it: ON CONFLICT (id) DO NOTHING."""
        place = ("attempt", *key[1:], row.attempt_id)
        if row.started and place not in self.rows:
            self.put(place, Attempt("unknown", superseded=True))

    def probing(self, endpoint: int, *, except_for: Key | None = None) -> bool:
        """Whether an automatic delivery is leased."""
        return any(row.leased and key[3] == 0 and key != except_for for key, row in self.deliveries(endpoint))

    def permitted_at(self, endpoint: int) -> int:
        """From when on an automatic delivery may be claimed, as far as its lane says."""
        lane = self.lane(endpoint)
        if lane.circuit_openings > 0 and self.probing(endpoint):
            return NEVER
        return max(lane.hold_until, lane.circuit_until)
