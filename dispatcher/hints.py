"""Hints on their way through the broker: which deliveries a worker may begin, and nothing else.

A message holds up to 64 of them. It may come late, twice or never: what it says is believed only where
PostgreSQL still agrees, and what no message speaks of is claimed again when its lease ends.
"""

import uuid
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from dispatcher.brokers import broker_errors, build_broker, close_broker, reach_broker, stay_connected
from dispatcher.claims import Hint

if TYPE_CHECKING:
    from dramatiq import Broker

QUEUE = "webhook-hints"
ACTOR = "begin_deliveries"
HINTS_PER_MESSAGE = 64


def send_hints(broker: "Broker", hints: Sequence[Hint]) -> None:
    """Enqueue one message; with RabbitMQ until it is confirmed.

    Raises:
        BrokerOutOfReach: it may have arrived all the same.
    """
    from dramatiq import Message

    ids, claim_nos = [hint.delivery_id.hex for hint in hints], [hint.claim_no for hint in hints]
    with broker_errors():
        broker.declare_queue(QUEUE)
        broker.enqueue(
            Message(queue_name=QUEUE, actor_name=ACTOR, args=(ids, claim_nos), kwargs={}, options={})
        )


def receive_hints(broker: "Broker", follow: Callable[[list[Hint]], None]) -> None:
    """Declare the actor that a worker runs for each message; it is acknowledged when `follow` returns or fails."""
    from dramatiq import actor

    # No option of it says anything of retries: without dramatiq's middleware for them there are none.
    @actor(broker=broker, actor_name=ACTOR, queue_name=QUEUE)
    def begin_deliveries(delivery_ids: list[str], claim_nos: list[int]) -> None:
        follow(
            [
                Hint(delivery_id=uuid.UUID(hex=text), claim_no=int(number))
                for text, number in zip(delivery_ids, claim_nos, strict=True)
            ]
        )


class HintPost:
    """Where a dispatcher's database thread leaves its hints."""

    def __init__(self, url: str) -> None:
        self.broker = build_broker(url)

    def connect(self) -> None:
        reach_broker(self.broker)

    def stay_connected(self) -> None:
        stay_connected(self.broker)

    def send(self, hints: Sequence[Hint]) -> None:
        send_hints(self.broker, hints)

    def close(self) -> None:
        close_broker(self.broker)
