"""Answers before the answer."""

from dispatcher.failures import FailureCode as Code
from tests.hostile.behaviour import Behaviour, broken_off, succeeds, too_late
from tests.hostile.receivers import OK
from tests.hostile.scripts import answer, answer_then_close, empty

INFORMATIONAL = [
    succeeds(
        name="`103 Early Hints`, then 200",
        script=answer(b"HTTP/1.1 103 Hints\r\nLink: </a>\r\n\r\n", OK),
        kept=OK,
    ),
    succeeds(
        name="`102 Processing` several times, then 200",
        script=answer(b"HTTP/1.1 102 Processing\r\n\r\n" * 9, OK),
        kept=OK,
    ),
    succeeds(
        name="`100 Continue` that nobody asked for, then 200",
        script=answer(b"HTTP/1.1 100 Continue\r\n\r\n", OK),
        kept=OK,
    ),
    Behaviour(
        name="103, then 500",
        script=answer(b"HTTP/1.1 103 Hints\r\n\r\n", empty("500 No")),
        code=Code.HTTP_5XX,
        status=500,
        kept=b"HTTP/1.1 500 No",
    ),
    too_late(name="103, then silence", script=answer(b"HTTP/1.1 103 Hints\r\n\r\n")),
    broken_off(name="103, then the end", script=answer_then_close(b"HTTP/1.1 103 Hints\r\n\r\n")),
]
