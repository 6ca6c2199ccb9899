"""The head of an answer, out of the header bytes that libcurl handed over."""

import re
from typing import NamedTuple

_STATUS_LINE = re.compile(rb"HTTP/[0-9](?:\.[0-9])? ([1-5][0-9]{2})(?:[ \t\r\n]|$)")
_LINE = re.compile(rb"[^\n]*\n|[^\n]+")
_BLANK_LINES = (b"\r\n", b"\n")


class AnswerHead(NamedTuple):
    """The final head of an answer."""

    text: bytes  # status line, headers and blank line; what came of it where it broke off
    complete: bool
    problem: str | None  # why this is no HTTP that we accept


def final_head(received: bytes) -> AnswerHead:
    """The final head among all header bytes: informational ones before it and trailers behind it are left out."""
    # One head and nothing else, as nearly always.
    if received.find(b"\n\r\n") == len(received) - 3 and b"\n\n" not in received:
        status = _STATUS_LINE.match(received)
        if status is not None and status[1] >= b"200":
            return AnswerHead(received, True, None)
    lines: list[bytes] = []
    for line in _LINE.findall(received):
        if lines and lines[-1] in _BLANK_LINES:
            if not _is_informational(lines[0]) or not line.startswith(b"HTTP/"):
                break  # a trailer, behind a chunked body
            lines.clear()
        if not lines:
            status = _STATUS_LINE.match(line)
            # libcurl reads "2000" as 200, and takes a 101 that nobody asked for.
            if status is None or status[1] == b"101":
                return AnswerHead(b"", False, f"unexpected status line {line[:80]!r}")
        lines.append(line)
    # The last line of a head that broke off is no blank one.
    return AnswerHead(b"".join(lines), bool(lines) and lines[-1] in _BLANK_LINES, None)


def _is_informational(status_line: bytes) -> bool:
    status = _STATUS_LINE.match(status_line)
    return status is not None and status[1] < b"200"
