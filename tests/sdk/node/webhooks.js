"use strict";
const assert = require("node:assert/strict");
const { Webhook } = require("standardwebhooks");
const { Stripe, check, given } = require("./checks.js");

// What a dispatcher delivered while the endpoint's secret was rolled.
const body = Buffer.from(given.body ?? "", "base64");
const changed = Buffer.from(body.toString("utf8").replace("6735", "6736"));

function genuine(stripe, secret) {
  const event = stripe.webhooks.constructEvent(body, given.headers["stripe-signature"], secret);
  assert.equal(event.type, given.eventType);
  assert.equal(event.data.object.name, "Zoë 🧾");
  return event;
}

function refused(stripe, bytes, secret) {
  assert.throws(
    () => stripe.webhooks.constructEvent(bytes, given.headers["stripe-signature"], secret),
    Stripe.errors.StripeSignatureVerificationError,
  );
  assert.throws(() => new Webhook(secret).verify(bytes, given.headers), { name: "WebhookVerificationError" });
}

check("a delivery during a roll is genuine by the old secret", ["old secret during a roll"], async (stripe) => {
  genuine(stripe, given.oldSecret);
});

check("a delivery during a roll is genuine by the new secret", ["new secret during a roll"], async (stripe) => {
  genuine(stripe, given.newSecret);
});

check("the other scheme verifies it by both secrets", ["standardwebhooks"], async (stripe) => {
  for (const secret of [given.oldSecret, given.newSecret]) {
    const verified = new Webhook(secret).verify(body, given.headers);
    assert.equal(verified.id, genuine(stripe, secret).id);
  }
});

check("another secret or another byte is refused", ["SignatureVerificationError", "standardwebhooks"], async (stripe) => {
  refused(stripe, body, given.stranger);
  refused(stripe, changed, given.oldSecret);
  refused(stripe, changed, given.newSecret);
});
