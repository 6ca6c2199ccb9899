"""The official Stripe CLI's resource commands, whose answers are JSON."""

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.cli import official


@dataclass(frozen=True, slots=True)
class StripeCli:
    """Runs one command at a time; each answer is the JSON that it prints."""

    program: official.StripeCli

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
        return self.program.run(*arguments, *given)
