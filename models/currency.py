"""How many decimals an amount has: Stripe's own exponents, which are neither ISO's nor a locale's.

Source: docs.stripe.com/currencies. Króna and Ugandan shilling are charged with two decimals although they have none;
forint and Taiwan dollar have none only in payouts; the ariary has none at Stripe and two in ISO 4217.
"""

import polars as pl


def _codes(listed: str) -> list[str]:
    return listed.split()


ZERO_DECIMAL = frozenset(_codes("bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf"))
THREE_DECIMAL = frozenset(_codes("bhd jod kwd omr tnd"))
TWO_DECIMAL = frozenset(
    _codes(
        "aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bmd bnd bob brl bsd bwp byn bzd cad cdf chf cny cop "
        "crc cve czk dkk dop dzd egp etb eur fjd fkp gbp gel ghs gip gmd gtq gyd hkd hnl hrk htg huf idr ils inr isk "
        "jmd kes kgs khr kyd kzt lak lbp lkr lrd lsl mad mdl mkd mmk mnt mop mro mur mvr mwk mxn myr mzn nad ngn nio "
        "nok npr nzd pab pen pgk php pkr pln qar ron rsd rub sar sbd scr sek sgd shp sle sll sos srd std stn svc szl "
        "thb tjs top try ttd twd tzs uah ugx usd usdb usdc uyu uzs wst xcd xcg yer zar zmw "
    )
)
WHOLE_UNITS = frozenset(_codes("isk ugx"))
"""Of two decimals, which are both 0."""
KNOWN = ZERO_DECIMAL | THREE_DECIMAL | TWO_DECIMAL


def minor_exponent(currency: str) -> int:
    """Decimals of a currency's amounts: 0, 2 or 3; 2 where the currency is unknown."""
    code = currency.lower()
    if code in ZERO_DECIMAL:
        return 0
    return 3 if code in THREE_DECIMAL else 2


def smallest_step(currency: str) -> int:
    """Minor units that Stripe takes amounts of a currency in multiples of.

    >>> smallest_step("usd"), smallest_step("kwd"), smallest_step("isk")
    (1, 10, 100)
    """
    code = currency.lower()
    if code in WHOLE_UNITS:
        return 100
    return 10 if code in THREE_DECIMAL else 1


def unknown_currencies(frame: pl.LazyFrame, about: str) -> pl.LazyFrame:
    """Findings, one a currency of `frame` that Stripe's list does not have; its amounts are read with two decimals."""
    return (
        frame.select(subject=pl.col("currency").str.to_lowercase())
        .unique()
        .filter(~pl.col("subject").is_in(sorted(KNOWN)))
        .sort("subject")
        .select(
            check_name=pl.lit("currency_is_known"),
            about=pl.lit(about),
            subject="subject",
            severity=pl.lit("warning"),
            detail=pl.format("currency {} is not in Stripe's list; its amounts are read with two decimals", "subject"),
        )
    )
