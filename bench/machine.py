"""What was measured on what: so that a figure can be read a year later."""

import importlib.metadata
import os
import platform
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pycurl

from bench import nginx
from bench.processes import ROOT
from tools.private_postgres import find_binaries


def circumstances() -> dict[str, Any]:
    """Machine, versions, commit, date and command of this run."""
    return {
        "command": " ".join(["python -m bench", *sys.argv[1:]]),
        "date": datetime.now(tz=UTC).isoformat(timespec="seconds"),
        "commit": _commit(),
        "machine": {
            "processor": _first(r"model name\s*: (.+)", "/proc/cpuinfo"),
            "cores": os.cpu_count(),
            "memory_gib": round(int(_first(r"MemTotal:\s*(\d+)", "/proc/meminfo") or 0) / 2**20, 1),
            "kernel": platform.release(),
            "system": _first(r'PRETTY_NAME="(.+)"', "/etc/os-release"),
            "load_before": round(os.getloadavg()[0], 2),
        },
        "versions": {
            "python": platform.python_version(),
            "postgresql": find_binaries().version,
            "nginx": _nginx_version(),
            "libcurl": pycurl.version_info()[1],
            **{
                name: importlib.metadata.version(name)
                for name in ("django", "psycopg2-binary", "pycurl", "granian", "dramatiq")
            },
        },
    }


def _commit() -> str:
    commit = _output("git", "rev-parse", "--short", "HEAD")
    return f"{commit} with changes" if commit and _output("git", "status", "--porcelain", "-uno") else commit


def _nginx_version() -> str:
    program = nginx.find()
    return _output(program, "-v").rpartition("/")[2] if program else ""


def _output(*command: str) -> str:
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return (done.stdout or done.stderr).strip() if done.returncode == 0 else ""


def _first(pattern: str, path: str) -> str:
    try:
        found = re.search(pattern, Path(path).read_text())
    except OSError:
        return ""
    return found[1].strip() if found else ""
