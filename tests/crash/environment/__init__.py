"""Faults of what surrounds the product: PostgreSQL, its disk and its sessions, brokers, networks, clocks."""

from tests.crash.environment.broker_faults import RabbitMQStruck, RedisFlushed, RedisKilled
from tests.crash.environment.clock_faults import ClocksWrong
from tests.crash.environment.disk_faults import HeapFull, WalFull
from tests.crash.environment.network_faults import PostgresPartitioned, ReceiverPartitioned
from tests.crash.environment.postgres_faults import (
    PostgresKilled,
    PostgresKilledUnderPayments,
    PostgresRestarted,
    PostgresSessionKilled,
)
from tests.crash.environment.session_faults import (
    ConnectionsExhausted,
    Deadlocked,
    OldTransactionOpen,
    RowsPoisoned,
    SerializationFailed,
    StatementsTimedOut,
)
from tests.crash.faults import Fault

FAULTS: list[Fault] = [
    PostgresKilled(),
    PostgresSessionKilled(),
    PostgresRestarted(),
    PostgresKilledUnderPayments(),
    HeapFull(),
    WalFull(),
    RedisFlushed(),
    RedisKilled(),
    RabbitMQStruck(),
    PostgresPartitioned(),
    ReceiverPartitioned(),
    ConnectionsExhausted(),
    Deadlocked(),
    SerializationFailed(),
    StatementsTimedOut(),
    RowsPoisoned(),
    OldTransactionOpen(),
    ClocksWrong(),
]
