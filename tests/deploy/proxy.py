"""nginx before the API, by the configuration that the documentation gives."""

import os
import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.dispatcher.certificates import Authority
from tests.processes import ROOT, Command, until
from tools.demo.ports import reserved_port
from tools.test_dependencies import NGINX

CONFIGURATION = ROOT / "docs" / "examples" / "nginx.conf"
HOST = "api.example.com"


@dataclass(frozen=True, slots=True)
class Proxy:
    """A running nginx."""

    command: Command
    port: int  # TLS
    clear_port: int
    trust: ssl.SSLContext


@contextmanager
def running_proxy(directory: Path, *, api_port: int) -> Iterator[Proxy]:
    """Everything of the file stays but ports, directories and, for root, the account."""
    program = NGINX.path
    assert program is not None
    authority = Authority.create(directory)
    authority.server_context(host=HOST)
    (certificate,) = directory.glob("server-*.pem")
    for name in ("body", "proxy"):
        (directory / name).mkdir()
    with reserved_port(0) as port, reserved_port(0) as clear_port:
        text = CONFIGURATION.read_text()
        for old, new in {
            "listen 443 ssl": f"listen 127.0.0.1:{port} ssl",
            "listen 80": f"listen 127.0.0.1:{clear_port}",
            "127.0.0.1:8000": f"127.0.0.1:{api_port}",
            "/etc/nginx/tls/fullchain.pem": str(certificate),
            "/etc/nginx/tls/privkey.pem": str(certificate),
            "/run/nginx.pid": str(directory / "nginx.pid"),
            "/var/log/nginx/error.log": "stderr",
            "/var/lib/nginx/": f"{directory}/",
        }.items():
            assert old in text
            text = text.replace(old, new)
        configuration = directory / "nginx.conf"
        configuration.write_text(text)
        # As root it would give its workers to an account that may not enter a test's directory.
        account = "user root;" if os.geteuid() == 0 else ""
        arguments = [program, "-c", str(configuration), "-g", f"daemon off; {account}"]
        with Command(program=arguments, whole_environment={"PATH": "/usr/bin:/bin"}) as command:
            until(lambda: re.search(r"\d", _read(directory / "nginx.pid")), what="nginx")
            yield Proxy(command, port, clear_port, ssl.create_default_context(cafile=authority.bundle))


def _read(path: Path) -> str:
    return path.read_text() if path.exists() else ""
