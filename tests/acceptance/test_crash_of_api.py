"""kill -9 of the API at each point of a write: the same request under its key resolves it, one object, one event.

Each crash is real: a lock that the test holds keeps the write at one statement while the whole API is killed.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest

from core.accounts import create_account
from core.api_keys import create_api_key
from tests.acceptance.blockade import Blockade, CommitTrap
from tests.acceptance.client import NO_ANSWER, Answer, ApiClient
from tests.acceptance.evidence import rows
from tests.acceptance.product import Api, Product
from tests.processes import worker_database_url

pytestmark = [pytest.mark.acceptance, pytest.mark.django_db(transaction=True)]

ORDER = {"amount": 2000, "currency": "usd", "payment_method": "pm_card_visa"}
CREATED = "requires_confirmation"
KEY = "the-key"


@dataclass
class Scene:
    """One API process that is killed and started again, and the merchant that calls it."""

    product: Product
    api: Api
    api_key: str
    database_url: str = field(default_factory=worker_database_url)

    def send_and_kill(self, path: str, content: dict[str, object] | None, blockade: Blockade) -> int:
        """Kill the API while the request waits at the blockade; gives the backend that waits there still."""
        with ApiClient(self.api.port, self.api_key) as client, ThreadPoolExecutor(max_workers=1) as sending:
            request = sending.submit(client.send, "POST", path, content, key=KEY)
            backend = blockade.wait_for_victim()
            self.api.kill()
            with pytest.raises(NO_ANSWER):
                request.result()
        return backend

    def restart(self) -> ApiClient:
        self.api = self.product.start_api()
        return ApiClient(self.api.port, self.api_key)

    def send_again(self, path: str, content: dict[str, object] | None = None) -> Answer:
        """After a restart; until it is answered, and once more: what was answered stays the answer."""
        with self.restart() as client:
            answer = client.post(path, content, key=KEY)
            repeated = client.send("POST", path, content, key=KEY)
        assert (repeated.replayed, repeated.content) == (True, answer.content)
        return answer

    def new_intent(self) -> str:
        with ApiClient(self.api.port, self.api_key) as client:
            created = client.post("/payment_intents/", ORDER, key="creation")
        intent: str = created.content["id"]
        return intent

    def intents(self) -> list[str]:
        return [status for (status,) in rows(self.database_url, "SELECT status FROM core_payment_intent")]

    def events(self) -> list[str]:
        found = rows(self.database_url, "SELECT type FROM outbox_event ORDER BY id")
        return [event_type for (event_type,) in found]

    def pointers(self) -> int:
        count: int = rows(self.database_url, "SELECT count(*) FROM outbox_pending")[0][0]
        return count

    def bank_answers(self) -> int:
        count: int = rows(self.database_url, "SELECT count(*) FROM core_bank_answer")[0][0]
        return count


@pytest.fixture
def scene() -> Iterator[Scene]:
    with Product(worker_database_url(), IDEMPOTENCY_LEASE_SECONDS="1") as product:
        key = create_api_key(account=create_account(name="Shop"), name="tests")
        yield Scene(product=product, api_key=key, api=product.start_api())


@contextmanager
def trapped(scene: Scene, *, status: str) -> Iterator[Blockade]:
    """A blockade at the COMMIT of a payment that gets this status."""
    with Blockade(scene.database_url) as blockade, CommitTrap(scene.database_url, status=status):
        blockade.on_commits()
        try:
            yield blockade
        finally:
            blockade.lift()


def test_creation_killed_before_commit_never_happened(scene: Scene) -> None:
    with Blockade(scene.database_url) as blockade:
        blockade.on_inserts("outbox_event")
        scene.send_and_kill("/payment_intents/", ORDER, blockade)
        blockade.lift()
    answer = scene.send_again("/payment_intents/", ORDER)
    assert (answer.status, answer.replayed) == (201, False)
    assert (scene.intents(), scene.events(), scene.pointers()) == ([CREATED], ["payment_intent.created"], 1)


def test_creation_killed_during_a_commit_that_stands_is_answered_from_it(scene: Scene) -> None:
    with trapped(scene, status=CREATED) as blockade:
        backend = scene.send_and_kill("/payment_intents/", ORDER, blockade)
        assert blockade.is_committing(backend)
        with scene.restart() as client:
            early = client.send("POST", "/payment_intents/", ORDER, key=KEY)
            assert (early.status, early.code) == (409, "idempotency_key_in_use")
            blockade.lift()
            answer = client.post("/payment_intents/", ORDER, key=KEY)
    assert (answer.status, answer.replayed) == (201, True)
    assert (scene.intents(), scene.events(), scene.pointers()) == ([CREATED], ["payment_intent.created"], 1)


def test_creation_killed_during_a_commit_that_falls_happens_anew(scene: Scene) -> None:
    with trapped(scene, status=CREATED) as blockade:
        backend = scene.send_and_kill("/payment_intents/", ORDER, blockade)
        assert blockade.is_committing(backend)
        blockade.end_session(backend)
    assert scene.intents() == []
    answer = scene.send_again("/payment_intents/", ORDER)
    assert (answer.status, answer.replayed) == (201, False)
    assert (scene.intents(), scene.events(), scene.pointers()) == ([CREATED], ["payment_intent.created"], 1)


def test_creation_killed_after_commit_is_answered_from_it(scene: Scene) -> None:
    with Blockade(scene.database_url) as blockade:
        # Written after the commit and before the answer leaves.
        blockade.on_inserts("api_request_log")
        scene.send_and_kill("/payment_intents/", ORDER, blockade)
        assert scene.intents() == [CREATED]
        blockade.lift()
    answer = scene.send_again("/payment_intents/", ORDER)
    assert (answer.status, answer.replayed) == (201, True)
    assert (scene.intents(), scene.events(), scene.pointers()) == ([CREATED], ["payment_intent.created"], 1)


def test_card_killed_before_the_bank_has_answered_is_taken_up_by_a_retry(scene: Scene) -> None:
    path = f"/payment_intents/{scene.new_intent()}/confirm/"
    with Blockade(scene.database_url) as blockade:
        blockade.on_inserts("core_bank_answer")
        scene.send_and_kill(path, None, blockade)
        assert scene.intents() == ["processing"]
        blockade.lift()
    assert scene.send_again(path).content["status"] == "succeeded"
    assert_charged_once(scene)


def test_card_killed_before_its_final_commit_gets_the_same_answer_of_the_bank(scene: Scene) -> None:
    path = f"/payment_intents/{scene.new_intent()}/confirm/"
    with Blockade(scene.database_url) as blockade:
        blockade.on_inserts("outbox_event")
        scene.send_and_kill(path, None, blockade)
        assert (scene.intents(), scene.bank_answers()) == (["processing"], 1)
        blockade.lift()
    assert scene.send_again(path).content["status"] == "succeeded"
    assert_charged_once(scene)


def test_card_killed_during_its_final_commit_is_charged_once(scene: Scene) -> None:
    path = f"/payment_intents/{scene.new_intent()}/confirm/"
    with trapped(scene, status="succeeded") as blockade:
        backend = scene.send_and_kill(path, None, blockade)
        assert blockade.is_committing(backend)
        blockade.lift()
    answer = scene.send_again(path)
    assert (answer.status, answer.content["status"], answer.replayed) == (200, "succeeded", True)
    assert_charged_once(scene)


def test_card_left_by_its_merchant_is_settled_without_a_retry(scene: Scene) -> None:
    path = f"/payment_intents/{scene.new_intent()}/confirm/"
    with Blockade(scene.database_url) as blockade:
        blockade.on_inserts("outbox_event")
        scene.send_and_kill(path, None, blockade)
        blockade.lift()
    settlement = scene.product.start_settlement()
    settlement.says("payment.settled")
    assert_charged_once(scene)
    answer = scene.send_again(path)
    assert (answer.status, answer.content["status"]) == (200, "succeeded")
    assert_charged_once(scene)


def assert_charged_once(scene: Scene) -> None:
    assert (scene.intents(), scene.bank_answers(), scene.pointers()) == (["succeeded"], 1, 3)
    assert scene.events() == ["payment_intent.created", "charge.succeeded", "payment_intent.succeeded"]
