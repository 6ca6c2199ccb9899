"""Why an attempt failed: one closed vocabulary, and what each word means to the people who read it."""

from dataclasses import dataclass
from enum import StrEnum


class FailureCode(StrEnum):
    """Kept with every failed attempt; API, pages, commands and documentation show these very words."""

    REDIRECT_REFUSED = "redirect_refused"
    HTTP_4XX = "http_4xx"
    HTTP_410_GONE = "http_410_gone"
    HTTP_429 = "http_429"
    HTTP_5XX = "http_5xx"
    TIMEOUT_DNS = "timeout_dns"
    TIMEOUT_CONNECT = "timeout_connect"
    TIMEOUT_TLS = "timeout_tls"
    TIMEOUT_TOTAL = "timeout_total"
    DNS_FAILED = "dns_failed"
    CONNECTION_REFUSED = "connection_refused"
    UNREACHABLE = "unreachable"
    CONNECTION_RESET = "connection_reset"
    STALE_CONNECTION = "stale_connection"
    PROTOCOL_ERROR = "protocol_error"
    TOO_LARGE = "too_large"
    TLS_EXPIRED = "tls_expired"
    TLS_HOSTNAME = "tls_hostname"
    TLS_UNTRUSTED = "tls_untrusted"
    TLS_PROTOCOL = "tls_protocol"
    BLOCKED_ADDRESS = "blocked_address"
    INVALID_URL = "invalid_url"
    SECRET_UNDECRYPTABLE = "secret_undecryptable"
    UNRENDERABLE = "unrenderable"
    INTERNAL_ERROR = "internal_error"
    UNKNOWN = "unknown"


# Faults of this service, or of nobody: they say nothing about the endpoint.
_NOT_THE_ENDPOINTS = frozenset(
    {
        FailureCode.STALE_CONNECTION,
        FailureCode.SECRET_UNDECRYPTABLE,
        FailureCode.UNRENDERABLE,
        FailureCode.INTERNAL_ERROR,
        FailureCode.UNKNOWN,
    }
)


def counts_against_endpoint(code: FailureCode) -> bool:
    """Whether a failure is the endpoint's or its network's, so that circuit and auto-disable reckon with it."""
    return code not in _NOT_THE_ENDPOINTS


class Side(StrEnum):
    """Whose problem it is: where the remedy has to be applied."""

    ENDPOINT = "endpoint"  # the merchant's receiver, its host or the endpoint's settings
    NETWORK = "network"  # between this service and the receiver
    US = "us"  # this service
    NOBODY = "nobody"  # nothing is wrong


@dataclass(frozen=True, slots=True)
class Explanation:
    """A failure code, or the reason of an end, in words, for whoever has to act on it."""

    summary: str  # what happened
    likely_cause: str
    remedy: str  # what to do, and who
    side: Side
    maybe_processed: bool  # True: the receiver may have acted on the request before the attempt failed


EXPLANATIONS: dict[FailureCode, Explanation] = {
    FailureCode.REDIRECT_REFUSED: Explanation(
        "The endpoint answered with a redirect, and redirects are never followed.",
        "The URL moved: a path without its trailing slash, http for https, or a bare domain for www.",
        "Set the endpoint's URL to the final one.",
        side=Side.ENDPOINT,
        maybe_processed=False,
    ),
    FailureCode.HTTP_4XX: Explanation(
        "The endpoint refused the request with a 4xx status.",
        "The route, its authentication or its signature check refuses the request: often another endpoint's "
        "secret, or a body parsed and serialised again before it was verified.",
        "Read the kept response; verify the signature over the raw body with this endpoint's secret.",
        side=Side.ENDPOINT,
        maybe_processed=False,
    ),
    FailureCode.HTTP_410_GONE: Explanation(
        "The endpoint answered 410: it is gone for good.",
        "The receiver was retired and says so.",
        "The endpoint was disabled. Give it a new URL and enable it, or delete it.",
        side=Side.ENDPOINT,
        maybe_processed=False,
    ),
    FailureCode.HTTP_429: Explanation(
        "The endpoint asked for fewer requests.",
        "The receiver's rate limit, or that of a proxy before it.",
        "Raise the limit, or set the endpoint's rate_limit. Retry-After is respected.",
        side=Side.ENDPOINT,
        maybe_processed=False,
    ),
    FailureCode.HTTP_5XX: Explanation(
        "The endpoint failed with a 5xx status.",
        "An error in the receiver, or a proxy that cannot reach it.",
        "Read the kept response and the receiver's log. Deduplicate on webhook-id.",
        side=Side.ENDPOINT,
        maybe_processed=True,
    ),
    FailureCode.TIMEOUT_DNS: Explanation(
        "The host name was not resolved in time.",
        "The name servers of the domain are slow or unreachable.",
        "Check the domain's name servers.",
        side=Side.NETWORK,
        maybe_processed=False,
    ),
    FailureCode.TIMEOUT_CONNECT: Explanation(
        "No connection was established in time.",
        "A firewall drops packets, or the host is down.",
        "Open the port to this service's addresses; check that the host is up.",
        side=Side.NETWORK,
        maybe_processed=False,
    ),
    FailureCode.TIMEOUT_TLS: Explanation(
        "The connection was established, but TLS was not agreed upon in time.",
        "The port does not speak TLS, or the receiver is overloaded.",
        "Check that the URL's port serves https.",
        side=Side.ENDPOINT,
        maybe_processed=False,
    ),
    FailureCode.TIMEOUT_TOTAL: Explanation(
        "The answer was not complete in time. The receiver may have processed the request.",
        "The receiver does its work before it answers.",
        "Answer 2xx first, then do the work. Deduplicate on webhook-id.",
        side=Side.ENDPOINT,
        maybe_processed=True,
    ),
    FailureCode.DNS_FAILED: Explanation(
        "The host name has no address.",
        "The name is misspelt, or its record was removed.",
        "Correct the endpoint's URL or the domain's records.",
        side=Side.ENDPOINT,
        maybe_processed=False,
    ),
    FailureCode.CONNECTION_REFUSED: Explanation(
        "The host refused the connection.",
        "No server listens on this port.",
        "Start the receiver, or correct the port.",
        side=Side.ENDPOINT,
        maybe_processed=False,
    ),
    FailureCode.UNREACHABLE: Explanation(
        "The host could not be reached.",
        "No route leads to its address.",
        "Check the address the host name resolves to.",
        side=Side.NETWORK,
        maybe_processed=False,
    ),
    FailureCode.CONNECTION_RESET: Explanation(
        "The connection was closed before the answer was complete. "
        "The receiver may have processed the request.",
        "The receiver crashed or restarted, or a proxy closed the connection.",
        "Read the receiver's log. Deduplicate on webhook-id.",
        side=Side.ENDPOINT,
        maybe_processed=True,
    ),
    FailureCode.STALE_CONNECTION: Explanation(
        "A kept-alive connection was closed as the request was sent; it is sent again at once on another.",
        "The receiver ended the idle connection at that very moment.",
        "Nothing, unless it is frequent: then lengthen the receiver's keep-alive timeout.",
        side=Side.NOBODY,
        maybe_processed=True,
    ),
    FailureCode.PROTOCOL_ERROR: Explanation(
        "The answer was not valid HTTP/1.1. The receiver may have processed the request.",
        "The port serves another protocol, or the receiver writes broken headers or chunks.",
        "Check the URL's port and scheme, then the receiver's response headers.",
        side=Side.ENDPOINT,
        maybe_processed=True,
    ),
    FailureCode.TOO_LARGE: Explanation(
        "The answer's headers were larger than 64 KiB. The receiver may have processed the request.",
        "The receiver sets far too many or too long headers.",
        "Answer with a short head.",
        side=Side.ENDPOINT,
        maybe_processed=True,
    ),
    FailureCode.TLS_EXPIRED: Explanation(
        "The endpoint's certificate is not valid today.",
        "The certificate expired, or begins in the future.",
        "Renew the certificate.",
        side=Side.ENDPOINT,
        maybe_processed=False,
    ),
    FailureCode.TLS_HOSTNAME: Explanation(
        "The endpoint's certificate is for another host name.",
        "The server presents another site's certificate.",
        "Install a certificate that names the URL's host.",
        side=Side.ENDPOINT,
        maybe_processed=False,
    ),
    FailureCode.TLS_UNTRUSTED: Explanation(
        "The endpoint's certificate is not signed by a trusted authority.",
        "It is self-signed, or the server does not send its intermediate certificates.",
        "Install a certificate of a public authority with its full chain.",
        side=Side.ENDPOINT,
        maybe_processed=False,
    ),
    FailureCode.TLS_PROTOCOL: Explanation(
        "TLS could not be agreed on with the server.",
        "The server speaks only TLS 1.1 or older, or no TLS on this port, or asks for a client certificate.",
        "Enable TLS 1.2 or newer, and ask for no client certificate.",
        side=Side.ENDPOINT,
        maybe_processed=False,
    ),
    FailureCode.BLOCKED_ADDRESS: Explanation(
        "The host name led to an address that deliveries may not reach; no connection was made.",
        "The name resolves to a private, loopback or reserved address.",
        "Point the name at a public address, or ask the operator to allow this network.",
        side=Side.ENDPOINT,
        maybe_processed=False,
    ),
    FailureCode.INVALID_URL: Explanation(
        "The endpoint's URL breaks the URL rules; nothing was sent.",
        "The rules were tightened after the endpoint was created.",
        "Set a URL the rules allow: https, an allowed port, no user info.",
        side=Side.ENDPOINT,
        maybe_processed=False,
    ),
    FailureCode.SECRET_UNDECRYPTABLE: Explanation(
        "The endpoint's signing secret could not be decrypted; nothing was sent.",
        "The key it was encrypted with is no longer in the key list.",
        "Operator: restore that key, or roll the endpoint's secret. Then replay.",
        side=Side.US,
        maybe_processed=False,
    ),
    FailureCode.UNRENDERABLE: Explanation(
        "The event could not be rendered for the endpoint's API version; nothing was sent.",
        "A defect of this service.",
        "Operator: read the log, mend the renderer, then replay.",
        side=Side.US,
        maybe_processed=False,
    ),
    FailureCode.INTERNAL_ERROR: Explanation(
        "The request could not be sent for a reason on our side.",
        "A shortage of this service's own resources, such as descriptors or memory.",
        "Operator: read the log. It is tried again.",
        side=Side.US,
        maybe_processed=True,
    ),
    FailureCode.UNKNOWN: Explanation(
        "The dispatcher vanished before it recorded the outcome. The receiver may have the request.",
        "The dispatcher was killed or lost the database.",
        "Deduplicate on webhook-id. It is tried again.",
        side=Side.US,
        maybe_processed=True,
    ),
}
