"""Plays the batches of a plan, and judges each."""

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self, TypeVar

from tests.acceptance.evidence import rows
from tests.acceptance.server import Server, durable_server
from tests.crash import receiver
from tests.crash.judge import judge
from tests.crash.load import Load
from tests.crash.logs import Logs, floor, held
from tests.crash.plan import Batch
from tests.crash.product import LEASE, SETTINGS, Product
from tests.crash.receiver import CUT, FLAKY, OK, PATHS, SLOW, RunningReceiver
from tests.crash.scene import Scene
from tools.private_brokers import PrivateRedis

# Most events have one endpoint, which answers at once; others' is slow or fails at times, and some have all four.
OWNERS = {
    "acct_quick": (OK,),
    "acct_slow": (SLOW,),
    "acct_flaky": (FLAKY,),
    "acct_cut": (CUT,),
    "acct_all": PATHS,
}
_TURNS = [*OWNERS] + ["acct_quick"] * 7
_ORDERS_A_BATCH = 1_000_000  # so many numbers each, and never as many orders
_LOOK = 0.05  # seconds
_LONGEST_STANDSTILL = 60.0  # seconds
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """A batch that was played, as it is kept in a state file."""

    place: int
    fault: str
    row: str
    number: int
    strikes: int
    deaths: int
    freezes: int
    seconds: float
    verdict: dict[str, Any]  # of judge.Verdict

    @property
    def breaches(self) -> list[str]:
        found: list[str] = self.verdict["breaches"]
        return found


class Suite:
    """The server, the receiver and the product, in `with`; `play()` for each batch."""

    def __init__(self, *, seed: int) -> None:
        self._seed = seed
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self.directory = Path(tempfile.mkdtemp(prefix="ministripe-crash-logs-"))
            self._postgres: Server = stack.enter_context(durable_server())
            _configure(self._postgres.url)
            self._receiver: RunningReceiver = stack.enter_context(receiver.running(self._seed))
            self._product = stack.enter_context(Product(self._postgres.url, self.directory))
            self._product.run("migrate", "--verbosity=0")
            self._api_key = self._furnish()
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def forget_logs(self) -> None:
        """What processes wrote is of no use where nothing is to be found out."""
        shutil.rmtree(self.directory)

    def play(self, batch: Batch) -> Played:
        """Load, strikes, drain, stop, judgement."""
        begun = time.monotonic()
        since = floor(self._postgres.url)
        self._receiver.taken()
        with self._scene(batch) as scene:
            batch.fault.arrange(scene)
            for _ in range(batch.size.strikes):
                batch.fault.strike(scene)
            batch.fault.finish(scene)
            _await(
                scene, scene.load.recorded, lambda count: count >= batch.size.events, what="events recorded"
            )
            _await(
                scene, scene.load.paid, lambda count: count >= batch.size.payments, what="payments answered"
            )
            scene.load.stop()
            _await(
                scene,
                lambda: rows(self._postgres.url, _LEFT)[0],
                lambda left: not any(left),
                what="payments, pointers and deliveries left",
            )
            scene.complaints += self._product.stop()
        verdict = judge(
            Logs(
                told=scene.load.told(),
                held=held(self._postgres.url, since),
                got=self._receiver.taken(),
                strikes=scene.strikes,
            ),
            lease=LEASE,
        )
        verdict.breaches += scene.complaints
        return Played(
            place=batch.place,
            fault=batch.fault.name,
            row=batch.fault.row,
            number=batch.number,
            strikes=len(scene.strikes),
            deaths=scene.deaths,
            freezes=scene.freezes,
            seconds=round(time.monotonic() - begun, 1),
            verdict=asdict(verdict),
        )

    @contextmanager
    def _scene(self, batch: Batch) -> Iterator[Scene]:
        load = Load(self._product, self.directory, _TURNS, batch.place * _ORDERS_A_BATCH)
        with ExitStack() as stack:
            # Where a strike fails, the load ends all the same.
            stack.callback(load.stop)
            yield Scene(
                product=self._product,
                postgres=self._postgres,
                receiver=self._receiver,
                load=load,
                random=batch.randomness(self._seed),
                open=stack,
                broker=lambda: self._broker,
                api_key=self._api_key,
                fault=batch.fault.name,
                directory=self.directory,
            )

    @cached_property
    def _broker(self) -> PrivateRedis:
        return self._stack.enter_context(PrivateRedis())

    def _furnish(self) -> str:
        """Endpoints of all owners, and an account that pays; gives its API key."""
        from django.db import connections

        from core.accounts import create_account
        from core.api_keys import create_api_key
        from core.versions import STRIPE
        from dispatcher.endpoints import create_endpoint

        account = create_account(name="Shop")
        for owner, paths in {**OWNERS, account.public_id: PATHS}.items():
            for path in paths:
                create_endpoint(
                    owner=owner, url=self._receiver.url(path), enabled_events=["*"], api_version=STRIPE
                )
        key = create_api_key(account=account, name="crash suite")
        connections.close_all()
        return key


def _configure(database_url: str) -> None:
    """Django, in this process, with settings as tests have them."""
    import django

    os.environ.update(
        DATABASE_URL=database_url,
        DJANGO_SETTINGS_MODULE="core.settings",
        LOCAL_SECRETS="false",
        SECRET_KEY="only-for-the-crash-suite-" + "s" * 40,
        API_KEY_HASH_KEY="only-for-the-crash-suite-" + "h" * 40,
        WEBHOOK_SECRET_KEYS="b25seS1mb3ItdGVzdHMtb25seS1mb3ItdGVzdHMtMDE=",
        WEBHOOK_ALLOW_HTTP="true",
        WEBHOOK_ALLOW_ADDRESSES="127.0.0.0/8",
        WEBHOOK_EXTRA_PORTS="any",
        **SETTINGS,
    )
    django.setup()


_LEFT = """
SELECT (SELECT count(*) FROM core_payment_intent WHERE status = 'processing'),
       (SELECT count(*) FROM outbox_pending),
       (SELECT count(*) FROM dispatcher_delivery)
"""


def _await(scene: Scene, look: Callable[[], T], is_enough: Callable[[T], bool], *, what: str) -> None:
    """As long as what is looked at changes; a complaint where it stands still instead."""
    found, moved = look(), time.monotonic()
    while not is_enough(found):
        if time.monotonic() - moved > _LONGEST_STANDSTILL:
            scene.complaints.append(f"{what} stand still: {found}")
            return
        time.sleep(_LOOK)
        before, found = found, look()
        if found != before:
            moved = time.monotonic()
