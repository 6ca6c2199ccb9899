"""A name server on UDP whose answers may change with every asking."""

import ipaddress
import socket
import struct
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self

_A, _CNAME, _AAAA, _IN = 1, 5, 28, 1
_NAME_ERROR = 3

# The addresses of a name, or the one other name that it is an alias of, when it is asked for the nth time
# (from 0) in one record type; None: there is no such name.
Zone = Callable[[str, int], Sequence[str] | None]


class NameServer:
    """Answers on 127.0.0.1:53 until the `with` block ends.

    Parameters:
        ttl: seconds, of every record.

    Attributes:
        asked: each question, as (name, record type).
    """

    def __init__(self, zone: Zone, *, ttl: int = 0) -> None:
        self.asked: list[tuple[str, int]] = []
        self._zone = zone
        self._ttl = ttl
        self._times: Counter[tuple[str, int]] = Counter()

    def __enter__(self) -> Self:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 53))
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # An empty datagram ends the loop.
        self._socket.sendto(b"", self._socket.getsockname())
        self._thread.join()
        self._socket.close()

    def _serve(self) -> None:
        while True:
            query, client = self._socket.recvfrom(4096)
            if not query:
                return
            self._socket.sendto(self._answer(query), client)

    def _answer(self, query: bytes) -> bytes:
        name, end = _read_name(query, 12)
        (kind,) = struct.unpack_from("!H", query, end)
        self.asked.append((name, kind))
        records, known = self._records(name, kind)
        flags = 0x8180 | (0 if known else _NAME_ERROR)
        header = query[:2] + struct.pack("!HHHHH", flags, 1, len(records), 0, 0)
        return header + query[12 : end + 4] + b"".join(records)

    def _records(self, name: str, kind: int) -> tuple[list[bytes], bool]:
        """All the way along the aliases, as a resolver that recurses gives them; whether the name exists."""
        records: list[bytes] = []
        while True:
            nth = self._times[name, kind]
            self._times[name, kind] += 1
            found = self._zone(name, nth)
            if found is None:
                return records, bool(records)
            if len(found) != 1 or _is_address(found[0]):
                break
            records.append(self._record(name, _CNAME, _written_name(found[0])))
            name = found[0]
        for text in found:
            address = ipaddress.ip_address(text)
            if kind == (_A if address.version == 4 else _AAAA):
                records.append(self._record(name, kind, address.packed))
        return records, True

    def _record(self, name: str, kind: int, data: bytes) -> bytes:
        return _written_name(name) + struct.pack("!HHIH", kind, _IN, self._ttl, len(data)) + data


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _read_name(query: bytes, position: int) -> tuple[str, int]:
    labels = []
    while length := query[position]:
        labels.append(query[position + 1 : position + 1 + length].decode("latin-1").lower())
        position += 1 + length
    return ".".join(labels), position + 1


def _written_name(name: str) -> bytes:
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"
