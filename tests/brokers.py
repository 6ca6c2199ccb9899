"""Real brokers for tests: one private server of each kind a test worker, started by the first test that needs it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pika
import pytest
import redis

from tools.private_brokers import PrivateBroker, PrivateRabbitMQ, PrivateRedis
from tools.test_dependencies import RABBITMQ, REDIS, Program

KINDS: dict[str, tuple[type[PrivateBroker], Program]] = {
    "rabbitmq": (PrivateRabbitMQ, RABBITMQ),
    "redis": (PrivateRedis, REDIS),
}


@contextmanager
def running_broker(kind: str) -> Iterator[PrivateBroker]:

    server, program = KINDS[kind]
    if server.program() is None:
        pytest.skip(f"enable with: {program.install}")
    with server() as broker:
        yield broker


def flush(broker: PrivateBroker) -> None:
    """All of its messages are gone, its queues too: those that workers hold as well as those that wait."""
    if isinstance(broker, PrivateRedis):
        client = redis.Redis.from_url(broker.url)
        client.flushall()
        client.close()
        return
    from dispatcher.hints import QUEUE  # models, which conftest.py may not import

    with rabbitmq_channel(broker) as channel:
        for queue in (QUEUE, f"{QUEUE}.DQ", f"{QUEUE}.XQ"):
            channel.queue_delete(queue)


def purge(broker: PrivateBroker) -> int:
    """The messages that wait are gone; how many those were. Their consumers notice nothing."""
    from dispatcher.hints import QUEUE  # models, which conftest.py may not import

    if isinstance(broker, PrivateRedis):
        client = redis.Redis.from_url(broker.url)
        count = client.llen(f"dramatiq:{QUEUE}")
        client.flushall()
        client.close()
        assert isinstance(count, int)
        return count
    with rabbitmq_channel(broker) as channel:
        return int(channel.queue_purge(QUEUE).method.message_count)


def waiting_messages(broker: PrivateBroker) -> int:
    """How many messages no worker has taken."""
    from dispatcher.hints import QUEUE  # models, which conftest.py may not import

    if isinstance(broker, PrivateRedis):
        client = redis.Redis.from_url(broker.url)
        count = client.llen(f"dramatiq:{QUEUE}")
        client.close()
        assert isinstance(count, int)
        return count
    with rabbitmq_channel(broker) as channel:
        try:
            return int(channel.queue_declare(QUEUE, passive=True).method.message_count)
        except pika.exceptions.ChannelClosedByBroker:
            return 0


@contextmanager
def rabbitmq_channel(broker: PrivateBroker) -> Iterator[Any]:
    connection = pika.BlockingConnection(pika.URLParameters(broker.url))
    try:
        yield connection.channel()
    finally:
        connection.close()
