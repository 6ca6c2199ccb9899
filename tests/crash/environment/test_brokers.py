"""A broker that is killed is gone at once, and comes back where it was."""

import pytest
import redis

from tests.brokers import running_broker
from tests.crash.environment import brokers


def test_a_killed_broker_is_down_until_it_is_started() -> None:
    with running_broker("redis") as broker:
        client = redis.Redis.from_url(broker.url)
        client.set("kept", "before")
        client.bgrewriteaof()
        brokers.kill(broker)
        with pytest.raises(redis.ConnectionError):
            client.ping()
        brokers.start(broker)
        assert client.ping()
        client.close()
