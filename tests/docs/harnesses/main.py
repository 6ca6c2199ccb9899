"""Reads a case a line, its fields in base64 with tabs between; says of each whether `verify` takes it."""

import base64
import importlib
import sys

NAMES = sys.argv[1].split()
refusals: list[type[Exception]] = [ValueError]
for dotted in sys.argv[2:]:
    module, _, name = dotted.rpartition(".")
    refusals.append(getattr(importlib.import_module(module), name))
snippet = importlib.import_module("snippet")

for line in sys.stdin:
    secret, body, now, *values = [base64.b64decode(field) for field in line.rstrip("\n").split("\t")]
    headers = {name: value.decode() for name, value in zip(NAMES, values, strict=True) if value}
    moment = {"now": float(now)} if now else {}
    try:
        snippet.verify(body, headers, secret.decode(), **moment)
        print("genuine")
    except tuple(refusals):
        print("refused")
