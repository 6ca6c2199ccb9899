"""What libcurl's numbers mean where the number alone does not say it."""

import pycurl
import pytest

from dispatcher.curl_failures import Circumstances, failure_code_of
from dispatcher.failures import FailureCode

ALERT = "OpenSSL SSL_read: OpenSSL/3.6.5: error:0A00045C:SSL routines::tlsv13 alert certificate required"


def circumstances(error: int, text: str, *, sent: bool) -> Circumstances:
    return Circumstances(
        error=error,
        text=text,
        sent=sent,
        https=True,
        resolved=True,
        connected=True,
        tls_agreed=True,
        os_errno=0,
        verify_result=0,
    )


@pytest.mark.parametrize(
    ("error", "text", "sent", "code"),
    [
        # TLS 1.3 refuses a client when its request is already under way.
        (pycurl.E_RECV_ERROR, ALERT, True, FailureCode.TLS_PROTOCOL),
        (pycurl.E_RECV_ERROR, "Recv failure: Connection reset by peer", True, FailureCode.CONNECTION_RESET),
        (pycurl.E_RECV_ERROR, "chunk hex-length longer than 17", True, FailureCode.PROTOCOL_ERROR),
        # Of a header in the answer; before the request it could only be one of ours.
        (pycurl.E_BAD_FUNCTION_ARGUMENT, "Invalid response header", True, FailureCode.PROTOCOL_ERROR),
        (pycurl.E_BAD_FUNCTION_ARGUMENT, "", False, FailureCode.INTERNAL_ERROR),
    ],
)
def test_the_same_number_is_told_apart_by_its_circumstances(
    error: int, text: str, sent: bool, code: FailureCode
) -> None:
    assert failure_code_of(circumstances(error, text, sent=sent)) is code
