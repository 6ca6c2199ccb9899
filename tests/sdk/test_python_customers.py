"""stripe-python: customers, and what all resources share: metadata, expansion, headers."""

import pytest
import stripe

verifies = pytest.mark.verifies


@verifies("customers.create", "customers.retrieve")
def test_a_customer_is_created_and_retrieved(sdk: stripe.StripeClient) -> None:
    made = sdk.v1.customers.create(
        {
            "name": "Grace",
            "email": "grace@example.com",
            "phone": "+1 555 0100",
            "description": "Admiral",
            "address": {"line1": "1 Main Street", "city": "Arlington", "country": "US"},
            "shipping": {"name": "Grace", "address": {"line1": "2 Side Street"}},
            "metadata": {"tier": "1"},
        }
    )
    found = sdk.v1.customers.retrieve(made.id)
    assert found.to_dict() == made.to_dict()
    assert (found.name, found.email, found.phone) == ("Grace", "grace@example.com", "+1 555 0100")
    assert found.address is not None
    assert found.address.city == "Arlington"
    assert found.shipping is not None
    assert found.shipping.address is not None
    assert found.shipping.address.line1 == "2 Side Street"


@verifies("customers.update", "metadata")
def test_an_update_changes_what_it_names_and_merges_metadata(sdk: stripe.StripeClient) -> None:
    made = sdk.v1.customers.create(
        {"name": "Grace", "email": "g@example.com", "metadata": {"a": "1", "b": "2"}}
    )
    changed = sdk.v1.customers.update(made.id, {"name": "Grace Hopper", "metadata": {"b": "", "c": "3"}})
    assert (changed.name, changed.email) == ("Grace Hopper", "g@example.com")
    assert changed.metadata is not None
    assert changed.metadata.to_dict() == {"a": "1", "c": "3"}
    cleared = sdk.v1.customers.update(made.id, {"email": "", "metadata": ""})
    assert cleared.email is None
    assert cleared.metadata is not None
    assert cleared.metadata.to_dict() == {}
    assert sdk.v1.customers.retrieve(made.id).to_dict() == cleared.to_dict()


@verifies("customers.delete", "customers.retrieve", "customers.list")
def test_a_deleted_customer_is_shown_as_deleted_and_not_listed(sdk: stripe.StripeClient) -> None:
    kept, gone = sdk.v1.customers.create({}), sdk.v1.customers.create({})
    deleted = sdk.v1.customers.delete(gone.id)
    assert (deleted.id, deleted.object, deleted.deleted) == (gone.id, "customer", True)
    assert sdk.v1.customers.retrieve(gone.id).to_dict() == {
        "id": gone.id, "object": "customer", "deleted": True,
    }  # fmt: skip
    assert [customer.id for customer in sdk.v1.customers.list().data] == [kept.id]


@verifies("customers.list")
def test_customers_are_listed_by_email_and_time(sdk: stripe.StripeClient) -> None:
    made = sdk.v1.customers.create({"email": "a@example.com"})
    other = sdk.v1.customers.create({"email": "b@example.com"})
    assert [one.id for one in sdk.v1.customers.list({"email": "a@example.com"}).data] == [made.id]
    since = sdk.v1.customers.list({"created": {"gte": made.created}, "limit": 1})
    assert ([one.id for one in since.data], since.has_more) == ([other.id], True)
    assert sdk.v1.customers.list({"created": {"lt": made.created}}).data == []


@verifies("customers.search")
def test_customers_are_searched(sdk: stripe.StripeClient) -> None:
    wanted = sdk.v1.customers.create({"email": "grace@example.com", "metadata": {"tier": "gold"}})
    sdk.v1.customers.create({"email": "ada@example.com", "metadata": {"tier": "iron"}})
    found = sdk.v1.customers.search({"query": 'metadata["tier"]:"gold" AND email:"grace@example.com"'})
    assert [customer.id for customer in found.data] == [wanted.id]
    assert found.has_more is False


@verifies("customers.search", "pages forward")
def test_a_search_pages_by_itself(sdk: stripe.StripeClient) -> None:
    made = {sdk.v1.customers.create({"name": "Twin"}).id for _ in range(3)}
    found = sdk.v1.customers.search({"query": 'name:"Twin"', "limit": 2})
    assert len(found.data) == 2
    assert {customer.id for customer in found.auto_paging_iter()} == made


@verifies("customers.create", "metadata")
def test_values_arrive_as_they_were_sent(sdk: stripe.StripeClient) -> None:
    """Through the SDK's own encoding, which is a form."""
    odd = {"0": "zero", "a b": "c&d=e", "ünï": "🧾", "plus": "1+1", "percent": "100%25", "q": 'a"b\\c'}
    made = sdk.v1.customers.create({"name": "Zoë & Søn [GmbH] + 1%", "metadata": odd})
    assert made.name == "Zoë & Søn [GmbH] + 1%"
    assert made.metadata is not None
    assert made.metadata.to_dict() == odd


@verifies("response headers", "idempotency keys", "customers.create")
def test_answers_carry_stripes_headers(sdk: stripe.StripeClient) -> None:
    made = sdk.v1.customers.create({"name": "A"}, {"idempotency_key": "key-1"})
    first = made.last_response
    assert first is not None
    assert first.request_id is not None
    assert first.request_id.startswith("req_")
    assert first.idempotency_key == "key-1"
    assert first.headers["Stripe-Version"]
    assert "Idempotent-Replayed" not in first.headers
    again = sdk.v1.customers.create({"name": "A"}, {"idempotency_key": "key-1"})
    assert again.id == made.id
    assert again.last_response is not None
    assert again.last_response.headers["Idempotent-Replayed"] == "true"
    assert len(sdk.v1.customers.list().data) == 1
