"""What strikes of the surroundings share: they come while work goes on, and tell whether it still does."""

from tests.acceptance.client import NO_ANSWER, ApiClient
from tests.acceptance.payers import order_of
from tests.acceptance.product import Api
from tests.crash.process_faults import pause
from tests.crash.scene import Scene
from tests.processes import until

_EVENTS = 50  # between two strikes at least
_ORDERS_ASIDE = 900_000  # behind what a batch of payers orders
_LONGEST_WAIT = 0.2  # seconds, drawn


def await_load(scene: Scene) -> None:
    """A few more events, and then any moment between two."""
    recorded, paid = scene.load.recorded(), scene.load.paid()
    until(
        lambda: scene.load.recorded() >= recorded + _EVENTS or scene.load.paid() > paid + 5,
        what="load between two strikes",
    )
    pause(scene.random.uniform(0.0, _LONGEST_WAIT))


def await_refusal(scene: Scene, api: Api) -> None:
    """Until the API answers a payment with a 5xx of its own: neither silence nor an acknowledgement."""
    number = _ORDERS_ASIDE
    with ApiClient(api.port, scene.api_key) as client:

        def refused() -> bool:
            nonlocal number
            number += 1
            try:
                answer = client.send(
                    "POST", "/payment_intents/", order_of(number), key=f"{scene.fault} {number}"
                )
            except NO_ANSWER:
                return False
            return answer.status >= 500

        until(refused, what="a 5xx of the API")
