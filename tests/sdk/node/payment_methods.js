"use strict";
const assert = require("node:assert/strict");
const { check, errorOf } = require("./checks.js");

check("a card is made out of a token", ["payment_methods.create", "payment_methods.retrieve"], async (stripe) => {
  const made = await stripe.paymentMethods.create({ type: "card", card: { token: "tok_visa" } });
  assert.equal(made.card.brand, "visa");
  assert.equal(made.card.last4, "4242");
  assert.deepEqual(await stripe.paymentMethods.retrieve(made.id), made);
});

check("a card is attached listed and detached",
  ["payment_methods.attach", "payment_methods.list", "payment_methods.detach"],
  async (stripe) => {
    const customer = await stripe.customers.create({});
    const attached = await stripe.paymentMethods.attach("pm_card_visa", { customer: customer.id });
    assert.equal(attached.customer, customer.id);
    const listed = await stripe.paymentMethods.list({ customer: customer.id, type: "card" });
    assert.deepEqual(listed.data.map((one) => one.id), [attached.id]);
    assert.equal((await stripe.paymentMethods.detach(attached.id)).customer, null);
  });

check("a payment method takes billing details", ["payment_methods.update"], async (stripe) => {
  const customer = await stripe.customers.create({});
  const attached = await stripe.paymentMethods.attach("pm_card_visa", { customer: customer.id });
  const changed = await stripe.paymentMethods.update(attached.id, { billing_details: { email: "g@example.com" } });
  assert.equal(changed.billing_details.email, "g@example.com");
});

check("a setup intent keeps a card for later",
  ["setup_intents.create", "setup_intents.retrieve", "setup_intents.confirm", "setup_intents.list"],
  async (stripe) => {
    const customer = await stripe.customers.create({});
    const made = await stripe.setupIntents.create({ customer: customer.id, payment_method_types: ["card"] });
    assert.equal(made.status, "requires_payment_method");
    const confirmed = await stripe.setupIntents.confirm(made.id, { payment_method: "pm_card_visa" });
    assert.equal(confirmed.status, "succeeded");
    assert.deepEqual(await stripe.setupIntents.retrieve(made.id), confirmed);
    assert.deepEqual((await stripe.setupIntents.list()).data.map((one) => one.id), [made.id]);
  });

check("a setup intent is canceled", ["setup_intents.cancel"], async (stripe) => {
  const made = await stripe.setupIntents.create({ payment_method_types: ["card"] });
  assert.equal((await stripe.setupIntents.cancel(made.id)).status, "canceled");
  const error = await errorOf(stripe.setupIntents.confirm(made.id, { payment_method: "pm_card_visa" }));
  assert.equal(error.code, "setup_intent_unexpected_state");
});
