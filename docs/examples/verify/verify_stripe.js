const { createHmac, timingSafeEqual } = require("node:crypto");

function verify(body, headers, secret, now = Date.now() / 1000) {
  const pairs = (headers["stripe-signature"] ?? "").split(",").map((pair) => pair.split("="));
  const timestamp = pairs.find(([name]) => name === "t")?.[1];
  if (!(Math.abs(now - Number(timestamp)) <= 300)) {
    throw new Error("the timestamp is too far from now");
  }
  const expected = createHmac("sha256", secret).update(`${timestamp}.`).update(body).digest();
  const given = pairs.filter(([name]) => name === "v1").map(([, value]) => Buffer.from(value ?? "", "hex"));
  if (!given.some((one) => one.length === expected.length && timingSafeEqual(one, expected))) {
    throw new Error("no signature matches");
  }
  return JSON.parse(body);
}
