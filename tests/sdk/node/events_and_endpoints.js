"use strict";
const assert = require("node:assert/strict");
const { check, errorOf } = require("./checks.js");

const HOOK = "https://93.184.216.34/hook"; // a public address, so no name is resolved

check("an event is retrieved and listed by type", ["events.retrieve", "events.list"], async (stripe) => {
  await stripe.customers.create({});
  const intent = await stripe.paymentIntents.create({ amount: 2000, currency: "usd" });
  const { data: [event, ...others] } = await stripe.events.list({ type: "payment_intent.created" });
  assert.deepEqual(others, []);
  assert.equal(event.data.object.id, intent.id);
  assert.equal(event.request.id, intent.lastResponse.requestId);
  assert.deepEqual(await stripe.events.retrieve(event.id), event);
});

check("an update tells what was before", ["events.list", "customers.update"], async (stripe) => {
  const made = await stripe.customers.create({ name: "Grace", email: "g@example.com" });
  await stripe.customers.update(made.id, { name: "Grace Hopper" });
  const { data: [event] } = await stripe.events.list({ type: "customer.updated" });
  assert.deepEqual(event.data.previous_attributes, { name: "Grace" });
});

check("an endpoint is made updated and deleted",
  ["webhook_endpoints.create", "webhook_endpoints.retrieve", "webhook_endpoints.update", "webhook_endpoints.list",
    "webhook_endpoints.delete"],
  async (stripe) => {
    const made = await stripe.webhookEndpoints.create({ url: HOOK, enabled_events: ["payment_intent.payment_failed"] });
    assert.match(made.secret, /^whsec_/);
    const found = await stripe.webhookEndpoints.retrieve(made.id);
    assert.equal(found.secret, undefined);
    const changed = await stripe.webhookEndpoints.update(made.id, { disabled: true, enabled_events: ["*"] });
    assert.equal(changed.status, "disabled");
    assert.deepEqual((await stripe.webhookEndpoints.list()).data.map((one) => one.id), [made.id]);
    assert.equal((await stripe.webhookEndpoints.del(made.id)).deleted, true);
    assert.equal((await errorOf(stripe.webhookEndpoints.retrieve(made.id))).statusCode, 404);
  });
