"use strict";
const assert = require("node:assert/strict");
const { Stripe, check, client, errorOf, given } = require("./checks.js");

const { errors } = Stripe;
const INTENT = { amount: 2000, currency: "usd" };

check("every class of the package is raised by a check or is of another api", ["InvalidRequestError"], async () => {
  const elsewhere = [
    "StripeError", // the base
    // Of Connect's OAuth.
    "StripeOAuthError", "StripeInvalidGrantError", "StripeInvalidClientError", "StripeOAuthInvalidRequestError",
    "StripeInvalidScopeError", "StripeUnsupportedGrantTypeError", "StripeUnsupportedResponseTypeError",
    // Of /v2, chosen by its error types.
    "AlreadyCanceledError", "BlockedByStripeError", "CannotProceedError", "CapabilityNotEnabledError",
    "ControlledByAlternateResourceError", "FeatureNotEnabledError", "FinancialAccountNotOpenError",
    "FxQuoteNeedsRefreshError", "InsufficientFundsError", "InvalidPaymentMethodError", "InvalidPayoutMethodError",
    "InvalidVaultedCredentialError", "NotCancelableError", "QuotaExceededError", "RateLimitError",
    "RecipientNotNotifiableError", "TemporarySessionExpiredError", "VerificationAttemptFailedError",
    "VerificationExpiredError", "VerificationNotInitiatedError",
  ];
  const raised = [
    "StripeAPIError", "StripeAuthenticationError", "StripeCardError", "StripeConnectionError",
    "StripeIdempotencyError", "StripeInvalidRequestError", "StripePermissionError", "StripeRateLimitError",
    "StripeSignatureVerificationError",
  ];
  const classes = Object.keys(errors).filter((name) => errors[name].prototype instanceof Error);
  assert.deepEqual(classes.filter((name) => !elsewhere.includes(name)).sort(), raised);
});

check("an unknown id is an invalid request", ["InvalidRequestError", "customers.retrieve"], async (stripe) => {
  const error = await errorOf(stripe.customers.retrieve("cus_nobody"));
  assert.ok(error instanceof errors.StripeInvalidRequestError);
  assert.equal(error.statusCode, 404);
  assert.equal(error.code, "resource_missing");
  assert.equal(error.message, "No such customer: 'cus_nobody'");
  assert.match(error.requestId, /^req_/);
});

check("an unknown parameter is an invalid request", ["InvalidRequestError", "customers.create"], async (stripe) => {
  const error = await errorOf(stripe.customers.create({ colour: "red" }));
  assert.ok(error instanceof errors.StripeInvalidRequestError);
  assert.equal(error.param, "colour");
  assert.equal(error.code, "parameter_unknown");
});

check("an unknown key is an authentication error", ["AuthenticationError"], async () => {
  const error = await errorOf(client(`sk_test_${"0".repeat(65)}`).customers.list());
  assert.ok(error instanceof errors.StripeAuthenticationError);
  assert.equal(error.statusCode, 401);
});

check("a declined card is a card error", ["CardError", "payment_intents.confirm"], async (stripe) => {
  const intent = await stripe.paymentIntents.create(INTENT);
  for (const [card, code, decline] of [
    ["chargeDeclined", "card_declined", "generic_decline"],
    ["chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"],
    ["chargeDeclinedExpiredCard", "expired_card", undefined],
    ["chargeDeclinedIncorrectCvc", "incorrect_cvc", undefined],
    ["chargeDeclinedProcessingError", "processing_error", undefined],
  ]) {
    const error = await errorOf(stripe.paymentIntents.confirm(intent.id, { payment_method: `pm_card_${card}` }));
    assert.ok(error instanceof errors.StripeCardError);
    assert.equal(error.statusCode, 402);
    assert.equal(error.code, code);
    if (decline !== undefined) assert.equal(error.decline_code, decline);
    assert.equal(error.payment_intent.status, "requires_payment_method");
  }
});

check("a key with other parameters is an idempotency error", ["IdempotencyError"], async (stripe) => {
  await stripe.customers.create({ name: "A" }, { idempotencyKey: "k" });
  const error = await errorOf(stripe.customers.create({ name: "B" }, { idempotencyKey: "k" }));
  assert.ok(error instanceof errors.StripeIdempotencyError);
  assert.equal(error.statusCode, 400);
});

check("a body over the limit is an api error", ["APIError"], async (stripe) => {
  const error = await errorOf(stripe.customers.create({ description: "x".repeat(70_000) }));
  assert.ok(error instanceof errors.StripeAPIError);
  assert.equal(error.statusCode, 413);
});

check("nobody at the address is a connection error", ["APIConnectionError"], async (stripe, key) => {
  const error = await errorOf(client(key, { port: given.closedPort }).customers.list());
  assert.ok(error instanceof errors.StripeConnectionError);
});

check("a webhook that we did not sign is a signature error", ["SignatureVerificationError"], async (stripe) => {
  assert.throws(
    () => stripe.webhooks.constructEvent("{}", "t=1,v1=00", "whsec_x"),
    errors.StripeSignatureVerificationError,
  );
});

check("a key without the scope is a permission error", ["PermissionError"], async () => {
  const restricted = client(given.restrictedKey);
  assert.deepEqual((await restricted.customers.list()).data, []);
  const error = await errorOf(restricted.paymentIntents.create(INTENT));
  assert.ok(error instanceof errors.StripePermissionError);
  assert.equal(error.statusCode, 403);
});

check("too many requests are a rate limit error", ["RateLimitError"], async (stripe, key) => {
  const limited = client(key, { port: given.limitedPort });
  const error = await errorOf((async () => {
    for (let i = 0; i < 100; i++) await limited.customers.list();
  })());
  assert.ok(error instanceof errors.StripeRateLimitError);
  assert.equal(error.statusCode, 429);
});
