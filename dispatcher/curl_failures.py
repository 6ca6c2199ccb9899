"""From libcurl's error numbers to the dispatcher's failure codes."""

import errno
import re
from dataclasses import dataclass

import pycurl

from dispatcher.failures import FailureCode

# curl.h's numbers that pycurl has no name for.
_E_WEIRD_SERVER_REPLY = 8
_E_TOO_LARGE = 100

# What needs no look at the circumstances.
_PLAIN = {
    pycurl.E_COULDNT_RESOLVE_HOST: FailureCode.DNS_FAILED,
    pycurl.E_URL_MALFORMAT: FailureCode.INVALID_URL,
    pycurl.E_GOT_NOTHING: FailureCode.CONNECTION_RESET,
    pycurl.E_SEND_ERROR: FailureCode.CONNECTION_RESET,
    pycurl.E_PARTIAL_FILE: FailureCode.CONNECTION_RESET,
    _E_WEIRD_SERVER_REPLY: FailureCode.PROTOCOL_ERROR,
    pycurl.E_BAD_CONTENT_ENCODING: FailureCode.PROTOCOL_ERROR,
    pycurl.E_WRITE_ERROR: FailureCode.PROTOCOL_ERROR,
    _E_TOO_LARGE: FailureCode.TOO_LARGE,
    pycurl.E_FILESIZE_EXCEEDED: FailureCode.TOO_LARGE,
    pycurl.E_SSL_CIPHER: FailureCode.TLS_PROTOCOL,
    pycurl.E_SSL_ISSUER_ERROR: FailureCode.TLS_UNTRUSTED,
    pycurl.E_SSL_INVALIDCERTSTATUS: FailureCode.TLS_UNTRUSTED,
}

# X509_V_ERR_… of OpenSSL's x509_vfy.h, as CURLINFO_SSL_VERIFYRESULT gives them.
_X509_DATES = frozenset({9, 10})  # not yet valid, has expired
_X509_NAMES = frozenset({62, 64})  # host name, IP address mismatch
# libcurl compares the name itself, and then the number says nothing.
_WRONG_NAME = re.compile(r"subject name|does not match", re.IGNORECASE)

_UNREACHABLE_ERRNOS = frozenset({errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EADDRNOTAVAIL, errno.EACCES})
# Other numbers may be left over from an address that was tried before the one that answered.
_BROKEN_ERRNOS = frozenset({errno.ECONNRESET, errno.EPIPE})
# libcurl reports a broken chunk and a broken connection by the same number.
_BROKEN_CHUNK = re.compile(r"chunk|hexadecimal|trailer", re.IGNORECASE)
# TLS 1.3 lets a server refuse the client's (missing) certificate when the request is already on its way.
_CLIENT_REFUSED = re.compile(r"alert (?:certificate|bad certificate|unknown ca|access denied)", re.IGNORECASE)
_BROKEN_CONNECTION = re.compile(r"reset|SYSCALL|unexpected eof|broken pipe|closed", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """How far a transfer had come when libcurl gave up."""

    error: int  # CURLE_…
    text: str  # libcurl's words
    sent: bool  # the request went out, in whole or in part
    https: bool
    resolved: bool
    connected: bool
    tls_agreed: bool
    os_errno: int
    verify_result: int  # X509_V_…


def failure_code_of(facts: Circumstances) -> FailureCode:
    """The code that fits; whatever has no place of its own is our fault until shown otherwise."""
    match facts.error:
        case pycurl.E_OPERATION_TIMEDOUT:
            return _timeout(facts)
        case pycurl.E_COULDNT_CONNECT:
            return _no_connection(facts.os_errno)
        case pycurl.E_UNSUPPORTED_PROTOCOL:
            # Also libcurl's word for "Received HTTP/0.9 when not allowed".
            return FailureCode.PROTOCOL_ERROR if facts.sent else FailureCode.INVALID_URL
        case pycurl.E_BAD_FUNCTION_ARGUMENT if facts.sent:
            # Of a header that libcurl cannot keep, such as a folded trailer.
            return FailureCode.PROTOCOL_ERROR
        case pycurl.E_PEER_FAILED_VERIFICATION:
            return _untrusted(facts)
        case pycurl.E_SSL_CONNECT_ERROR:
            broken = facts.os_errno in _BROKEN_ERRNOS or _BROKEN_CONNECTION.search(facts.text)
            return FailureCode.CONNECTION_RESET if broken else FailureCode.TLS_PROTOCOL
        case pycurl.E_RECV_ERROR if _CLIENT_REFUSED.search(facts.text):
            return FailureCode.TLS_PROTOCOL
        case pycurl.E_RECV_ERROR:
            broken_chunk = facts.os_errno not in _BROKEN_ERRNOS and _BROKEN_CHUNK.search(facts.text)
            return FailureCode.PROTOCOL_ERROR if broken_chunk else FailureCode.CONNECTION_RESET
        case _:
            return _PLAIN.get(facts.error, FailureCode.INTERNAL_ERROR)


def _timeout(facts: Circumstances) -> FailureCode:
    if facts.sent:
        return FailureCode.TIMEOUT_TOTAL
    if not facts.resolved:
        return FailureCode.TIMEOUT_DNS
    if not facts.connected:
        return FailureCode.TIMEOUT_CONNECT
    return FailureCode.TIMEOUT_TLS if facts.https and not facts.tls_agreed else FailureCode.TIMEOUT_TOTAL


def _no_connection(os_errno: int) -> FailureCode:
    if os_errno == errno.ETIMEDOUT:
        return FailureCode.TIMEOUT_CONNECT
    if os_errno == errno.ECONNRESET:
        return FailureCode.CONNECTION_RESET
    return FailureCode.UNREACHABLE if os_errno in _UNREACHABLE_ERRNOS else FailureCode.CONNECTION_REFUSED


def _untrusted(facts: Circumstances) -> FailureCode:
    if facts.verify_result in _X509_DATES:
        return FailureCode.TLS_EXPIRED
    if facts.verify_result in _X509_NAMES or _WRONG_NAME.search(facts.text):
        return FailureCode.TLS_HOSTNAME
    return FailureCode.TLS_UNTRUSTED
