"""A PostgreSQL server of one's own: unprivileged, reachable through one socket directory only, gone on exit.

    with PrivatePostgres(durable=False) as server:
        connect(server.url)

Authentication is `trust`: the server listens on no network address, and its socket lies in a directory
of mode 0700, so whoever can reach the socket is already the owner of the data (or root).

A keeper process starts the server and holds a pipe from its owner. When the owner ends, however it
ends, the pipe closes and the keeper stops the server and removes what was temporary. Should the keeper
itself be killed, Linux ends the server with it (PR_SET_PDEATHSIG) and the next start sweeps its directory.
"""

from tools.private_postgres.binaries import Binaries, find_binaries
from tools.private_postgres.server import PrivatePostgres, provided_or_private

__all__ = ["Binaries", "PrivatePostgres", "find_binaries", "provided_or_private"]
