"""Currencies (ISO 4217, those in circulation) and the amounts we accept of them.

Amounts are integers in the currency's minor unit. The least amount is Stripe's where Stripe names one
(docs.stripe.com/currencies, "Minimum and maximum charge amounts"), else half a major unit, and 50 units
of a currency that has no minor unit. The largest has eight digits.
"""

from core.errors import AmountTooLarge, AmountTooSmall, UnknownCurrency

MAX_AMOUNT = 99_999_999

_NO_MINOR_UNIT = "bif clp djf gnf isk jpy kmf krw pyg rwf ugx vnd vuv xaf xof xpf"
_TWO_DIGITS = """
    aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bmd bnd bob brl bsd btn bwp byn bzd cad cdf chf
    cny cop crc cup cve czk dkk dop dzd egp ern etb eur fjd fkp gbp gel ghs gip gmd gtq gyd hkd hnl htg huf
    idr ils inr irr jmd kes kgs khr kpw kyd kzt lak lbp lkr lrd lsl mad mdl mga mkd mmk mnt mop mru mur mvr
    mwk mxn myr mzn nad ngn nio nok npr nzd pab pen pgk php pkr pln qar ron rsd rub sar sbd scr sdg sek sgd
    shp sle sos srd ssp stn svc syp szl thb tjs tmt top try ttd twd tzs uah usd uyu uzs ves wst xcd yer zar
    zmw
"""
_THREE_DIGITS = "bhd iqd jod kwd lyd omr tnd"

MINOR_UNITS: dict[str, int] = {
    **dict.fromkeys(_NO_MINOR_UNIT.split(), 0),
    **dict.fromkeys(_TWO_DIGITS.split(), 2),
    **dict.fromkeys(_THREE_DIGITS.split(), 3),
}

_NAMED_MINIMUMS = {
    "aed": 200,
    "bgn": 100,
    "czk": 1500,
    "dkk": 250,
    "gbp": 30,
    "hkd": 400,
    "huf": 17_500,
    "mxn": 1000,
    "myr": 200,
    "nok": 300,
    "pln": 200,
    "ron": 200,
    "sek": 300,
    "thb": 1000,
}
MINIMUMS: dict[str, int] = {
    currency: _NAMED_MINIMUMS.get(currency, 500 if digits == 3 else 50)
    for currency, digits in MINOR_UNITS.items()
}


def check_amount(*, amount: int, currency: str) -> None:
    """Raises UnknownCurrency, AmountTooSmall or AmountTooLarge; `currency` is in lower case."""
    minimum = MINIMUMS.get(currency)
    if minimum is None:
        raise UnknownCurrency(currency)
    if amount < minimum:
        raise AmountTooSmall(shown_amount(minimum, currency))
    if amount > MAX_AMOUNT:
        raise AmountTooLarge(shown_amount(MAX_AMOUNT, currency))


def shown_amount(amount: int, currency: str) -> str:
    """`shown_amount(50, "usd")` → `"$0.50 usd"`."""
    digits = MINOR_UNITS[currency]
    sign = "$" if currency == "usd" else ""
    return f"{sign}{amount / 10**digits:,.{digits}f} {currency}"
