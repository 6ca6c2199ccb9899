"use strict";
const assert = require("node:assert/strict");
const { check, client, given } = require("./checks.js");

async function five(stripe) {
  const ids = [];
  for (let number = 0; number < 5; number++) {
    ids.unshift((await stripe.customers.create({ name: String(number) })).id);
  }
  return ids; // newest first
}

async function idsOf(list) {
  const ids = [];
  for await (const one of list) ids.push(one.id);
  return ids;
}

check("a list pages forward by itself", ["pages forward", "customers.list"], async (stripe) => {
  const ids = await five(stripe);
  assert.deepEqual(await idsOf(stripe.customers.list({ limit: 2 })), ids);
});

check("a list pages backward by itself", ["pages backward", "customers.list"], async (stripe) => {
  const ids = await five(stripe);
  const first = await stripe.customers.list({ limit: 2, ending_before: ids[4] });
  assert.deepEqual(first.data.map((one) => one.id), ids.slice(2, 4));
  assert.deepEqual(await idsOf(stripe.customers.list({ limit: 2, ending_before: ids[4] })), ids.slice(0, 4).reverse());
});

check("a search pages by itself", ["pages forward", "customers.search"], async (stripe) => {
  const ids = await five(stripe);
  const found = await idsOf(stripe.customers.search({ query: "created>0", limit: 2 }));
  assert.deepEqual(found.sort(), ids.sort());
});

check("a lost answer is asked for again and makes one object",
  ["retry after a lost answer", "customers.create"],
  async (stripe, key) => {
    const made = await client(key, { port: given.losingPort, retries: 2 }).customers.create({ name: "Grace" });
    assert.equal(made.lastResponse.headers["idempotent-replayed"], "true");
    assert.deepEqual((await stripe.customers.list()).data.map((one) => one.id), [made.id]);
  });

check("a payment whose answers are lost is taken once",
  ["retry after a lost answer", "payment_intents.confirm"],
  async (stripe, key) => {
    const flaky = client(key, { port: given.losingPort, retries: 2 });
    const intent = await flaky.paymentIntents.create({ amount: 2000, currency: "usd" });
    const paid = await flaky.paymentIntents.confirm(intent.id, { payment_method: "pm_card_visa" });
    assert.equal(paid.status, "succeeded");
    assert.equal(paid.amount_received, 2000);
    assert.deepEqual((await stripe.paymentIntents.list()).data.map((one) => one.id), [intent.id]);
    assert.equal((await stripe.events.list({ type: "payment_intent.succeeded" })).data.length, 1);
  });
