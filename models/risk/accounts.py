"""The accounts at risk: everybody's scores, and of those that stand out the flag that billing actions go by.

A flag's id is made of the account, the customer, the score that leads and what raised it, so that the next run keeps
it. The table is a contract with what acts on it: models/risk/at_risk_accounts.v1.schema.json says it in full.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from hashlib import sha256
from typing import Any

import polars as pl

from models.contracts.marts import AtRiskAccounts
from models.movements import CUSTOMER
from models.plans import collected
from models.risk import calibration, cards
from models.risk.bands import BANDS, EVEN, HIGH, LOW, leads, raised
from models.risk.calibration import Calibration
from models.risk.features import BY_NAME, FEATURES, KINDS, PAYMENT, VOLUNTARY, held
from models.risk.leaving import SOON
from models.risk.points import LEADING, Card
from models.risk.snapshots import HORIZONS
from models.terms import Terms

VERSION = 1
"""Of the contract: raised when a column goes or changes its meaning."""
LEAVING = "leaving"
HOLDS = {PAYMENT: timedelta(days=7), VOLUNTARY: timedelta(days=30), LEAVING: timedelta(days=30)}
"""How long a flag may be acted on after the as-of instant, unless what raised it ends sooner."""
MONTHS_LEFT = Decimal(12)
"""Months that a customer is taken to have left where survival cannot say."""
TOO_EXPENSIVE = "too_expensive"
REFUSED_FOR_GOOD, ASKS_AUTHENTICATION = (2, 3), 1
CODED = {
    "account_id": pl.String(),
    "code": pl.Int64(),
    "score_kind": pl.String(),
    "risk_score": pl.Int64(),
    "payment_score": pl.Int64(),
    "voluntary_score": pl.Int64(),
    "payment_probability": pl.Float64(),
    "voluntary_probability": pl.Float64(),
    "probability_30d": pl.Float64(),
    "probability_90d": pl.Float64(),
    "basis": pl.String(),
}
"""What the levels of a customer come to."""


def risk_scores(
    standing: pl.LazyFrame, risk_cards: pl.LazyFrame, calibrations: pl.LazyFrame, terms: Terms
) -> pl.LazyFrame:
    """Every customer who pays now with its scores: the columns of `standing.standing_now`, `CODED` and risk_band.

    `risk_cards` is of `cards.risk_cards`, `calibrations` of `calibration.risk_calibrations`.
    """
    known, by_past = cards.read(risk_cards.pipe(collected)), calibration.read(calibrations)
    seen = standing.select("account_id", "code").unique().sort("account_id", "code").pipe(collected)
    rows = [(account, code, *_scored(account, known[account], by_past, code)) for account, code in seen.iter_rows()]
    chance, stays = pl.col("probability_90d"), ~pl.col("leaving")
    mean = chance.filter(stays).mean().over("account_id")
    band = pl.lit(LOW)
    for name, times in reversed(BANDS):
        band = pl.when(chance >= times * mean).then(pl.lit(name)).otherwise(band)
    return (
        standing.join(pl.LazyFrame(rows, schema=CODED, orient="row"), on=["account_id", "code"])
        .with_columns(risk_band=pl.when(chance >= EVEN).then(pl.lit(HIGH)).otherwise(band))
        .sort(CUSTOMER)
    )


def with_risk(customers: pl.LazyFrame, risk_scores: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """`marts.customers`: the customers with their score, null where they don't pay now."""
    scored = risk_scores.select(*CUSTOMER, pl.col("risk_score").cast(pl.Float64))
    return customers.drop("risk_score").join(scored, on=CUSTOMER, how="left").sort(CUSTOMER)


def at_risk_accounts(
    risk_scores: pl.LazyFrame,
    signals: pl.LazyFrame,
    risk_cards: pl.LazyFrame,
    customers: pl.LazyFrame,
    scheduled_churn: pl.LazyFrame,
    customer_ltv: pl.LazyFrame,
    terms: Terms,
) -> pl.LazyFrame:
    """`marts.at_risk_accounts`: whoever is in a band above low for something that happened, and whoever is leaving.

    `risk_scores` is of the function of that name, `signals` of `standing.signals_now`, `risk_cards` of
    `cards.risk_cards`, the others are marts.
    """
    listed = pl.col("leaving") | (pl.col("risk_band") != LOW)
    paying = customers.select(*CUSTOMER, "mrr", "currency", "mrr_reporting")
    open_rows = risk_scores.filter(listed).join(paying, on=CUSTOMER).sort(CUSTOMER).pipe(collected)
    known = cards.read(risk_cards.pipe(collected))
    holding = _by_customer(signals.join(open_rows.lazy(), on=CUSTOMER, how="semi").sort(_ORDER))
    for_good = scheduled_churn.filter("leaves", pl.col("kind") != "paused")
    ends = _by_customer(for_good.sort(*CUSTOMER, "ends_at", "subscription_id"))
    months = {row["account_id"]: row["lifetime_months"] for row in _of_all(customer_ltv).iter_rows(named=True)}
    rows = []
    for row in open_rows.iter_rows(named=True):
        customer, account = (row["account_id"], row["customer_id"]), row["account_id"]
        left = months.get(account) or MONTHS_LEFT
        if row["leaving"]:
            rows.append(_leaving(row, ends.get(customer, []), left, terms))
            continue
        flag = _flag(row, known[account][row["score_kind"]], holding.get(customer, []), terms)
        if flag is not None:
            chance = Decimal(str(row["probability_90d"]))
            rows.append(_row(row) | flag | {"expected_loss_reporting": round(chance * row["mrr_reporting"] * left)})
    made = pl.LazyFrame(rows, schema=AtRiskAccounts.create_empty().schema)
    return made.sort("account_id", *_listed_order(), descending=[False, True, True, False])


_ORDER = [*CUSTOMER, "feature", "level", "from_at", "subject"]


def _listed_order() -> tuple[pl.Expr, ...]:
    """The high band first, then by what there is to lose; those who are leaving are in the high one."""
    return pl.col("risk_band") == HIGH, pl.col("expected_loss_reporting"), pl.col("customer_id")


def _scored(
    account: str, of: Mapping[str, Card], by_past: Mapping[tuple[str, str, int], Calibration], code: int
) -> tuple[object, ...]:
    """The columns of `CODED` beside account and code."""
    scores = {kind: of[kind].score(code) for kind in KINDS}
    chances = {
        (kind, days): by_past.get((account, kind, days), Calibration()).of(of[kind].chance(code, days))
        for kind in KINDS
        for days in HORIZONS
    }
    leading = leads({kind: chances[kind, LEADING] for kind in KINDS})
    within = [1 - (1 - chances[PAYMENT, days]) * (1 - chances[VOLUNTARY, days]) for days in HORIZONS]
    by_kind = [*(scores[kind] for kind in KINDS), *(chances[kind, LEADING] for kind in KINDS)]
    return leading, scores[leading], *by_kind, *within, of[leading].basis


def _by_customer(frame: pl.LazyFrame) -> dict[tuple[str, str], list[dict[str, Any]]]:
    rows: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for row in frame.pipe(collected).iter_rows(named=True):
        rows[row["account_id"], row["customer_id"]].append(row)
    return rows


def _of_all(customer_ltv: pl.LazyFrame) -> pl.DataFrame:
    return customer_ltv.filter(segment="all").select("account_id", "lifetime_months").pipe(collected)


def _row(of: Mapping[str, Any]) -> dict[str, Any]:
    """The columns that are taken as they are."""
    taken = {name: of[name] for name in AtRiskAccounts.column_names() if name in of}
    return taken | {"flag_version": VERSION, "mrr_at_risk_reporting": of["mrr_reporting"], "invoice_id": None}


def _flag(
    of: Mapping[str, Any], card: Card, signals: Sequence[Mapping[str, Any]], terms: Terms
) -> dict[str, Any] | None:
    """What the flag says beside the scores; None where nothing happened that has points."""
    levels, happened = held(of["code"]), raised(of["code"], card)
    if not happened:
        return None
    place, _ = max(happened, key=lambda one: (card.weights[one], -one[0]))
    about = _about(place, signals)
    same = [one for one in signals if one["feature"] == place and one["subject"] == about["subject"]]
    owed = _owed(signals)
    kind = of["score_kind"]
    ends = [one["until_at"] for one in same if one["until_at"] is not None]
    return {
        "flag_id": flag_id(of["account_id"], of["customer_id"], kind, FEATURES[place].name, about["subject"]),
        "trigger": FEATURES[place].name,
        "flagged_at": min(one["from_at"] for one in same),
        "expires_at": min([*ends, terms.as_of + HOLDS[kind]]),
        "reasons": _reasons(levels, card, signals),
        "recommended_action": _action(place, dict(levels)),
        "invoice_id": owed["subject"] if owed else None,
        "subscription_id": (owed or of)["subscription_id"] or of["subscription_id"],
    }


def _about(place: int, signals: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """The window that tells most of a feature: the highest level, and of those the oldest."""
    of_feature = [one for one in signals if one["feature"] == place]
    return min(of_feature, key=lambda one: (-one["level"], one["from_at"], one["subject"]))


def _owed(signals: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The window of the invoice that failed most, or is overdue."""
    for name in ("failed_attempts", "overdue"):
        if any(one["feature"] == BY_NAME[name] for one in signals):
            return _about(BY_NAME[name], signals)
    return None


def _reasons(levels: Sequence[tuple[int, int]], card: Card, signals: Sequence[Mapping[str, Any]]) -> list[str]:
    """Every level that has points, most first, and at last the base, so that they add up to the score."""
    weighed = sorted(((card.weights[one], one) for one in levels), key=lambda each: (-each[0], each[1]))
    told = [
        f"{points:+d} {FEATURES[place].levels[level - 1].reason(_about(place, signals)['detail'])}"
        for points, (place, level) in weighed
        if points
    ]
    return [*told, f"{card.bases[LEADING]:+d} base of every account"]


def _action(place: int, levels: Mapping[int, int]) -> str:
    """What is recommended; of a failing invoice the last answer of the bank decides."""
    declined = levels.get(BY_NAME["decline"], 0)
    if FEATURES[place].name in ("failed_attempts", "decline"):
        if declined == ASKS_AUTHENTICATION:
            return "send_invoice"
        if declined in REFUSED_FOR_GOOD:
            return "send_card_update"
    return FEATURES[place].action


def _leaving(of: Mapping[str, Any], ends: Sequence[Mapping[str, Any]], left: Decimal, terms: Terms) -> dict[str, Any]:
    """The row of an account that has announced its end, which no score foretells any more."""
    last = ends[-1] if ends else None
    subscription = last["subscription_id"] if last else of["subscription_id"]
    feedback = last["feedback"] if last else None
    since = (last["asked_at"] or last["ends_at"] - SOON) if last else terms.as_of
    said = f", says {feedback}" if feedback else ""
    return _row(of) | {
        "score_kind": LEAVING,
        "risk_band": HIGH,
        "flag_id": flag_id(of["account_id"], of["customer_id"], LEAVING, "announced", str(subscription)),
        "trigger": "announced",
        "flagged_at": since,
        "expires_at": last["ends_at"] if last else terms.as_of + HOLDS[LEAVING],
        "reasons": [f"leaves on {last['ends_on']}{said}" if last else "all subscriptions are set to end"],
        "recommended_action": "retention_coupon" if feedback == TOO_EXPENSIVE else "contact",
        "subscription_id": subscription,
        "expected_loss_reporting": round(of["mrr_reporting"] * left),
    }


def flag_id(account: str, customer: str, kind: str, trigger: str, subject: str) -> str:
    """The same for the same account, customer, score and trigger, whenever it is asked for."""
    told = f"{account}\x1f{customer}\x1f{kind}\x1f{trigger}\x1f{subject}"
    return f"flag_{sha256(told.encode()).hexdigest()[:24]}"
