"""Who is in it: merchants, and where each wants its events. An endpoint's host says how its receiver behaves."""

from __future__ import annotations

from dataclasses import dataclass, field

# libcurl finds every name under it on this machine, without asking a name server.
LOCAL = "localhost"
PAYMENTS = ("payment_intent.succeeded", "payment_intent.payment_failed")


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointPart:
    """One endpoint.

    Attributes:
        key: by which tests and pictures find it.
        host: of its URL; `receiver.py` looks up what it does.
        failing: of a hundred attempts of its generated past, how many failed.
        code: the failure of those, a word of dispatcher/failures.py.
        milliseconds: what an exchange took in its past, about.
    """

    key: str
    host: str
    path: str
    description: str | None = None
    events: tuple[str, ...] = PAYMENTS
    failing: int = 0
    code: str = "http_5xx"
    milliseconds: float = 40.0
    rate_limit: int | None = None
    ordered: bool = False

    def url(self, port: int) -> str:
        return f"https://{self.host}:{port}{self.path}"


@dataclass(frozen=True, slots=True, kw_only=True)
class MerchantPart:
    """One account."""

    key: str
    name: str
    currency: str
    amounts: tuple[int, ...]  # in minor units
    descriptions: tuple[str, ...]
    customers: tuple[tuple[str, str], ...]
    endpoints: tuple[EndpointPart, ...] = field(default_factory=tuple)
    weight: int = 1  # its share of the generated past
    payments: int = 1  # in the real run, while what fails is given up quickly


def _host(name: str) -> str:
    return f"{name}.{LOCAL}"


MERCHANTS = (
    MerchantPart(
        key="northwind",
        name="Northwind Books",
        currency="usd",
        amounts=(1899, 2450, 3999, 1299, 8420),
        descriptions=("Order 10482: two novels", "Order 10483: an atlas", "Order 10484: gift card"),
        customers=(("Maya Lindqvist", "maya@example.com"), ("Tom Okafor", "tom.okafor@example.com")),
        weight=5,
        payments=3,
        endpoints=(
            EndpointPart(
                key="orders",
                host=_host("orders.northwind"),
                path="/webhooks/payments",
                description="Order service: ships when a payment succeeded",
                events=("*",),
                failing=1,
                milliseconds=24,
            ),
            EndpointPart(
                key="accounting",
                host=_host("ledger.northwind"),
                path="/events",
                description="Accounting, one booking after the other",
                events=(*PAYMENTS, "charge.refunded"),
                failing=4,
                code="http_429",
                milliseconds=70,
                rate_limit=50,
                ordered=True,
            ),
            EndpointPart(
                key="erp",
                host=_host("erp.northwind"),
                path="/integrations/stripe/incoming",
                description="Old ERP in the warehouse",
                failing=24,
                code="http_5xx",
                milliseconds=640,
            ),
        ),
    ),
    MerchantPart(
        key="lumen",
        name="Lumen Coffee",
        currency="eur",
        amounts=(450, 1290, 2380, 620),
        descriptions=("Subscription: beans, monthly", "Two flat whites", "Grinder"),
        customers=(("Inès Moreau", "ines@example.com"), ("Jonas Weber", "jonas@example.com")),
        weight=4,
        payments=2,
        endpoints=(
            EndpointPart(
                key="till",
                host=_host("till.lumen"),
                path="/stripe",
                description="Till of the shops",
                failing=6,
                code="connection_reset",
                milliseconds=33,
            ),
            EndpointPart(
                key="loyalty",
                host=_host("loyalty.lumen"),
                path="/hooks/points",
                description="Loyalty points: works before it answers",
                failing=14,
                code="timeout_total",
                milliseconds=900,
            ),
            EndpointPart(
                key="paused",
                host=_host("campaign.lumen"),
                path="/events",
                description="Spring campaign (off)",
                milliseconds=51,
            ),
        ),
    ),
    MerchantPart(
        key="atlas",
        name="Atlas Rides",
        currency="jpy",
        amounts=(1200, 3400, 860, 5100),
        descriptions=("Ride to Haneda", "Ride in Shibuya", "Monthly pass"),
        customers=(("Haruka Sato", "haruka@example.com"),),
        weight=3,
        endpoints=(
            EndpointPart(
                key="drivers",
                host=_host("drivers.atlas"),
                path="/v2/payments",
                description="Driver app",
                failing=9,
                code="http_4xx",
                milliseconds=58,
            ),
            EndpointPart(
                key="invoices",
                host=_host("invoices.atlas"),
                path="/in",
                description="Invoices, behind a proxy that wants slashes",
                failing=4,
                code="redirect_refused",
                milliseconds=12,
            ),
            EndpointPart(
                key="partner",
                host=_host("partner.atlas"),
                path="/payments",
                description="Partner's server, busy at noon",
                failing=12,
                code="http_429",
                milliseconds=90,
            ),
        ),
    ),
    MerchantPart(
        key="fernweh",
        name="Fernweh Travel",
        currency="gbp",
        amounts=(18900, 45000, 32050),
        descriptions=("Night train to Vienna", "Two nights in Lisbon"),
        customers=(("Priya Nair", "priya@example.com"),),
        weight=2,
        endpoints=(
            EndpointPart(
                key="bookings",
                host=_host("bookings.fernweh"),
                path="/payments",
                description="Bookings",
                failing=2,
                code="stale_connection",
                milliseconds=41,
            ),
            EndpointPart(
                key="expired",
                host=_host("mail.fernweh"),
                path="/receipts",
                description="Receipts by mail: certificate to be renewed",
                failing=6,
                code="tls_expired",
                milliseconds=15,
            ),
            EndpointPart(
                key="misspelt",
                host="hooks.fernwhe.invalid",
                path="/payments",
                description="Misspelt in March, nobody noticed",
                failing=2,
                code="dns_failed",
                milliseconds=6,
            ),
        ),
    ),
    MerchantPart(
        key="kobo",
        name="Kobo Games",
        currency="usd",
        amounts=(499, 999, 1999, 4999),
        descriptions=("Season pass", "500 coins", "Skin: copper dragon"),
        customers=(("Sam Rivera", "sam@example.com"), ("Lee Ngo", "lee@example.com")),
        weight=3,
        endpoints=(
            EndpointPart(
                key="retired",
                host=_host("legacy.kobo"),
                path="/ipn",
                description="Retired shop",
                failing=5,
                code="http_410_gone",
                milliseconds=19,
            ),
            EndpointPart(
                key="staging",
                host=_host("staging.kobo"),
                path="/webhook",
                description="Staging: signs its own certificate",
                failing=3,
                code="tls_untrusted",
                milliseconds=14,
            ),
            EndpointPart(
                key="gibberish",
                host=_host("telnet.kobo"),
                path="/",
                description="Points at the wrong port",
                failing=2,
                code="protocol_error",
                milliseconds=9,
            ),
            EndpointPart(
                key="down",
                host=_host("shop.kobo"),
                path="/events/payments",
                description="Shop: nothing listens after the last deploy",
                failing=12,
                code="connection_refused",
                milliseconds=28,
            ),
        ),
    ),
    MerchantPart(
        key="noor",
        name="متجر النور",
        currency="usd",
        amounts=(7500, 12000),
        descriptions=("طلب رقم ٤٢", "طلب رقم ٤٣"),
        customers=(("ليلى حداد", "leila@example.com"),),
        endpoints=(
            EndpointPart(
                key="arabic",
                host=_host("noor"),
                path="/webhooks/طلبات",
                description="إشعارات الدفع للمتجر",
                failing=3,
                code="http_5xx",
            ),
            EndpointPart(
                key="long",
                host=_host("long.noor"),
                path="/" + "a-very-long-path-without-any-place-to-break" * 45,
                description="The longest URL that is allowed, nearly",
                events=("*",),
            ),
        ),
    ),
)


def endpoint_parts() -> dict[str, EndpointPart]:
    return {part.key: part for merchant in MERCHANTS for part in merchant.endpoints}
