"""The tutorial's script runs against us as it stands: nothing but the base URL differs from Stripe's test mode."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.processes import PATIENCE
from tests.sdk.server import Merchant, Server

SCRIPT = Path(__file__).resolve().parents[2] / "docs" / "examples" / "stripe_test_mode" / "payments.py"
PAGE = Path(__file__).resolve().parents[2] / "docs" / "tutorial-stripe.md"


@pytest.mark.verifies(
    "payment_intents.create", "charges.retrieve", "refunds.create", "pages forward", "CardError"
)
def test_the_tutorials_script_runs_unmodified(server: Server, merchant: Merchant) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    dispatcher = server.product.start_dispatcher()
    done = subprocess.run(
        [sys.executable, "-W", "error", str(SCRIPT)],
        env={
            "PATH": os.environ["PATH"],
            "STRIPE_API_KEY": merchant.key,
            "STRIPE_API_BASE": server.url,
            "WEBHOOK_PORT": str(port),
        },
        capture_output=True,
        text=True,
        timeout=2 * PATIENCE,
        check=False,
    )
    server.product.stop(dispatcher)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() in PAGE.read_text(encoding="utf-8")
    assert len(done.stdout.splitlines()) == 6


def test_the_script_knows_nothing_of_this_server() -> None:
    """The one thing that leads here is the variable that the page tells of."""
    text = SCRIPT.read_text(encoding="utf-8")
    assert "import stripe\n" in text
    assert text.count("STRIPE_API_BASE") == 2
    assert not {"ministripe", "tests", "tools", "core", "outbox", "dispatcher"} & set(text.split())
