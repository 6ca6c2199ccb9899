"""The clocks of dispatchers are wrong, and jump."""

import itertools

from tests.crash.environment.clocks import Clock, why_not
from tests.crash.environment.under_load import Surroundings, await_load
from tests.crash.faults import Size
from tests.crash.process_faults import pause
from tests.crash.product import Product
from tests.crash.scene import Scene

_HOUR = 3600
_SEEN = 1.2  # seconds after which every process has seen that its clock was set


class ClocksWrong(Surroundings):
    """Two dispatchers share a clock that jumps; the database and two more dispatchers have another."""

    name = "clocks_wrong"
    row = "clocks ±1 h"
    quick = Size(strikes=2, events=500)
    long = Size(strikes=15, events=5_000)

    def why_not(self) -> str | None:
        return why_not()

    def arrange(self, scene: Scene) -> None:
        self._clock = Clock(scene.directory / "clock")
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
            pause(_SEEN)
            await_load(scene)
