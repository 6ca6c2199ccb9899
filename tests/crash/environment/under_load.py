"""What faults of the surroundings share: they strike while work goes on, and no process dies of them."""

from abc import abstractmethod

from tests.acceptance.client import NO_ANSWER, ApiClient
from tests.acceptance.payers import order_of
from tests.acceptance.product import Api
from tests.crash.environment.postgres import run_sql
from tests.crash.faults import Fault
from tests.crash.hosting import Process
from tests.crash.process_faults import pause
from tests.crash.product import LEASE, Product
from tests.crash.scene import Scene
from tests.processes import until


class Surroundings(Fault):
    """A fault that every process outlives: one that ends by itself is a breach."""

    def strike(self, scene: Scene) -> None:
        if not scene.strikes:
            self._watched: set[Process] = set()
            scene.open.callback(self._blame, scene)
        self._watched |= self._living(scene)
        self.blow(scene)

    def _blame(self, scene: Scene) -> None:
        """When the batch ends: by now each has been asked to, or has ended by itself."""
        scene.complaints += [
            f"{process} ended with {process.status}: {process.output[-2000:]}"
            for process in self._watched
            if process.status not in (None, 0)
        ]

    @abstractmethod
    def blow(self, scene: Scene) -> None:
        """The strike itself."""

    def start_beside(self, scene: Scene, product: Product) -> Product:
        """A product of other settings, for this batch; its processes have to end well, too."""
        self._beside = scene.open.enter_context(product)
        scene.open.callback(lambda: scene.complaints.extend(product.stop()))
        return product

    _beside: Product | None = None

    def _living(self, scene: Scene) -> set[Process]:
        products = [scene.product] if self._beside is None else [scene.product, self._beside]
        return {process for product in products for process in product.host.living}


_EVENTS = 50  # between two strikes at least
_ORDERS_ASIDE = 900_000  # behind what a batch of payers orders
_LONGEST_WAIT = 0.2  # seconds, drawn


def await_load(scene: Scene) -> None:
    """Until what the last strike struck has recovered and work goes on; then any moment of it."""
    if scene.strikes:
        healed = scene.strikes[-1].healed
        until(
            lambda: run_sql(scene.postgres, _STRUCK, healed, LEASE) == [(0,)],
            what="the recovery of what was leased at the last strike",
        )
    recorded, paid = scene.load.recorded(), scene.load.paid()
    until(
        lambda: scene.load.recorded() >= recorded + _EVENTS or scene.load.paid() > paid + 5,
        what="load between two strikes",
    )
    pause(scene.random.uniform(0.0, _LONGEST_WAIT))


# A lease that was taken or renewed before ends within one from then.
_STRUCK = """
SELECT count(*) FROM dispatcher_delivery
WHERE lease_owner IS NOT NULL AND due_at < to_timestamp(%s) + make_interval(secs => %s)
"""


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
