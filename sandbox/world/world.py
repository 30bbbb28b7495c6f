"""The simulated business as it lives: grown to an instant, and on from there, always the same for the same settings.

Puts the stage together and plays its agenda. The rules are in the acts; this file only says which act a name means.
"""

from collections.abc import Callable
from typing import Any

from sandbox.forms import shown_form
from sandbox.store import Store
from sandbox.world import (
    aftermath,
    amendments,
    behaviour,
    cancellations,
    cases,
    changes,
    crediting,
    metering,
    payments,
    schedules,
    settling,
    signups,
    subscriptions,
    versions,
    wallets,
)
from sandbox.world.balance import Balance
from sandbox.world.books import Books
from sandbox.world.business import Business
from sandbox.world.clocks import TestClocks
from sandbox.world.growth import arrivals_of
from sandbox.world.periods import DAY, add_months
from sandbox.world.rates import Rates
from sandbox.world.render import Renderer
from sandbox.world.shapes import account, portal_configuration, tax_settings
from sandbox.world.stage import EVENT_DAYS, Stage
from sandbox.world.state import Offer

_ACTS: dict[str, Callable[..., object]] = {
    f"{module.__name__.rpartition('.')[2]}.{name}": getattr(module, name)
    for module, names in (
        (amendments, "collect_when_due end_when_due"),
        (aftermath, "foresee warn refund arrive bounce part forget"),
        (cases, "dispute answer rule lapse"),
        (crediting, "credit_before_payment"),
        (behaviour, "visit"),
        (settling, "mind"),
        (wallets, "follow_link"),
        (signups, "come_back begin_other give_up_trial"),
        (payments, "attempt collect retry_first expire_first remit settle fall_due write_off"),
        (schedules, "agree"),
        (subscriptions, "renew"),
        (changes, "resume collect_again"),
        (cancellations, "keep cancel_for_dispute"),
    )
    for name in names.split()
}


class World:
    """A business and its Stripe account: `store` holds the objects, `books` the truth, `now` the clock."""

    def __init__(self, business: Business | None = None, store: Store | None = None) -> None:
        self.business = business or Business()
        self.store = store or Store()
        self.rates = Rates(self.business.seed)
        self._renderer = Renderer(self.business)
        balance = Balance(seed=self.business.seed, rates=self.rates, put=self._put_money, tell=self._tell_payout)
        self.books = Books(cash=balance.cash, payouts=balance.paid_out)
        notice = self._older if self.business.event_api_version == versions.OLD_VERSION else shown_form
        self.stage = Stage(self.business, self.store, self.books, balance, self._renderer, notice)
        self._renderer.products = self.stage.product_ids
        self.stage.clocks = TestClocks(self.stage, self._renderer, self._play)
        self.stage.later(self.business.start, "world.found")

    @classmethod
    def grown(cls, business: Business | None = None, store: Store | None = None) -> "World":
        """The world at the business's end."""
        world = cls(business, store)
        world.advance_to(world.business.end)
        return world

    @property
    def now(self) -> int:
        """The instant the world has lived to."""
        return self.stage.now

    def advance_to(self, epoch: int) -> None:
        """Let everything happen that happens until that instant, and make the store say so.

        Events of the last thirty days before it are kept. Errors: ValueError for an instant in the past.
        """
        stage = self.stage
        if epoch < stage.now:
            raise ValueError(f"the world is at {stage.now} and cannot go back to {epoch}")
        stage.tell_events_from(epoch - EVENT_DAYS * DAY)
        self._play(stage, epoch)
        stage.forget_events(epoch - EVENT_DAYS * DAY)
        stage.show_balance()

    def _play(self, stage: Stage, until: int) -> None:
        """Let everything happen that is on the stage's agenda until that instant."""
        while (act := stage.next_until(until)) is not None:
            name, what = act
            _ACTS[name](stage, *what) if name in _ACTS else getattr(self, name.replace("world.", "_"))(*what)
        stage.now = until
        stage.write()

    def _found(self) -> None:
        """The account opens with its catalogue; each day then brings newcomers, and the bank's round."""
        business, stage, now = self.business, self.stage, self.now
        self.store.put(
            account(
                id=business.account_id,
                created=now,
                display_name=business.name,
                email="owner@example.com",
                country=business.country,
                default_currency=business.default_currency,
                timezone=business.timezone,
            )
        )
        self.store.put({**tax_settings(), "id": "tax_settings"})
        if business.has_portal:
            stage.put(portal_configuration(id=business.id("bpc_1", 23, "default"), created=now, is_default=True))
        for product in business.products:
            stage.put(self._renderer.product(product, now), "product.created")
        for counted in sorted({price.product for price in stage.prices.values() if price.usage_type == "metered"}):
            metering.found(stage, counted, counted.title())
        for rate in stage.tax_rates.values():
            stage.put(self._renderer.tax_rate(rate, now), "tax_rate.created")
        for coupon in stage.coupons.values():
            stage.put(self._renderer.coupon(coupon, now), "coupon.created")
            if coupon.deleted_month is not None:
                stage.later(add_months(now, coupon.deleted_month), "world.delete_coupon", coupon.id)
        for price in stage.prices.values():
            stage.later(
                add_months(now, price.from_month), "world.offer", Offer(price, add_months(now, price.from_month))
            )
        for month in sorted({price.until_month for price in stage.prices.values() if price.until_month is not None}):
            stage.later(add_months(now, month), "world.raise_prices", month)
        self._newcomers = arrivals_of(business)
        if business.end - schedules.AGREED_BEFORE > now:
            stage.later(business.end - schedules.AGREED_BEFORE, "schedules.agree")
        stage.later(now, "world.day")

    def _offer(self, offer: Offer) -> None:
        self.stage.put(self._renderer.price(offer), "price.created", "plan.created")

    def _delete_coupon(self, coupon_id: str) -> None:
        self.stage.delete("coupon", coupon_id, "coupon.deleted")

    def _raise_prices(self, month: int) -> None:
        behaviour.raise_prices(self.stage, month)

    def _day(self) -> None:
        stage = self.stage
        stage.balance.tick(stage.now)
        for no, at in next(self._newcomers):
            stage.later(at, "world.arrive", no)
        stage.later(stage.now + DAY, "world.day")

    def _arrive(self, no: int) -> None:
        signups.arrive(self.stage, no)

    def _put_money(self, shape: dict[str, Any]) -> None:
        self.stage.put(shape)

    def _tell_payout(self, at: int, event: str, payout: dict[str, Any], previous: dict[str, Any] | None) -> None:
        self.stage.tell(event, payout)

    def _older(self, shape: dict[str, Any]) -> dict[str, Any]:
        return versions.older(shape, self.store)
