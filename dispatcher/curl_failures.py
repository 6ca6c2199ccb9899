"""From libcurl's error numbers to the dispatcher's failure codes."""

import errno
import re
from dataclasses import dataclass

import pycurl

from dispatcher.failures import FailureCode

# curl.h numbers that pycurl has no name for.
_CURLE_TOO_LARGE = 100

# X509_V_ERR_… of OpenSSL's x509_vfy.h, as CURLINFO_SSL_VERIFYRESULT gives them.
_X509_DATES = frozenset({9, 10})  # not yet valid, has expired
# Hostname and IP address mismatch; and "ok", since libcurl compares the name itself once OpenSSL is content.
_X509_NAMES = frozenset({0, 62, 64})

_UNREACHABLE_ERRNOS = frozenset({errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EADDRNOTAVAIL, errno.EACCES})
# libcurl reports a broken chunk and a broken connection by the same number.
_BROKEN_CHUNK = re.compile(r"chunk|hexadecimal|trailer", re.IGNORECASE)
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
        case pycurl.E_COULDNT_RESOLVE_HOST:
            return FailureCode.DNS_FAILED
        case pycurl.E_COULDNT_CONNECT:
            return _no_connection(facts.os_errno)
        case pycurl.E_URL_MALFORMAT:
            return FailureCode.INVALID_URL
        case pycurl.E_UNSUPPORTED_PROTOCOL:
            # Also libcurl's word for "Received HTTP/0.9 when not allowed".
            return FailureCode.PROTOCOL_ERROR if facts.sent else FailureCode.INVALID_URL
        case pycurl.E_PEER_FAILED_VERIFICATION:
            return _untrusted(facts)
        case pycurl.E_SSL_CONNECT_ERROR:
            broken = facts.os_errno != 0 or _BROKEN_CONNECTION.search(facts.text)
            return FailureCode.CONNECTION_RESET if broken else FailureCode.TLS_PROTOCOL
        case pycurl.E_SSL_CIPHER:
            return FailureCode.TLS_PROTOCOL
        case pycurl.E_SSL_ISSUER_ERROR | pycurl.E_SSL_INVALIDCERTSTATUS | pycurl.E_SSL_CERTPROBLEM:
            return FailureCode.TLS_UNTRUSTED
        case pycurl.E_GOT_NOTHING | pycurl.E_SEND_ERROR | pycurl.E_PARTIAL_FILE:
            return FailureCode.CONNECTION_RESET
        case pycurl.E_RECV_ERROR:
            broken_chunk = facts.os_errno == 0 and _BROKEN_CHUNK.search(facts.text)
            return FailureCode.PROTOCOL_ERROR if broken_chunk else FailureCode.CONNECTION_RESET
        case pycurl.E_WEIRD_SERVER_REPLY | pycurl.E_BAD_CONTENT_ENCODING | pycurl.E_WRITE_ERROR:
            return FailureCode.PROTOCOL_ERROR
        case _ if facts.error in (_CURLE_TOO_LARGE, pycurl.E_FILESIZE_EXCEEDED):
            return FailureCode.TOO_LARGE
        case _:
            return FailureCode.INTERNAL_ERROR


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
    return FailureCode.TLS_HOSTNAME if facts.verify_result in _X509_NAMES else FailureCode.TLS_UNTRUSTED
