"""The official Stripe CLI, pointed at us, away from the home directory."""

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.processes import PATIENCE
from tests.sdk.node_suite import INSTALL
from tests.sdk.server import Merchant
from tools.test_dependencies import NODE

_MODULES = Path(__file__).resolve().parents[1] / "node" / "node_modules"
BINARY = _MODULES / ".bin" / "stripe"


def what_the_cli_lacks() -> str | None:
    """Why it cannot be run here, with the command that changes it."""
    if NODE.is_missing:
        return f"enable with: {NODE.install} npm, then {INSTALL}"
    if not BINARY.exists():
        return f"the npm package @stripe/cli is not installed; enable with: {INSTALL}"
    return None


@dataclass(frozen=True, slots=True)
class StripeCli:
    """Runs one command at a time; each answer is the JSON that it prints."""

    merchant: Merchant
    home: Path

    def __call__(self, *arguments: str, data: Mapping[str, str] | None = None) -> dict[str, Any]:
        """`data` as the CLI takes it: names in form notation."""
        done = self._run(*arguments, data=data)
        assert done.returncode == 0, done.stdout + done.stderr
        # A deletion first tells what it is about to do.
        answer: dict[str, Any] = json.loads(done.stdout[done.stdout.index("{") :])
        assert "error" not in answer, answer
        return answer

    def error(self, *arguments: str, data: Mapping[str, str] | None = None) -> dict[str, Any]:
        """Of a command that is refused."""
        done = self._run(*arguments, data=data)
        text = done.stdout + done.stderr
        error: dict[str, Any] = json.loads(text[text.index("{") : text.rindex("}") + 1])["error"]
        return error

    def _run(self, *arguments: str, data: Mapping[str, str] | None) -> subprocess.CompletedProcess[str]:
        given = [argument for name, value in (data or {}).items() for argument in ("-d", f"{name}={value}")]
        return subprocess.run(
            [str(BINARY), *arguments, *given, "--api-base", self.merchant.url],
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(self.home),
                "XDG_CONFIG_HOME": str(self.home),
                "STRIPE_API_KEY": self.merchant.key,
                "STRIPE_CLI_TELEMETRY_OPTOUT": "true",
                "NO_COLOR": "1",
            },
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=PATIENCE,
            check=False,
        )
