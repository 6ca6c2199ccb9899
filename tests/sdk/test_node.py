"""stripe-node: every check of tests/sdk/node/*.js is a test here."""

from contextlib import ExitStack
from typing import Any

import pytest
from django.core.management import call_command

from tests.hostile.receivers import closed_port
from tests.sdk.contract import lacking
from tests.sdk.node_suite import NodeCheck, node_checks, run_group, what_node_lacks
from tests.sdk.probes import RATE_LIMIT, RESTRICTED_KEYS, restricted_key
from tests.sdk.proxies import LosingProxy
from tests.sdk.rolls import delivered_during_a_roll
from tests.sdk.server import Merchant, Server, new_merchant, running_server

CHECKS = node_checks()


class NodeSuite:
    """Runs a group when its first result is asked for."""

    def __init__(self, server: Server, blocker: Any) -> None:
        self._server = server
        self._blocker = blocker
        self._results: dict[str, dict[str, str | None]] = {}

    def error_of(self, check: NodeCheck) -> str | None:
        if check.group not in self._results:
            with self._blocker.unblock():
                try:
                    self._results[check.group] = self._run(check.group)
                finally:
                    # Committed rows would be found by tests that expect none.
                    call_command("flush", verbosity=0, interactive=False, inhibit_post_migrate=True)
        return self._results[check.group][check.name]

    def _run(self, group: str) -> dict[str, str | None]:
        wanted = [check for check in CHECKS if check.group == group and is_possible(check)]
        merchants = {check.name: new_merchant(self._server) for check in wanted}
        keys = {name: merchant.key for name, merchant in merchants.items()}
        with ExitStack() as stack:
            extra = self._extra(group, merchants, stack)
            return run_group(group, port=self._server.port, keys=keys, extra=extra)

    def _extra(self, group: str, merchants: dict[str, Merchant], stack: ExitStack) -> dict[str, Any]:
        """What a group is given besides."""
        match group:
            case "errors":
                extra: dict[str, Any] = {"closedPort": closed_port()}
                if RESTRICTED_KEYS:
                    owner = merchants["a key without the scope is a permission error"].account
                    extra["restrictedKey"] = restricted_key(owner)
                if RATE_LIMIT:
                    extra["limitedPort"] = stack.enter_context(running_server(**RATE_LIMIT)).port
                return extra
            case "pages_and_retries":
                return {"losingPort": stack.enter_context(LosingProxy(self._server.port)).port}
            case "webhooks":
                return delivered_during_a_roll(self._server).as_json()
        return {}


def is_possible(check: NodeCheck) -> bool:
    return not lacking(check.verifies) and reason_against(check) is None


def reason_against(check: NodeCheck) -> str | None:
    if "PermissionError" in check.verifies and not RESTRICTED_KEYS:
        return "create_api_key makes no restricted keys yet"
    if "RateLimitError" in check.verifies and not RATE_LIMIT:
        return "the API has no limit of requests yet"
    return None


@pytest.fixture(scope="session")
def suite(server: Server, django_db_blocker: Any) -> NodeSuite:
    return NodeSuite(server, django_db_blocker)


@pytest.mark.parametrize(
    "check",
    [
        pytest.param(check, id=f"{check.group}: {check.name}", marks=pytest.mark.verifies(*check.verifies))
        for check in CHECKS
    ],
)
def test_node(check: NodeCheck, request: pytest.FixtureRequest) -> None:
    for reason in (what_node_lacks(), reason_against(check)):
        if reason is not None:
            pytest.skip(reason)
    suite: NodeSuite = request.getfixturevalue("suite")
    error = suite.error_of(check)
    assert error is None, error


def test_every_check_has_a_name_of_its_own() -> None:
    """Else one would hide another; and a file without any would be no group."""
    names = [(check.group, check.name) for check in CHECKS]
    assert len(names) == len(set(names)) > 40
