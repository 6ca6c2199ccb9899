for (const line of require("node:fs").readFileSync(0, "utf8").replace(/\n$/, "").split("\n")) {
  const [secret, body, now, ...values] = line.split("\t").map((field) => Buffer.from(field, "base64"));
  const names = process.argv[2].split(" ");
  const headers = Object.fromEntries(names.map((name, i) => [name, values[i].toString()]).filter(([, v]) => v));
  try {
    verify(body, headers, secret.toString(), ...(now.length ? [Number(now)] : []));
    console.log("genuine");
  } catch (error) {
    console.log("refused");
  }
}
