"use strict";
const assert = require("node:assert/strict");
const { check, errorOf } = require("./checks.js");

function pay(stripe, more = {}) {
  return stripe.paymentIntents.create({
    amount: 2000,
    currency: "usd",
    payment_method_types: ["card"],
    confirm: true,
    payment_method: "pm_card_visa",
    ...more,
  });
}

check("a charge is retrieved and listed", ["charges.retrieve", "charges.list"], async (stripe) => {
  const customer = await stripe.customers.create({});
  const intent = await pay(stripe, { customer: customer.id });
  await pay(stripe);
  const charge = await stripe.charges.retrieve(intent.latest_charge);
  assert.equal(charge.amount_captured, 2000);
  assert.equal(charge.payment_method_details.card.brand, "visa");
  assert.equal((await stripe.charges.list()).data.length, 2);
  const found = await stripe.charges.list({ customer: customer.id });
  assert.deepEqual(found.data.map((one) => one.id), [charge.id]);
});

check("a charge takes metadata", ["charges.update"], async (stripe) => {
  const intent = await pay(stripe);
  const changed = await stripe.charges.update(intent.latest_charge, { metadata: { order: "7" } });
  assert.deepEqual(changed.metadata, { order: "7" });
});

check("a refused payment leaves a failed charge", ["charges.list", "CardError"], async (stripe) => {
  await errorOf(pay(stripe, { payment_method: "pm_card_chargeDeclinedInsufficientFunds" }));
  const { data: [charge] } = await stripe.charges.list();
  assert.equal(charge.status, "failed");
  assert.equal(charge.failure_code, "card_declined");
});

check("a payment is refunded in parts and never more than it was",
  ["refunds.create", "refunds.retrieve", "refunds.list"],
  async (stripe) => {
    const intent = await pay(stripe);
    const part = await stripe.refunds.create({ payment_intent: intent.id, amount: 500 });
    assert.equal(part.status, "succeeded");
    const rest = await stripe.refunds.create({ charge: intent.latest_charge });
    assert.equal(rest.amount, 1500);
    const error = await errorOf(stripe.refunds.create({ charge: intent.latest_charge }));
    assert.equal(error.code, "charge_already_refunded");
    assert.deepEqual(await stripe.refunds.retrieve(part.id), part);
    assert.deepEqual((await stripe.refunds.list()).data.map((one) => one.id), [rest.id, part.id]);
  });

check("a refund takes metadata", ["refunds.update"], async (stripe) => {
  const intent = await pay(stripe);
  const refund = await stripe.refunds.create({ payment_intent: intent.id });
  const changed = await stripe.refunds.update(refund.id, { metadata: { ticket: "12" } });
  assert.deepEqual(changed.metadata, { ticket: "12" });
});

check("a refund that is done cannot be canceled", ["refunds.cancel"], async (stripe) => {
  const intent = await pay(stripe);
  const refund = await stripe.refunds.create({ payment_intent: intent.id });
  assert.equal((await errorOf(stripe.refunds.cancel(refund.id))).statusCode, 400);
});

check("the balance is the sum of its transactions",
  ["balance.retrieve", "balance_transactions.retrieve", "balance_transactions.list"],
  async (stripe) => {
    const intent = await pay(stripe);
    await stripe.refunds.create({ payment_intent: intent.id, amount: 500 });
    const { data } = await stripe.balanceTransactions.list();
    assert.deepEqual(data.map((one) => one.type), ["refund", "charge"]);
    assert.deepEqual(await stripe.balanceTransactions.retrieve(data[1].id), data[1]);
    const balance = await stripe.balance.retrieve();
    const funds = [...balance.available, ...balance.pending].filter((one) => one.currency === "usd");
    const sum = (amounts) => amounts.reduce((total, amount) => total + amount, 0);
    assert.equal(sum(funds.map((one) => one.amount)), sum(data.map((one) => one.net)));
  });

check("an account reads itself", ["accounts.retrieve_current", "accounts.retrieve"], async (stripe) => {
  const own = await stripe.accounts.retrieveCurrent();
  assert.match(own.id, /^acct_/);
  assert.equal((await stripe.accounts.retrieve(own.id)).id, own.id);
});
