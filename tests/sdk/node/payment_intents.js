"use strict";
const assert = require("node:assert/strict");
const { check, errorOf } = require("./checks.js");

const USD = { amount: 2000, currency: "usd" };
const CARD = { ...USD, payment_method_types: ["card"] };

check("a card payment succeeds within the call",
  ["payment_intents.create", "payment_intents.confirm", "payment_intents.retrieve"],
  async (stripe) => {
    const customer = await stripe.customers.create({});
    const intent = await stripe.paymentIntents.create({
      ...USD, customer: customer.id, automatic_payment_methods: { enabled: true },
    });
    assert.equal(intent.status, "requires_payment_method");
    assert.ok(intent.client_secret.startsWith(`${intent.id}_secret_`));
    const confirmed = await stripe.paymentIntents.confirm(intent.id, { payment_method: "pm_card_visa" });
    assert.equal(confirmed.status, "succeeded");
    assert.equal(confirmed.amount_received, 2000);
    assert.deepEqual(await stripe.paymentIntents.retrieve(intent.id), confirmed);
  });

check("a payment is created and confirmed in one call", ["payment_intents.create", "charges.retrieve"], async (stripe) => {
  const intent = await stripe.paymentIntents.create({ ...CARD, confirm: true, payment_method: "pm_card_visa" });
  assert.equal(intent.status, "succeeded");
  const charge = await stripe.charges.retrieve(intent.latest_charge);
  assert.equal(charge.payment_intent, intent.id);
  assert.equal(charge.captured, true);
});

check("create and confirm that declines leaves the intent behind",
  ["CardError", "payment_intents.create", "charges.retrieve"],
  async (stripe) => {
    const error = await errorOf(
      stripe.paymentIntents.create({ ...CARD, confirm: true, payment_method: "pm_card_visa_chargeDeclined" }),
    );
    assert.equal(error.type, "StripeCardError");
    assert.equal(error.payment_intent.status, "requires_payment_method");
    const found = await stripe.paymentIntents.retrieve(error.payment_intent.id);
    assert.equal(found.last_payment_error.decline_code, "generic_decline");
  });

check("an intent is updated before it is paid", ["payment_intents.update"], async (stripe) => {
  const intent = await stripe.paymentIntents.create({ ...USD, metadata: { order: "1" } });
  const changed = await stripe.paymentIntents.update(intent.id, { amount: 2500, metadata: { order: "2" } });
  assert.equal(changed.amount, 2500);
  assert.deepEqual(changed.metadata, { order: "2" });
});

check("intents are listed by customer", ["payment_intents.list"], async (stripe) => {
  const customer = await stripe.customers.create({});
  const wanted = await stripe.paymentIntents.create({ ...USD, customer: customer.id });
  await stripe.paymentIntents.create(USD);
  const found = await stripe.paymentIntents.list({ customer: customer.id });
  assert.deepEqual(found.data.map((one) => one.id), [wanted.id]);
});

check("intents are searched", ["payment_intents.search"], async (stripe) => {
  await stripe.paymentIntents.create({ ...USD, metadata: { order: "1" } });
  const wanted = await stripe.paymentIntents.create({ ...USD, metadata: { order: "2" } });
  const found = await stripe.paymentIntents.search({ query: 'metadata["order"]:"2"' });
  assert.deepEqual(found.data.map((one) => one.id), [wanted.id]);
});

check("manual capture takes a part and releases the rest", ["payment_intents.capture"], async (stripe) => {
  const held = await stripe.paymentIntents.create({
    ...CARD, capture_method: "manual", confirm: true, payment_method: "pm_card_visa",
  });
  assert.equal(held.status, "requires_capture");
  assert.equal(held.amount_capturable, 2000);
  const captured = await stripe.paymentIntents.capture(held.id, { amount_to_capture: 1500 });
  assert.equal(captured.status, "succeeded");
  assert.equal(captured.amount_received, 1500);
});

check("a canceled intent stays canceled", ["payment_intents.cancel"], async (stripe) => {
  const intent = await stripe.paymentIntents.create(USD);
  const canceled = await stripe.paymentIntents.cancel(intent.id, { cancellation_reason: "abandoned" });
  assert.equal(canceled.status, "canceled");
  assert.equal(canceled.cancellation_reason, "abandoned");
  const error = await errorOf(stripe.paymentIntents.confirm(intent.id, { payment_method: "pm_card_visa" }));
  assert.equal(error.code, "payment_intent_unexpected_state");
  assert.equal(error.payment_intent.status, "canceled");
});

check("a bank debit is processing", ["bank debits", "payment_intents.confirm"], async (stripe) => {
  const intent = await stripe.paymentIntents.create({
    ...USD, payment_method: "pm_usBankAccount_success", payment_method_types: ["us_bank_account"],
  });
  assert.equal((await stripe.paymentIntents.confirm(intent.id)).status, "processing");
});

check("a card that asks for authentication leads to a page of ours",
  ["3-D Secure", "payment_intents.create"],
  async (stripe) => {
    const intent = await stripe.paymentIntents.create({
      ...CARD,
      confirm: true,
      payment_method: "pm_card_authenticationRequired",
      return_url: "https://shop.example/return",
    });
    assert.equal(intent.status, "requires_action");
    assert.equal(intent.next_action.type, "redirect_to_url");
    assert.match(intent.next_action.redirect_to_url.url, /^http/);
  });

check("an answer expands as deep as it is asked",
  ["expand", "payment_intents.list", "balance_transactions.retrieve"],
  async (stripe) => {
    const customer = await stripe.customers.create({ name: "Grace" });
    const made = await stripe.paymentIntents.create({
      ...CARD, customer: customer.id, confirm: true, payment_method: "pm_card_visa",
    });
    const found = await stripe.paymentIntents.retrieve(made.id, {
      expand: ["customer", "payment_method", "latest_charge.balance_transaction"],
    });
    assert.equal(found.customer.name, "Grace");
    assert.equal(found.payment_method.object, "payment_method");
    assert.equal(found.latest_charge.balance_transaction.amount, 2000);
    const listed = await stripe.paymentIntents.list({ expand: ["data.latest_charge.customer"] });
    assert.equal(listed.data[0].latest_charge.customer.name, "Grace");
  });

check("a customer is expanded in one intent and in a list", ["expand", "payment_intents.list"], async (stripe) => {
  const customer = await stripe.customers.create({ name: "Grace" });
  const made = await stripe.paymentIntents.create({ ...USD, customer: customer.id, expand: ["customer"] });
  assert.equal(made.customer.name, "Grace");
  const listed = await stripe.paymentIntents.list({ expand: ["data.customer"] });
  assert.equal(listed.data[0].customer.name, "Grace");
});
