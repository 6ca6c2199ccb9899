"""The clocks of dispatchers are wrong, and jump."""

import itertools

from tests.crash.environment.clocks import Clock
from tests.crash.environment.under_load import Surroundings, await_load
from tests.crash.faults import Size
from tests.crash.product import Product
from tests.crash.scene import Scene

_HOUR = 3600


class ClocksWrong(Surroundings):
    """Two dispatchers share a clock that jumps; the database and two more dispatchers have another."""

    name = "clocks_wrong"
    row = "clocks ±1 h"
    quick = Size(strikes=2, events=500)
    long = Size(strikes=15, events=5_000)

    def why_not(self) -> str | None:
        return Clock.why_not()

    def arrange(self, scene: Scene) -> None:
        self._clock = Clock(scene.directory)
        self._jumps = itertools.cycle((_HOUR, -_HOUR, 0))
        wrong = self.start_beside(
            scene, Product(scene.postgres.url, scene.directory, **self._clock.environment)
        )
        for dispatcher in [product.start_dispatcher() for product in (scene.product, wrong) * 2]:
            dispatcher.says("dispatcher ready")
        scene.load.start_recorder()

    def blow(self, scene: Scene) -> None:
        await_load(scene)
        with scene.outage():
            self._clock.set(next(self._jumps))
            await_load(scene)
