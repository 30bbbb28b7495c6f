"""What is known of subscriptions and their items, whatever the rules: gathered once, followed by many policies.

Each part is collected when it is first asked for, and kept.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

import polars as pl

from models.absences import ABSENCES, absent, patience
from models.lives import lives
from models.observations import (
    CREDIT,
    ITEM,
    REGULAR,
    SUBSCRIPTION,
    live_items,
    observations,
    unbilled,
    version_observations,
)
from models.plans import collected
from models.policy import MetricPolicy
from models.states import ENTITY, amended, in_order
from models.steady import steady
from models.terms import Terms
from models.usage import usage

COUPONS = ("item_coupons", "invoice_coupons")


@dataclass(frozen=True)
class Known:
    """The facts of an account as of an instant. `terms.policy` is not looked at."""

    staging: Mapping[str, pl.LazyFrame]
    terms: Terms
    _told: dict[str, pl.DataFrame] = field(default_factory=dict, repr=False)
    _observed: dict[tuple[object, ...], pl.DataFrame] = field(default_factory=dict, repr=False)

    @cached_property
    def lives(self) -> pl.DataFrame:
        """`lives.lives`."""
        return lives(self.staging, self.terms).pipe(collected)

    @cached_property
    def since(self) -> datetime:
        """The first instant that anything tells of; the as-of instant where nothing does."""
        told = [self._licensed["at"].min(), self.lives["start_at"].min(), self.lives["created_at"].min()]
        return min((one for one in told if isinstance(one, datetime)), default=self.terms.as_of)

    @cached_property
    def prices(self) -> pl.DataFrame:
        """What prices say of products, intervals and usage, by account_id and price_id."""
        is_metered = pl.col("recurring_usage_type") == "metered"
        intervals = ("recurring_interval", "recurring_interval_count")
        return (
            self.staging["prices"]
            .select("account_id", "product_id", *intervals, price_id="id", is_metered=is_metered)
            .pipe(collected)
        )

    @cached_property
    def places(self) -> pl.DataFrame:
        """The items that Stripe holds now and their place in the subscription, by account_id and id."""
        items = self.staging["subscription_items"]
        return items.select("account_id", subscription_item_id="id", place="position", is_held=True).pipe(collected)

    def observed(self, policy: MetricPolicy) -> pl.DataFrame:
        """Every observation of every item that the policy may count, with the coupons that it counts."""
        key = (policy.counted_discounts, policy.metered_counts)
        if key not in self._observed:
            told = self._with_usage if policy.metered_counts else self._licensed
            self._observed[key] = self._with_counted_coupons(told, policy.counted_discounts)
        return self._observed[key]

    def absent(self, policy: MetricPolicy) -> pl.DataFrame:
        """`absences.absent` under a policy."""
        return absent({reason: self.told_of(reason) for reason in patience(policy)}, policy)

    def told_of(self, reason: str) -> pl.DataFrame:
        """The absences of a kind, whether or not a policy looks at them, in the form of `absences.Told`."""
        if reason not in self._told:
            self._told[reason] = ABSENCES[reason](self.staging, self.lives.lazy(), self.terms).pipe(collected)
        return self._told[reason]

    @cached_property
    def gapped(self) -> pl.DataFrame:
        """Subscriptions with a time that no invoice is for, before the next one or before the end."""
        billed_to = pl.col("billed_to").cum_max().shift(1).over(ITEM, order_by="at")
        gaps = self._licensed.filter(pl.col("at") > billed_to).select(SUBSCRIPTION)
        last = self._licensed.group_by(SUBSCRIPTION).agg(pl.col("billed_to").max())
        ended = self.lives.join(last, on=SUBSCRIPTION).filter(pl.col("ended_at") > pl.col("billed_to"))
        return pl.concat([gaps, ended.select(SUBSCRIPTION)]).unique()

    @cached_property
    def overlapping(self) -> pl.DataFrame:
        """Items that were billed for a time twice with nothing given back: account_id, subscription_item_id, at (when
        first the later bill takes over from the earlier one)."""
        is_bill = (pl.col("kind") == REGULAR) & pl.col("left_by").is_null()
        billed = self._licensed.filter(is_bill)
        billed_to = pl.col("billed_to").cum_max().shift(1).over(ITEM, order_by="at")
        again = billed.filter(pl.col("at") < billed_to).select([*ENTITY, "at"])
        given_back = self._licensed.filter(pl.col("kind") == CREDIT).select([*ENTITY, "at"])
        return (
            again.join(given_back, on=[*ENTITY, "at"], how="anti").group_by(ENTITY).agg(pl.col("at").min()).sort(ENTITY)
        )

    @cached_property
    def _licensed(self) -> pl.DataFrame:
        running = self.lives.lazy()
        told = observations(self.staging, running).pipe(collected)
        versions = version_observations(self.staging, running).pipe(collected)
        items = live_items(self.staging, running, self.terms).pipe(collected)
        parts = [told, unbilled(told, versions, items), versions]
        observed = pl.concat(parts, how="diagonal").with_columns(line_count=pl.lit(1, pl.Int64))
        return amended(steady(observed))

    @cached_property
    def _with_usage(self) -> pl.DataFrame:
        metered = usage(self.staging, self.lives.lazy()).pipe(collected)
        return in_order(pl.concat([self._licensed.drop("item", "place_in_order"), metered], how="diagonal"))

    @cached_property
    def _durations(self) -> Mapping[tuple[str, str], str]:
        coupons = self.staging["coupons"].select("account_id", "id", "duration").pipe(collected)
        return {(account, coupon): duration for account, coupon, duration in coupons.iter_rows()}

    def _with_counted_coupons(self, observed: pl.DataFrame, durations: Sequence[str]) -> pl.DataFrame:
        """The observations with only those coupon ids left whose duration is one of `durations`."""
        for name in COUPONS:
            told = observed.select("account_id", name).unique().filter(pl.col(name) != "")
            counted = [self._counted(account, ids, durations) for account, ids in told.iter_rows()]
            fewer = told.with_columns(counted=pl.Series(counted, dtype=pl.String)).filter(
                pl.col("counted") != pl.col(name)
            )
            if not fewer.is_empty():
                observed = (
                    observed.join(fewer, on=["account_id", name], how="left", maintain_order="left")
                    .with_columns(pl.coalesce("counted", name).alias(name))
                    .drop("counted")
                )
        return observed

    def _counted(self, account: str, ids: str, durations: Sequence[str]) -> str:
        return ",".join(one for one in ids.split(",") if self._durations.get((account, one)) in durations)
