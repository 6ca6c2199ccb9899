// The harness of the files beside it: each declares its checks, this runs those that are asked for.
//
// stdin: {port, keys: {name of a check: its API key}, …}. stdout: a line of JSON for each check,
// {name, error}, where error is null or the text of what went wrong.
"use strict";

const { readFileSync, writeSync } = require("node:fs");
const Stripe = require("stripe");

const given = JSON.parse(readFileSync(0, "utf8"));
const declared = [];

// `verifies` is read from the file's text (tests/sdk/node_suite.py): calls and classes of the contract.
function check(name, verifies, run) {
  declared.push({ name, run });
}

function client(key, { port = given.port, retries = 0 } = {}) {
  return new Stripe(key, {
    host: "127.0.0.1",
    port,
    protocol: "http",
    maxNetworkRetries: retries,
    telemetry: false,
  });
}

async function errorOf(promise) {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error("nothing was thrown");
}

async function run() {
  for (const { name, run } of declared) {
    const key = given.keys[name];
    if (key === undefined) continue;
    let error = null;
    try {
      await run(client(key), key);
    } catch (thrown) {
      error = thrown.stack ?? String(thrown);
    }
    writeSync(1, JSON.stringify({ name, error }) + "\n");
  }
}

setImmediate(run);

module.exports = { Stripe, check, client, errorOf, given };
