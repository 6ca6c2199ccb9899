"""The official Stripe CLI as a process, unmodified, away from the home directory and from Stripe."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.processes import PATIENCE, Command
from tools.test_dependencies import NODE_PACKAGES

# Its package brings one binary for each platform, and a launcher that keeps signals to itself.
_BINARY = next(NODE_PACKAGES.path("@stripe").glob("cli-*/bin/stripe"), None)

needs_stripe_cli = pytest.mark.skipif(
    _BINARY is None, reason=f"the Stripe CLI is missing; enable with: {NODE_PACKAGES.install}"
)


class StripeCli:
    """One machine of a developer.

    Args:
        home: a directory of its own, for its configuration.
    """

    def __init__(self, *, api_port: int, api_key: str, home: Path) -> None:
        self._base = ["--api-base", f"http://127.0.0.1:{api_port}"]
        self._environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "XDG_CONFIG_HOME": str(home),
            "STRIPE_API_KEY": api_key,
            "STRIPE_CLI_TELEMETRY_OPTOUT": "1",
            "NO_COLOR": "1",
            "NO_PROXY": "127.0.0.1",
        }

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """A command from beginning to end."""
        return subprocess.run(
            self._program(arguments),
            env=self._environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
        )

    def answer(self, *arguments: str) -> dict[str, Any]:
        """The object that a command prints."""
        done = self.run(*arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        printed: dict[str, Any] = json.loads(done.stdout)
        return printed

    def start(self, *arguments: str) -> Command:
        """One that goes on until it is ended."""
        return Command(program=self._program(arguments), whole_environment=self._environment)

    def _program(self, arguments: tuple[str, ...]) -> list[str]:
        return [str(_BINARY), *arguments, *self._base]
