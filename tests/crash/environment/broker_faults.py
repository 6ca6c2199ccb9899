"""A broker loses what it holds, or is gone for a while."""

import itertools
from abc import abstractmethod

from tests.brokers import flush, purge
from tests.crash.environment import brokers
from tests.crash.environment.under_load import Surroundings, await_load
from tests.crash.faults import Size
from tests.crash.process_faults import pause
from tests.crash.scene import Scene
from tools.private_brokers import PrivateBroker, PrivateRabbitMQ
from tools.test_dependencies import RABBITMQ, REDIS

ROW = "broker flushed or gone"


class _BrokerStruck(Surroundings):
    """Workers send what a dispatcher hands out through Redis."""

    row = ROW

    def why_not(self) -> str | None:
        return f"enable with: {REDIS.install}" if REDIS.is_missing else None

    def start_broker(self, scene: Scene) -> PrivateBroker:
        return scene.broker()

    def arrange(self, scene: Scene) -> None:
        self.broker = self.start_broker(scene)
        for process in (
            scene.product.start_hinting_dispatcher(self.broker.url),
            scene.product.start_worker(self.broker.url),
            scene.product.start_worker(self.broker.url),
        ):
            process.says("ready")
        scene.load.start_recorder()

    def blow(self, scene: Scene) -> None:
        await_load(scene)
        with scene.outage():
            self.hurt(scene)

    @abstractmethod
    def hurt(self, scene: Scene) -> None: ...


class RedisFlushed(_BrokerStruck):
    name = "redis_flushed"
    quick = Size(strikes=2, events=500)
    long = Size(batches=2, strikes=15, events=5_000)

    def hurt(self, scene: Scene) -> None:
        flush(self.broker)


class RedisKilled(_BrokerStruck):
    name = "redis_killed"
    quick = Size(strikes=1, events=500)
    long = Size(batches=2, strikes=8, events=4_000)

    def hurt(self, scene: Scene) -> None:
        brokers.kill(self.broker)
        scene.deaths += 1
        pause(scene.random.uniform(0.0, 1.0))
        brokers.start(self.broker)


class RabbitMQStruck(_BrokerStruck):
    """Purged, without its queues, and killed, in turn."""

    name = "rabbitmq_struck"
    quick = Size(batches=0, strikes=0)  # its start alone takes most of a minute on a busy machine
    long = Size(batches=1, strikes=9, events=5_000)

    def why_not(self) -> str | None:
        return f"enable with: {RABBITMQ.install}" if RABBITMQ.is_missing else None

    def start_broker(self, scene: Scene) -> PrivateBroker:
        self._blows = itertools.cycle((self._purge, self._flush, self._kill))
        return scene.open.enter_context(PrivateRabbitMQ())

    def hurt(self, scene: Scene) -> None:
        next(self._blows)(scene)

    def _purge(self, scene: Scene) -> None:
        purge(self.broker)

    def _flush(self, scene: Scene) -> None:
        flush(self.broker)

    def _kill(self, scene: Scene) -> None:
        brokers.kill(self.broker)
        scene.deaths += 1
        brokers.start(self.broker)
