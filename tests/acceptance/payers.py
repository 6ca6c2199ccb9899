"""Client threads that pay: each payment is created and confirmed, under a key each, until it is answered."""

import queue
import threading
from collections.abc import Iterable
from typing import Any, Self

from tests.acceptance.client import ApiClient
from tests.processes import PATIENCE

# Drawn by the bank, a card that works, a debit that works, a card that is refused.
PAYMENT_METHODS = (None, "pm_card_visa", "pm_usBankAccount_success", "pm_card_chargeDeclined")


class Payers:
    """`count` threads that work off what is ordered; joined, and their failures raised, when the block ends.

    Args:
        patience: of each client, in seconds.

    Attributes:
        paid: order → payment intent's id, for every payment of which both answers came.
    """

    def __init__(self, *, port: int, api_key: str, count: int = 8, patience: float = PATIENCE) -> None:
        self.paid: dict[int, str] = {}
        self._orders: queue.SimpleQueue[int | None] = queue.SimpleQueue()
        self._failures: list[BaseException] = []
        self._patience = patience
        self._threads = [threading.Thread(target=self._work, args=(port, api_key)) for _ in range(count)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        for _thread in self._threads:
            self._orders.put(None)
        for thread in self._threads:
            thread.join()
        if kind is None and self._failures:
            raise self._failures[0]

    def order(self, numbers: Iterable[int]) -> None:
        for number in numbers:
            self._orders.put(number)

    def have_paid(self, count: int) -> bool:
        assert not self._failures, self._failures
        return len(self.paid) >= count

    def _work(self, port: int, api_key: str) -> None:
        try:
            with ApiClient(port, api_key, patience=self._patience) as client:
                while (number := self._orders.get()) is not None:
                    self.paid[number] = pay(client, number)
        except BaseException as error:
            self._failures.append(error)


def pay(client: ApiClient, number: int) -> str:
    """One payment; gives its intent's id."""
    created = client.post("/payment_intents/", order_of(number), key=create_key(number))
    assert created.status == 201, created
    intent: str = created.content["id"]
    confirm(client, number, intent)
    return intent


def confirm(client: ApiClient, number: int, intent: str) -> None:
    confirmed = client.post(f"/payment_intents/{intent}/confirm/", key=confirm_key(number))
    refused = PAYMENT_METHODS[number % len(PAYMENT_METHODS)] == "pm_card_chargeDeclined"
    assert confirmed.status == (402 if refused else 200), confirmed


def order_of(number: int) -> dict[str, Any]:
    order = {"amount": 2000 + number, "currency": "usd", "metadata": {"order": str(number)}}
    method = PAYMENT_METHODS[number % len(PAYMENT_METHODS)]
    return order if method is None else {**order, "payment_method": method}


def create_key(number: int) -> str:
    return f"create-{number}"


def confirm_key(number: int) -> str:
    return f"confirm-{number}"
