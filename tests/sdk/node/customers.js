"use strict";
const assert = require("node:assert/strict");
const { check } = require("./checks.js");

check("a customer is created and retrieved", ["customers.create", "customers.retrieve"], async (stripe) => {
  const made = await stripe.customers.create({
    name: "Grace",
    email: "grace@example.com",
    address: { line1: "1 Main Street", city: "Arlington", country: "US" },
    shipping: { name: "Grace", address: { line1: "2 Side Street" } },
    metadata: { tier: "1" },
  });
  const found = await stripe.customers.retrieve(made.id);
  assert.deepEqual(found, made);
  assert.equal(found.address.city, "Arlington");
  assert.equal(found.shipping.address.line1, "2 Side Street");
});

check("an update changes what it names and merges metadata", ["customers.update", "metadata"], async (stripe) => {
  const made = await stripe.customers.create({ name: "Grace", email: "g@example.com", metadata: { a: "1", b: "2" } });
  const changed = await stripe.customers.update(made.id, { name: "Grace Hopper", metadata: { b: null, c: "3" } });
  assert.equal(changed.name, "Grace Hopper");
  assert.equal(changed.email, "g@example.com");
  assert.deepEqual(changed.metadata, { a: "1", c: "3" });
  const cleared = await stripe.customers.update(made.id, { email: null, metadata: null });
  assert.equal(cleared.email, null);
  assert.deepEqual(cleared.metadata, {});
});

check("a deleted customer is shown as deleted", ["customers.delete", "customers.retrieve"], async (stripe) => {
  const made = await stripe.customers.create({});
  const deleted = await stripe.customers.del(made.id);
  assert.deepEqual(deleted, { id: made.id, object: "customer", deleted: true });
  assert.equal((await stripe.customers.retrieve(made.id)).deleted, true);
  assert.deepEqual((await stripe.customers.list()).data, []);
});

check("customers are listed by email and time", ["customers.list"], async (stripe) => {
  const made = await stripe.customers.create({ email: "a@example.com" });
  const other = await stripe.customers.create({ email: "b@example.com" });
  const found = await stripe.customers.list({ email: "a@example.com" });
  assert.deepEqual(found.data.map((one) => one.id), [made.id]);
  const page = await stripe.customers.list({ created: { gte: made.created }, limit: 1 });
  assert.deepEqual(page.data.map((one) => one.id), [other.id]);
  assert.equal(page.has_more, true);
  assert.deepEqual((await stripe.customers.list({ created: { lt: made.created } })).data, []);
});

check("customers are searched", ["customers.search"], async (stripe) => {
  const wanted = await stripe.customers.create({ email: "grace@example.com", metadata: { tier: "gold" } });
  await stripe.customers.create({ email: "ada@example.com" });
  const found = await stripe.customers.search({ query: 'metadata["tier"]:"gold" AND email:"grace@example.com"' });
  assert.deepEqual(found.data.map((one) => one.id), [wanted.id]);
});

check("values arrive as they were sent", ["customers.create", "metadata"], async (stripe) => {
  const metadata = { 0: "zero", "a b": "c&d=e", "ünï": "🧾", plus: "1+1", percent: "100%25", q: 'a"b\\c' };
  const made = await stripe.customers.create({ name: "Zoë & Søn [GmbH] + 1%", metadata });
  assert.equal(made.name, "Zoë & Søn [GmbH] + 1%");
  assert.deepEqual(made.metadata, metadata);
});

check("answers carry stripes headers", ["response headers", "idempotency keys", "customers.create"], async (stripe) => {
  const made = await stripe.customers.create({ name: "A" }, { idempotencyKey: "key-1" });
  assert.match(made.lastResponse.requestId, /^req_/);
  assert.equal(made.lastResponse.idempotencyKey, "key-1");
  assert.ok(made.lastResponse.apiVersion);
  assert.equal(made.lastResponse.headers["idempotent-replayed"], undefined);
  const again = await stripe.customers.create({ name: "A" }, { idempotencyKey: "key-1" });
  assert.equal(again.id, made.id);
  assert.equal(again.lastResponse.headers["idempotent-replayed"], "true");
  assert.equal((await stripe.customers.list()).data.length, 1);
});

check("a customers payment methods are listed",
  ["customers.payment_methods.list", "customers.payment_methods.retrieve", "payment_methods.attach"],
  async (stripe) => {
    const customer = await stripe.customers.create({});
    const attached = await stripe.paymentMethods.attach("pm_card_visa", { customer: customer.id });
    const listed = await stripe.customers.listPaymentMethods(customer.id);
    assert.deepEqual(listed.data.map((one) => one.id), [attached.id]);
    assert.equal((await stripe.customers.retrievePaymentMethod(customer.id, attached.id)).id, attached.id);
  });
