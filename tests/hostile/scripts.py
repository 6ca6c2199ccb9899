"""How a receiver misbehaves on one connection: the scripts that the table puts together."""

import os

from tests.hostile.receivers import Conversation, Script

HEAD = b"HTTP/1.1 200 OK\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
# A record that announces a ServerHello of 16 KiB; the rest of it never comes.
SERVER_HELLO = b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc\x03\x03"
HANDSHAKE_FAILURE = b"\x15\x03\x03\x00\x02\x02\x28"  # an alert
_DRIP_EVERY = 0.05  # seconds


def empty(status: str, *headers: str) -> bytes:
    """A complete answer without a body."""
    return "\r\n".join([f"HTTP/1.1 {status}", *headers, "Content-Length: 0", "", ""]).encode()


def answer(*parts: bytes) -> Script:
    """Answer every request with the same bytes, each part by itself, and keep the connection open."""

    def script(conversation: Conversation) -> None:
        while True:
            conversation.read_request()
            conversation.send(*parts)

    return script


def answers(*each: bytes) -> Script:
    """Answer the first request with the first of these, and so on; then close."""

    def script(conversation: Conversation) -> None:
        for one in each:
            conversation.read_request()
            conversation.send(one)

    return script


def answer_then_close(data: bytes) -> Script:
    return answers(data)


def answer_then_reset(data: bytes) -> Script:
    def script(conversation: Conversation) -> None:
        conversation.read_request()
        conversation.send(data)
        conversation.pause(0.05)  # a reset throws away what the other side has not read
        conversation.reset()

    return script


def drip(begin: bytes, rest: bytes) -> Script:
    """Answer with `begin`, then with `rest` a byte at a time."""

    def script(conversation: Conversation) -> None:
        conversation.read_request()
        conversation.send(begin)
        conversation.drip(rest, every=_DRIP_EVERY)

    return script


def flood(begin: bytes, part: bytes, *, every: float = 0.0) -> Script:
    """Answer with `begin`, then with `part` again and again."""

    def script(conversation: Conversation) -> None:
        conversation.read_request()
        conversation.send(begin)
        conversation.flood(part, every=every)

    return script


def before_request(data: bytes) -> Script:
    """Answer before there is anything to answer, then read the request."""

    def script(conversation: Conversation) -> None:
        conversation.send(data)
        conversation.hold()

    return script


def unread(data: bytes) -> Script:
    """Answer to the first bytes of a request and read nothing more of it."""

    def script(conversation: Conversation) -> None:
        conversation.read_some()
        conversation.send(data)
        conversation.wait_for_end()

    return script


def never_read(conversation: Conversation) -> None:
    conversation.wait_for_end()


def read_slowly(conversation: Conversation) -> None:
    conversation.sip(1024, every=_DRIP_EVERY)


def reset_at_once(conversation: Conversation) -> None:
    conversation.reset()


def close_at_once(conversation: Conversation) -> None:
    """Nothing is said and nothing read."""


def reset_amid_request(conversation: Conversation) -> None:
    conversation.read_some()
    conversation.reset()


# --- In the place of TLS ---


def tls_says(data: bytes) -> Script:
    """Answer the ClientHello with these bytes and wait."""

    def script(conversation: Conversation) -> None:
        conversation.read_some()
        conversation.send(data)
        conversation.hold()

    return script


def tls_drips(conversation: Conversation) -> None:
    conversation.read_some()
    conversation.drip(SERVER_HELLO + bytes(16_000), every=_DRIP_EVERY)


def tls_garbage(conversation: Conversation) -> None:
    conversation.read_some()
    conversation.send(b"\xff" + os.urandom(512))
    conversation.hold()


def tls_reset(conversation: Conversation) -> None:
    conversation.read_some()
    conversation.reset()


def tls_close(conversation: Conversation) -> None:
    conversation.read_some()
