"""The snippets that merchants copy are run, each in its language, on shared vectors and on deliveries of now."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from dispatcher.signing import new_secret
from tests.docs.vectors import PATH, Vector, text, vectors
from tools.test_dependencies import GO, JAVA, NODE, OPENSSL, PHP, RUBY, Program

HARNESSES = Path(__file__).with_name("harnesses")
SNIPPETS = PATH.parent
HEADERS = ("webhook-id", "webhook-timestamp", "webhook-signature", "stripe-signature")


def run(command: list[str], directory: Path, given: str = "") -> list[str]:
    done = subprocess.run(
        command, cwd=directory, input=given, capture_output=True, text=True, check=False, encoding="utf-8"
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def python(source: str, directory: Path, given: str, *refusals: str) -> list[str]:
    (directory / "snippet.py").write_text(source, encoding="utf-8")
    shutil.copy(HARNESSES / "main.py", directory)
    return run([sys.executable, "-W", "error", "main.py", " ".join(HEADERS), *refusals], directory, given)


def with_stripe(source: str, directory: Path, given: str) -> list[str]:
    return python(source, directory, given, "stripe.SignatureVerificationError")


def with_standardwebhooks(source: str, directory: Path, given: str) -> list[str]:
    return python(source, directory, given, "standardwebhooks.WebhookVerificationError")


def node(source: str, directory: Path, given: str) -> list[str]:
    (directory / "main.js").write_text(source + (HARNESSES / "main.js").read_text(), encoding="utf-8")
    return run(["node", "main.js", " ".join(HEADERS)], directory, given)


def go(source: str, directory: Path, given: str) -> list[str]:
    (directory / "go.mod").write_text("module webhook\n\ngo 1.19\n")
    (directory / "webhook.go").write_text(source, encoding="utf-8")
    shutil.copy(HARNESSES / "main.go", directory)
    command = ["env", "GOTOOLCHAIN=local", "GOFLAGS=-mod=mod", "go", "run", ".", " ".join(HEADERS)]
    return run(command, directory, given)


def java(source: str, directory: Path, given: str) -> list[str]:
    (directory / "Webhook.java").write_text(source, encoding="utf-8")
    shutil.copy(HARNESSES / "Main.java", directory)
    run(["javac", "-encoding", "UTF-8", "-Werror", "Main.java", "Webhook.java"], directory)
    return run(["java", "-cp", ".", "Main", " ".join(HEADERS)], directory, given)


def ruby(source: str, directory: Path, given: str) -> list[str]:
    (directory / "snippet.rb").write_text(source, encoding="utf-8")
    shutil.copy(HARNESSES / "main.rb", directory)
    return run(["ruby", "-w", "main.rb", " ".join(HEADERS)], directory, given)


def php(source: str, directory: Path, given: str) -> list[str]:
    (directory / "snippet.php").write_text(source, encoding="utf-8")
    shutil.copy(HARNESSES / "main.php", directory)
    return run(["php", "-d", "error_reporting=-1", "main.php", " ".join(HEADERS)], directory, given)


@dataclass(frozen=True, slots=True)
class Language:
    run: Callable[[str, Path, str], list[str]]
    program: Program | None = None
    takes_a_moment: bool = True  # False: a package that reads the clock by itself
    accepts: str | None = None  # what its package takes although the rules of the page do not


LANGUAGES = {
    "verify.py": Language(python),
    "with_stripe.py": Language(with_stripe, takes_a_moment=False, accepts="ten minutes ahead"),
    "with_standardwebhooks.py": Language(with_standardwebhooks, takes_a_moment=False),
    "verify.js": Language(node, NODE),
    "verify_stripe.js": Language(node, NODE),
    "verify.go": Language(go, GO),
    "Webhook.java": Language(java, JAVA),
    "verify.rb": Language(ruby, RUBY),
    "verify.php": Language(php, PHP),
}
OF_OPENSSL = {"standard.sh": "webhook-signature", "stripe.sh": "stripe-signature"}
NOT_RUN = {"Webhook.cs": "no runtime of .NET comes with Debian"}


def require(program: Program | None) -> None:
    if program is not None and program.is_missing:
        pytest.skip(f"enable with: {program.install}")


def just_now() -> list[Vector]:
    current, previous, stranger = new_secret(), new_secret(), new_secret()
    return vectors(current=current, previous=previous, stranger=stranger, moment=int(time.time()), now=None)


def test_the_vectors_are_what_we_sign() -> None:
    assert PATH.read_text(encoding="utf-8") == text()
    assert [Vector(**one) for one in json.loads(text())] == vectors()


def test_every_file_is_run_and_shown() -> None:
    files = {path.name for path in SNIPPETS.iterdir()} - {"vectors.json"}
    assert files == set(LANGUAGES) | set(OF_OPENSSL) | set(NOT_RUN)
    page = (SNIPPETS.parents[1] / "how-to" / "verify-signatures.md").read_text(encoding="utf-8")
    for name in files:
        assert f"<!-- file: docs/examples/verify/{name} -->" in page


@pytest.mark.parametrize("name", LANGUAGES)
def test_a_snippet_accepts_what_we_sign_and_nothing_else(name: str, tmp_path: Path) -> None:
    language = LANGUAGES[name]
    require(language.program)
    tried = just_now() + (vectors() if language.takes_a_moment else [])
    given = "".join(f"{vector.line(HEADERS)}\n" for vector in tried)
    said = language.run((SNIPPETS / name).read_text(encoding="utf-8"), tmp_path, given)
    told = [(vector.name, word) for vector, word in zip(tried, said, strict=True)]
    assert told == [
        (vector.name, "genuine" if vector.genuine or vector.name == language.accepts else "refused")
        for vector in tried
    ]


@pytest.mark.parametrize("name", NOT_RUN)
def test_a_snippet_without_its_runtime(name: str) -> None:
    pytest.skip(f"{name}: {NOT_RUN[name]}")


@pytest.mark.parametrize("name", OF_OPENSSL)
@pytest.mark.parametrize("vector", [one for one in vectors() if one.genuine], ids=lambda one: one.name)
def test_openssl_makes_one_of_the_signatures(name: str, vector: Vector, tmp_path: Path) -> None:
    require(OPENSSL)
    (tmp_path / "body.json").write_bytes(vector.body.encode())
    given = {
        "SECRET": vector.secret,
        "WEBHOOK_ID": vector.headers["webhook-id"],
        "WEBHOOK_TIMESTAMP": vector.headers["webhook-timestamp"],
    }
    done = subprocess.run(
        [shutil.which("bash") or "bash", "-euo", "pipefail", str(SNIPPETS / name)],
        cwd=tmp_path,
        env=os.environ | given,
        capture_output=True,
        text=True,
        check=False,
    )
    signatures = re.findall(r"v1[,=]([^\s,]+)", vector.headers[OF_OPENSSL[name]])
    assert done.stdout.strip() in signatures, done.stderr
