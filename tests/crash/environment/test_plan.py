"""The long plan of this part strikes as often as it should, the quick one with every fault."""

import pytest

from tests.crash.environment import FAULTS
from tests.crash.plan import plan


def strikes(*, starting: tuple[str, ...], quick: bool = False) -> int:
    return sum(
        batch.size.strikes for batch in plan(FAULTS, quick=quick) if batch.fault.name.startswith(starting)
    )


@pytest.mark.parametrize(
    ("starting", "least"),
    [
        (("postgresql_",), 100),
        (("redis_", "rabbitmq_"), 50),
        (("partition_",), 100),
        (("disk_full_heap",), 4),
        (("disk_full_wal",), 4),
        (("connections_exhausted",), 10),
        (("deadlock",), 10),
        (("serialization_failure",), 10),
        (("statement_timeout",), 10),
        (("poison_row",), 10),
        (("old_transaction",), 10),
        (("clocks_wrong",), 10),
    ],
)
def test_the_long_plan_strikes_often_enough(starting: tuple[str, ...], least: int) -> None:
    assert strikes(starting=starting) >= least


def test_the_quick_plan_strikes_with_every_fault_but_the_broker_that_starts_slowly() -> None:
    assert {fault.name for fault in FAULTS if not strikes(starting=(fault.name,), quick=True)} == {
        "rabbitmq_struck"
    }
