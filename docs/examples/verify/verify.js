const { createHmac, timingSafeEqual } = require("node:crypto");

function verify(body, headers, secret, now = Date.now() / 1000) {
  const timestamp = headers["webhook-timestamp"];
  if (!(Math.abs(now - Number(timestamp)) <= 300)) {
    throw new Error("the timestamp is too far from now");
  }
  const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
  const expected = createHmac("sha256", key).update(`${headers["webhook-id"]}.${timestamp}.`).update(body).digest();
  const given = (headers["webhook-signature"] ?? "").split(" ").filter((one) => one.startsWith("v1,"));
  const matches = (one) => one.length === expected.length && timingSafeEqual(one, expected);
  if (!given.some((one) => matches(Buffer.from(one.slice(3), "base64")))) {
    throw new Error("no signature matches");
  }
  return JSON.parse(body);
}
