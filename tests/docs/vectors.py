"""`python -m tests.docs.vectors` writes docs/examples/verify/vectors.json: requests, and what to say of each.

Nothing in it is random: secrets and moments are constants, so that the file changes only where the signatures do.
"""

import base64
import hashlib
import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from dispatcher.signing import SECRET_PREFIX, SigningKeys

PATH = Path(__file__).resolve().parents[2] / "docs" / "examples" / "verify" / "vectors.json"
MOMENT = 1_795_000_000
ASCII = '{"id":"evt_1","type":"payment_intent.succeeded","data":{"object":{"id":"pi_1","amount":2000}}}'
BEYOND = '{"id":"evt_1","data":{"object":{"name":"Zoë 🧾 \u202eעברית","amount":2000}}}'


@dataclass(frozen=True, slots=True)
class Vector:
    """A request as it arrives, and what is to be said of it.

    `body` is the text of the bytes in UTF-8; `now` is the moment to take for the clock's, Unix seconds, None in
    requests that were signed this very moment.
    """

    name: str
    genuine: bool
    secret: str
    now: int | None
    headers: dict[str, str]
    body: str

    def line(self, names: tuple[str, ...]) -> str:
        """What a harness reads: secret, body, now and the named headers, each in base64."""
        now = "" if self.now is None else str(self.now)
        fields = [self.secret, self.body, now, *(self.headers.get(name, "") for name in names)]
        return "\t".join(base64.b64encode(field.encode()).decode() for field in fields)


def secret_of(word: str) -> str:
    return SECRET_PREFIX + base64.b64encode(hashlib.sha256(word.encode()).digest()[:24]).decode()


def signed(*secrets: str, body: str = ASCII, at: int = MOMENT) -> dict[str, str]:
    """The headers of a delivery, their names in lower case."""
    made = SigningKeys(*secrets).headers(message_id="evt_1", timestamp=at, body=body.encode())
    return {name.lower(): value for name, value in made.items()}


def vectors(
    *,
    current: str = secret_of("current"),
    previous: str = secret_of("previous"),
    stranger: str = secret_of("stranger"),
    moment: int = MOMENT,
    now: int | None = MOMENT,
) -> list[Vector]:
    """Every kind, signed at the moment; with other secrets and the clock's moment, as if they came just now."""

    def at(shift: int, *secrets: str, body: str = ASCII) -> dict[str, str]:
        return signed(*secrets, body=body, at=moment + shift)

    good = Vector("as sent", True, current, now, at(0, current), ASCII)
    bad = replace(good, genuine=False)
    return [
        good,
        replace(good, name="a body beyond ASCII", body=BEYOND, headers=at(0, current, body=BEYOND)),
        replace(good, name="a minute old", headers=at(-60, current)),
        replace(good, name="during a roll, with the new secret", headers=at(0, current, previous)),
        replace(good, name="during a roll, with the old secret", secret=previous, headers=at(0, current, previous)),
        replace(bad, name="another endpoint's secret", secret=stranger),
        replace(bad, name="the old secret after a roll", secret=previous),
        replace(bad, name="one byte changed", body=ASCII.replace("2000", "2001")),
        replace(bad, name="parsed and written again", body=ASCII.replace(",", ", ")),
        replace(bad, name="ten minutes old", headers=at(-600, current)),
        replace(bad, name="ten minutes ahead", headers=at(600, current)),
        replace(bad, name="an old one under a new moment", headers=refreshed(at(-600, current), moment)),
        replace(bad, name="no headers", headers={}),
        replace(bad, name="a timestamp that is no number", headers=good.headers | dated("soon", good.headers)),
        replace(bad, name="a signature that is none", headers=spoiled(good.headers)),
        replace(bad, name="no signature", headers=good.headers | {"webhook-signature": "", "stripe-signature": ""}),
    ]  # fmt: skip


def refreshed(headers: dict[str, str], moment: int) -> dict[str, str]:
    """The same signatures, under another moment."""
    return headers | dated(str(moment), headers)


def dated(moment: str, headers: dict[str, str]) -> dict[str, str]:
    old = headers["webhook-timestamp"]
    return {
        "webhook-timestamp": moment,
        "stripe-signature": headers["stripe-signature"].replace(f"t={old}", f"t={moment}"),
    }


def spoiled(headers: dict[str, str]) -> dict[str, str]:
    return headers | {
        "webhook-signature": "v1,☃ v1 v2,abc",
        "stripe-signature": f"t={headers['webhook-timestamp']},v1=☃,v1",
    }


def text() -> str:
    return json.dumps([asdict(vector) for vector in vectors()], ensure_ascii=False, indent=2) + "\n"


if __name__ == "__main__":
    PATH.write_text(text(), encoding="utf-8")
