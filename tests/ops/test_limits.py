"""The limits of an endpoint, changed by an operator."""

import html
from urllib.parse import urlencode

import pytest
from django.test import Client

from api.models import AuditEntry
from dispatcher.endpoints import delete_endpoint, get_endpoint, update_endpoint
from dispatcher.models import Endpoint, Lane
from tests.audit_log import no_change_without_its_entry
from tests.dispatcher.scenes import OWNER, make_endpoint
from tests.ops.scenes import form_of, send

pytestmark = pytest.mark.django_db


def path(endpoint: Endpoint, **asked: str) -> str:
    return f"/ops/endpoints/{endpoint.public_id}/limits/" + (f"?{urlencode(asked)}" if asked else "")


def limits(endpoint: Endpoint) -> tuple[int, int, float | None, int | None, bool, str]:
    row = get_endpoint(owner=OWNER, endpoint_id=endpoint.id)
    lane = row.lane
    return (lane.max_in_flight, lane.quantum, lane.rate_limit, lane.burst, row.ordered, row.on_dead_letter)


def text_of(client: Client, address: str, *, status: int = 200) -> str:
    answer = client.get(address)
    assert answer.status_code == status
    return html.unescape(answer.content.decode())


def test_a_change_is_shown_before_and_after_confirmed_and_written_down(operator: Client) -> None:
    endpoint = make_endpoint()
    form = text_of(operator, path(endpoint))
    assert 'name="max_in_flight" value="64"' in form
    for empty in ("quantum", "rate_limit", "burst"):
        assert f'name="{empty}" value=""' in form
    asked = path(
        endpoint,
        max_in_flight="8",
        quantum="",
        rate_limit="2.5",
        burst="",
        ordered="true",
        on_dead_letter="stop",
    )
    question = text_of(operator, asked)
    for change in ("64 → 8", "no limit → 2.5", "none → one after the other", "it goes on → its object stops"):
        assert change in question
    assert limits(endpoint) == (64, 64, None, None, False, "continue")
    answer = send(operator, asked)
    assert (answer.status_code, answer["Location"]) == (303, f"/ops/endpoints/{endpoint.public_id}/")
    assert limits(endpoint) == (8, 8, 2.5, 3, True, "stop")
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.actor, entry.subject) == ("endpoint.updated", "operator", endpoint.public_id)
    assert entry.before == {
        "max_in_flight": 64, "quantum": 64, "rate_limit": None, "burst": None, "ordered": False,
        "on_dead_letter": "continue",
    }  # fmt: skip
    assert entry.after == {
        "max_in_flight": 8, "quantum": 8, "rate_limit": 2.5, "burst": 3, "ordered": True, "on_dead_letter": "stop",
    }  # fmt: skip
    back = text_of(
        operator,
        path(endpoint, max_in_flight="64", rate_limit="", ordered="false", on_dead_letter="continue"),
    )
    assert "is let go" in back
    assert "2.5 → no limit" in back


def test_a_form_that_is_sent_twice_changes_once(operator: Client) -> None:
    endpoint = make_endpoint()
    asked = path(endpoint, max_in_flight="8")
    form = form_of(operator.get(asked).content.decode())
    for _ in range(2):
        assert operator.post(asked, form)["Location"] == f"/ops/endpoints/{endpoint.public_id}/"
    assert AuditEntry.objects.count() == 1
    assert "This was done already" in text_of(operator, f"/ops/endpoints/{endpoint.public_id}/")
    assert "nothing would change" in text_of(operator, asked)


@pytest.mark.parametrize(
    ("asked", "field", "told"),
    [
        ({"max_in_flight": "0"}, "max_in_flight", "greater than or equal to 1"),
        ({"max_in_flight": "10001"}, "max_in_flight", "less than or equal to 10000"),
        ({"max_in_flight": ""}, "max_in_flight", "cannot be unset"),
        ({"quantum": "1.5"}, "quantum", 'Invalid integer: "1.5"'),
        ({"rate_limit": "nan"}, "rate_limit", 'Invalid number: "nan"'),
        ({"rate_limit": "0.0001"}, "rate_limit", "between 0.001 and 10000"),
        ({"rate_limit": "<b>\u202e"}, "rate_limit", "Invalid number"),
        ({"burst": "5"}, "burst", "needs a rate_limit"),
        ({"ordered": "perhaps"}, "ordered", "Invalid boolean"),
        ({"on_dead_letter": "explode"}, "on_dead_letter", "must be one of continue, stop"),
        ({"on_dead_letter": "stop"}, "on_dead_letter", "the endpoint is not ordered"),
    ],
)
def test_what_cannot_be_is_told_beside_its_field(
    operator: Client, asked: dict[str, str], field: str, told: str
) -> None:
    endpoint = make_endpoint()
    answer = operator.get(path(endpoint, **asked))
    page = answer.content.decode()
    assert answer.status_code == 400
    problem = page.partition(f'id="{field}-error">')[2].partition("</p>")[0]
    assert told in html.unescape(problem)
    assert "<b>" not in page
    assert operator.post(path(endpoint, **asked), {"confirmation": "made up"}).status_code == 400
    assert limits(endpoint) == (64, 64, None, None, False, "continue")


def test_what_somebody_else_changed_meanwhile_is_not_written_over(operator: Client) -> None:
    endpoint = make_endpoint()
    asked = path(endpoint, max_in_flight="8")
    form = form_of(operator.get(asked).content.decode())
    update_endpoint(owner=OWNER, endpoint_id=endpoint.id, changes={"rate_limit": 5})
    answer = operator.post(asked, form)
    assert answer.status_code == 409
    assert "were changed meanwhile" in answer.content.decode()
    assert limits(endpoint) == (64, 64, 5, 5, False, "continue")
    assert not AuditEntry.objects.exists()
    assert operator.post(asked, form_of(answer.content.decode())).status_code == 303
    assert limits(endpoint) == (8, 8, 5, 5, False, "continue")


def test_a_deleted_endpoint_keeps_its_limits(operator: Client) -> None:
    endpoint = make_endpoint()
    asked = path(endpoint, max_in_flight="8")
    form = form_of(operator.get(asked).content.decode())
    delete_endpoint(owner=OWNER, endpoint_id=endpoint.id)
    answer = operator.post(asked, form)
    assert answer.status_code == 409
    assert "It was deleted. Nothing was changed." in answer.content.decode()
    assert Lane.objects.get().max_in_flight == 64


def test_no_change_is_made_whose_entry_cannot_be(operator: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = path(make_endpoint(), max_in_flight="8", ordered="true")
    form = form_of(operator.get(asked).content.decode())
    with no_change_without_its_entry(monkeypatch):
        operator.post(asked, form)
