"""The snippets that merchants copy are run, each in its language, on deliveries that our own code signed."""

import base64
import http.client
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from dispatcher.signing import SigningKeys, new_secret
from tests.processes import until
from tools.test_dependencies import GO, JAVA, NODE, OPENSSL, Program

DOCS = Path(__file__).resolve().parents[1] / "docs"
SNIPPET = re.compile(r"(?s)<!-- snippet: ([\w ]+) -->\n```\w+\n(.*?)```")

# What a harness reads, one case a line, each field in base64: the secret, the body, the four headers.
HEADERS = ("webhook-id", "webhook-timestamp", "webhook-signature", "stripe-signature")

PYTHON = """
import base64, sys
for line in sys.stdin:
    secret, body, *values = [base64.b64decode(field) for field in line.rstrip("\\n").split("\\t")]
    headers = {name: value.decode() for name, value in zip(%r, values, strict=True) if value}
    try:
        verify(body, headers, secret.decode())
        print("genuine")
    except (ValueError, *REFUSALS):
        print("refused")
"""

JAVASCRIPT = """
for (const line of require("node:fs").readFileSync(0, "utf8").trimEnd().split("\\n")) {
  const [secret, body, ...values] = line.split("\\t").map((field) => Buffer.from(field, "base64"));
  const names = %s;
  const headers = Object.fromEntries(names.map((name, i) => [name, values[i].toString()]).filter(([, v]) => v));
  try {
    verify(body, headers, secret.toString());
    console.log("genuine");
  } catch (error) {
    console.log("refused");
  }
}
"""

GO_MAIN = """package main

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"os"
	"strings"
)

func main() {
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var fields [][]byte
		for _, field := range strings.Split(lines.Text(), "\\t") {
			value, _ := base64.StdEncoding.DecodeString(field)
			fields = append(fields, value)
		}
		header := func(name string) string {
			for i, known := range strings.Fields("%s") {
				if known == name {
					return string(fields[2+i])
				}
			}
			return ""
		}
		if Verify(fields[1], header, string(fields[0])) == nil {
			fmt.Println("genuine")
		} else {
			fmt.Println("refused")
		}
	}
}
"""

JAVA_MAIN = """
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Scanner;

final class Main {
    public static void main(String[] arguments) {
        List<String> names = List.of("%s".split(" "));
        Scanner lines = new Scanner(System.in);
        while (lines.hasNextLine()) {
            byte[][] fields = Arrays.stream(lines.nextLine().split("\\t", -1))
                .map(Base64.getDecoder()::decode).toArray(byte[][]::new);
            try {
                Webhook.verify(fields[1], name -> {
                    String value = new String(fields[2 + names.indexOf(name)]);
                    return value.isEmpty() ? null : value;
                }, new String(fields[0]));
                System.out.println("genuine");
            } catch (Exception error) {
                System.out.println("refused");
            }
        }
    }
}
"""


def snippets(page: str) -> dict[str, str]:
    return dict(SNIPPET.findall((DOCS / page).read_text()))


@dataclass(frozen=True, slots=True)
class Case:
    """A request as it arrives, and what is to be said of it."""

    name: str
    secret: str
    body: bytes
    headers: dict[str, str]
    genuine: bool

    def line(self) -> str:
        texts = [self.secret, *(self.headers.get(name, "") for name in HEADERS)]
        secret, *values = [base64.b64encode(text.encode()).decode() for text in texts]
        return "\t".join([secret, base64.b64encode(self.body).decode(), *values])


def cases() -> list[Case]:
    current, previous, stranger = new_secret(), new_secret(), new_secret()
    body = '{"id":"evt_1","data":{"object":{"name":"Zoë 🧾","amount":2000}}}'.encode()

    def signed(*secrets: str, at: float = 0.0) -> dict[str, str]:
        made = SigningKeys(*secrets).headers(message_id="evt_1", timestamp=int(time.time() + at), body=body)
        return {name.lower(): value for name, value in made.items()}

    good = Case("as sent", current, body, signed(current), genuine=True)
    bad = replace(good, genuine=False)
    return [
        good,
        replace(good, name="during a roll, with the new secret", headers=signed(current, previous)),
        replace(good, name="during a roll, with the old secret", headers=signed(previous, current)),
        replace(bad, name="another endpoint's secret", secret=stranger),
        replace(bad, name="one byte changed", body=body.replace(b"2000", b"2001")),
        replace(bad, name="parsed and written again", body=body.replace(b",", b", ")),
        replace(bad, name="ten minutes old", headers=signed(current, at=-600)),
        replace(bad, name="an old one under a new moment", headers=refreshed(signed(current, at=-600))),
        replace(bad, name="no headers", headers={}),
        replace(bad, name="a signature that is none", headers=spoiled(good.headers)),
    ]


def refreshed(headers: dict[str, str]) -> dict[str, str]:
    old, now = headers["webhook-timestamp"], str(int(time.time()))
    return {name: value.replace(old, now) for name, value in headers.items()}


def spoiled(headers: dict[str, str]) -> dict[str, str]:
    return headers | {
        "webhook-signature": "v1,☃ v1 v2,abc",
        "stripe-signature": f"t={headers['webhook-timestamp']},v1=☃,v1",
    }


def run(command: list[str], directory: Path, given: str) -> list[str]:
    done = subprocess.run(
        command, cwd=directory, input=given, capture_output=True, text=True, check=False, encoding="utf-8"
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def python(snippet: str, directory: Path, given: str, *, refusals: str) -> list[str]:
    program = directory / "verify.py"
    program.write_text(f"{snippet}\nREFUSALS = ({refusals})\n{PYTHON % (HEADERS,)}", encoding="utf-8")
    return run([sys.executable, "-W", "error", str(program)], directory, given)


def node(snippet: str, directory: Path, given: str) -> list[str]:
    program = directory / "verify.js"
    program.write_text(snippet + JAVASCRIPT % list(HEADERS), encoding="utf-8")
    return run(["node", str(program)], directory, given)


def go(snippet: str, directory: Path, given: str) -> list[str]:
    (directory / "go.mod").write_text("module webhook\n\ngo 1.19\n")
    (directory / "webhook.go").write_text(snippet, encoding="utf-8")
    (directory / "main.go").write_text(GO_MAIN % " ".join(HEADERS))
    return run(["env", "GOTOOLCHAIN=local", "GOFLAGS=-mod=mod", "go", "run", "."], directory, given)


def java(snippet: str, directory: Path, given: str) -> list[str]:
    (directory / "Webhook.java").write_text(snippet, encoding="utf-8")
    (directory / "Main.java").write_text(JAVA_MAIN % " ".join(HEADERS))
    run(["javac", "-encoding", "UTF-8", "-Werror", "Main.java", "Webhook.java"], directory, "")
    return run(["java", "-cp", ".", "Main"], directory, given)


def standard_library(snippet: str, directory: Path, given: str) -> list[str]:
    return python(snippet, directory, given, refusals="")


def stripe_package(snippet: str, directory: Path, given: str) -> list[str]:
    return python(snippet, directory, given, refusals="stripe.SignatureVerificationError,")


def standardwebhooks_package(snippet: str, directory: Path, given: str) -> list[str]:
    imported = "__import__('standardwebhooks').WebhookVerificationError,"
    return python(snippet, directory, given, refusals=imported)


Runner = Callable[[str, Path, str], list[str]]
RUNNERS: dict[str, tuple[Runner, Program | None]] = {
    "python stripe": (stripe_package, None),
    "python standardwebhooks": (standardwebhooks_package, None),
    "python stdlib": (standard_library, None),
    "node standard": (node, NODE),
    "node stripe": (node, NODE),
    "go standard": (go, GO),
    "java standard": (java, JAVA),
}
OF_OPENSSL = {"openssl standard", "openssl stripe"}


def require(program: Program | None) -> None:
    if program is not None and program.is_missing:
        pytest.skip(f"enable with: {program.install}")


def test_every_snippet_is_run() -> None:
    assert set(snippets("how-to/verify-signatures.md")) == set(RUNNERS) | OF_OPENSSL


@pytest.mark.parametrize("name", RUNNERS)
def test_a_snippet_accepts_what_we_sign_and_nothing_else(name: str, tmp_path: Path) -> None:
    runner, program = RUNNERS[name]
    require(program)
    tried = cases()
    given = "".join(f"{case.line()}\n" for case in tried)
    said = runner(snippets("how-to/verify-signatures.md")[name], tmp_path, given)
    verdicts = {case.name: word for case, word in zip(tried, said, strict=True)}
    assert verdicts == {case.name: "genuine" if case.genuine else "refused" for case in tried}


@pytest.mark.parametrize(
    ("name", "header", "prefix"),
    [("openssl standard", "webhook-signature", "v1,"), ("openssl stripe", "stripe-signature", "v1=")],
)
def test_openssl_makes_the_same_signature(name: str, header: str, prefix: str, tmp_path: Path) -> None:
    require(OPENSSL)
    case = cases()[0]
    (tmp_path / "body.json").write_bytes(case.body)
    given = {
        "SECRET": case.secret,
        "WEBHOOK_ID": case.headers["webhook-id"],
        "WEBHOOK_TIMESTAMP": case.headers["webhook-timestamp"],
    }
    done = subprocess.run(
        [
            shutil.which("bash") or "bash",
            "-euo",
            "pipefail",
            "-c",
            snippets("how-to/verify-signatures.md")[name],
        ],
        cwd=tmp_path,
        env=os.environ | given,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.strip() == case.headers[header].rpartition(prefix)[2], done.stderr


def test_the_tutorials_receiver_verifies_and_deduplicates(tmp_path: Path) -> None:
    """On a port of its own; everything else is as the page has it."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    source = snippets("tutorial.md")["tutorial receiver"]
    assert source.count("4300") == 1
    program = tmp_path / "receiver.py"
    program.write_text(source.replace("4300", str(port)), encoding="utf-8")
    case = replace(cases()[0], body=b'{"id":"evt_1","type":"endpoint.test","data":{"object":{"id":"we_1"}}}')
    signed = SigningKeys(case.secret).headers(message_id="evt_1", timestamp=int(time.time()), body=case.body)
    receiver = subprocess.Popen(
        [sys.executable, str(program)],
        env=os.environ | {"WEBHOOK_SECRET": case.secret},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        until(lambda: answers(port), what="the receiver's port")
        assert post(port, case.body, signed) == 204
        assert post(port, case.body, signed) == 204
        assert post(port, case.body.replace(b"we_1", b"we_2"), signed) == 400
    finally:
        receiver.terminate()
        said, _ = receiver.communicate(timeout=60)
    first, second = said.splitlines()
    assert first == "verified: endpoint.test we_1"
    assert second.startswith("refused: ")


def answers(port: int) -> bool:
    with socket.socket() as tried:
        return tried.connect_ex(("127.0.0.1", port)) == 0


def post(port: int, body: bytes, headers: dict[str, str]) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("POST", "/webhooks", body, headers)
        return connection.getresponse().status
    finally:
        connection.close()
