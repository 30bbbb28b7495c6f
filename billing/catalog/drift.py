"""How an account differs from the catalogue file, and the steps that make it so. Pure: values in, values out.

Both sides are compared in the file's own words. Where Stripe lets nobody change what differs, a price is made anew and
takes the lookup key over; a promotion code is turned off and made anew; of a meter and a coupon it is told, since their
names are their identity.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from billing.catalog import requests
from billing.catalog.account import DEFAULT, REPLACES, Account, Kind, is_active, key_of, metadata_of
from billing.catalog.change import Change, Verb
from billing.catalog.entries import Catalog, Price, Product, TaxBehavior
from billing.catalog.imported import entry_of
from billing.catalog.requests import MADE, SENT, Ids
from billing.wire import Body

KEPT_WHERE_UNSAID = frozenset({"statement_descriptor", "default_price"})
"""What Stripe lets nobody take away: a file that does not say it leaves it as it is."""
APART = frozenset({"metadata", "archived", "prices", "default_price"})
"""What is compared by rules of its own."""
UNSPECIFIED: TaxBehavior = "unspecified"

SECTIONS: Mapping[Kind, str] = {
    "meter": "meters",
    "product": "products",
    "price": "prices",
    "coupon": "coupons",
    "promotion_code": "promotion_codes",
    "portal": "portals",
}
"""Where the file has the entries of a kind."""

ORDER: Sequence[tuple[str, Kind]] = (
    ("make", "meter"),
    ("make", "product"),
    ("make", "price"),
    ("default", "product"),
    ("make", "coupon"),
    ("free", "promotion_code"),
    ("make", "promotion_code"),
    ("make", "portal"),
    ("archive", "promotion_code"),
    ("archive", "coupon"),
    ("archive", "price"),
    ("archive", "product"),
    ("archive", "meter"),
    ("archive", "portal"),
)
"""What rests on something comes after it, and goes before it."""


@dataclass(frozen=True)
class Difference:
    """One word of the file that is another in the account; None where it is not said there."""

    word: str
    now: Any
    wanted: Any


@dataclass(frozen=True)
class Step:
    """One change, why, and where it stands in the order of things."""

    change: Change
    differences: tuple[Difference, ...] = ()
    phase: str = "make"

    @property
    def what(self) -> str:
        """In a word what happens: `replace` where a new object takes an old one's place."""
        return "replace" if self.change.verb == "create" and self.change.replaces else self.change.verb


@dataclass(frozen=True)
class Blocked:
    """What differs and can't be made so, and what to do."""

    kind: Kind
    key: str
    differences: tuple[Difference, ...]
    why: str


@dataclass(frozen=True)
class Unlisted:
    """What the account has for sale and the file does not name."""

    kind: Kind
    key: str
    id: str
    name: str | None


@dataclass(frozen=True)
class Drift:
    """All that differs; nothing where the account is as the file says."""

    steps: tuple[Step, ...] = ()
    blocked: tuple[Blocked, ...] = ()
    unlisted: tuple[Unlisted, ...] = ()


def drift(catalog: Catalog, account: Account) -> Drift:
    """What is to be done so that the account is as the catalogue says.

    Raises:
        UsageError: the account has something under a key of the file that a file has no words for.
    """
    found = _Found(catalog, account)
    found.compare_all()
    order = {each: place for place, each in enumerate(ORDER)}
    steps = sorted(found.steps, key=lambda step: order[step.phase, step.change.kind])
    return Drift(tuple(steps), tuple(found.blocked), tuple(_unlisted(catalog, account, found.replaced)))


@dataclass
class _Found:
    """What is found while both sides are gone through, prices first: what is made of them others rest on."""

    catalog: Catalog
    account: Account
    steps: list[Step] = field(default_factory=list)
    blocked: list[Blocked] = field(default_factory=list)
    replaced: set[str] = field(default_factory=set)
    made: set[str] = field(default_factory=set)

    def compare_all(self) -> None:
        for product_id, key, entry in self.catalog.prices():
            self._compare_price(product_id, key, entry)
        self._archive_what_was_replaced()
        seen = replace(self.account, retired=frozenset(self.replaced))
        ids = Ids(seen, frozenset(self.made))
        parts: Mapping[Kind, Mapping[str, Any]] = {
            "meter": self.catalog.meters,
            "product": self.catalog.products,
            "coupon": self.catalog.coupons,
            "promotion_code": self.catalog.promotion_codes,
            "portal": self.catalog.portals,
        }
        for kind, entries in parts.items():
            for key, entry in entries.items():
                self._compare(kind, key, entry, seen, ids)
        for key, product in self.catalog.products.items():
            self._compare_default(key, product, seen, ids)
        self._archive_what_is_listed()
        self._leave_defaults()

    def _compare(self, kind: Kind, key: str, wanted: Any, account: Account, ids: Ids) -> None:
        held = account.by_key.get((kind, key))
        if held is None:
            self._create(kind, key, wanted, ids)
            return
        now = entry_of(kind, held, account)
        if wanted.archived:
            self._archive(kind, key, held)
            return
        differences = compared(now, wanted)
        for_good = [each for each in differences if not _is_open(kind, each, now, wanted)]
        if for_good and kind == "promotion_code":
            self._follow(key, wanted, held, ids, differences)
        elif for_good:
            self.blocked.append(Blocked(kind, key, tuple(differences), _ADVICE[kind]))
        else:
            whole = MADE[kind](key, wanted, ids)
            self._update(kind, key, held, whole, differences, now, wanted)

    def _create(self, kind: Kind, key: str, wanted: Any, ids: Ids) -> None:
        if wanted.archived:
            return
        if kind == "portal" and (key == DEFAULT or key.startswith("bpc_")):
            why = (
                "Stripe makes it when the portal's settings are first saved in its dashboard" if key == DEFAULT else ""
            )
            self.blocked.append(Blocked(kind, key, (), why or "there is none of that id: give it a name of your own"))
            return
        self.steps.append(Step(Change(verb="create", kind=kind, key=key, values=MADE[kind](key, wanted, ids))))

    def _update(
        self,
        kind: Kind,
        key: str,
        held: Body,
        whole: Mapping[str, Any],
        differences: Sequence[Difference],
        now: Any,
        wanted: Any,
    ) -> None:
        """Make it so, and let it be had again where it was archived."""
        if not is_active(kind, held):
            self._step("restore", kind, key, held, {}, [Difference("archived", now=True, wanted=False)])
        if differences:
            fields = [each.word for each in differences]
            self._step("update", kind, key, held, requests.changed(kind, dict(whole), fields, now, wanted), differences)

    def _step(
        self,
        verb: Verb,
        kind: Kind,
        key: str,
        held: Body,
        values: dict[str, Any],
        differences: Sequence[Difference] = (),
        phase: str = "make",
    ) -> None:
        change = Change(verb=verb, kind=kind, key=key, id=str(held["id"]), values=values)
        self.steps.append(Step(change, tuple(differences), phase))

    def _archive(self, kind: Kind, key: str, held: Body, phase: str = "archive") -> None:
        if is_active(kind, held):
            difference = Difference("archived", now=False, wanted=True)
            self._step("archive", kind, key, held, {}, [difference], phase)

    def _follow(self, key: str, wanted: Any, held: Body, ids: Ids, differences: Sequence[Difference]) -> None:
        """A code in another's place: that one is off before, since a code is one active one's alone."""
        self._archive("promotion_code", key, held, "free")
        values = requests.promotion_code(key, wanted, ids)
        change = Change(verb="create", kind="promotion_code", key=key, values=values, replaces=str(held["id"]))
        self.steps.append(Step(change, tuple(differences)))

    def _compare_price(self, product_id: str, key: str, wanted: Price) -> None:
        held = self.account.by_key.get(("price", key))
        ids = Ids(self.account)
        if held is None:
            if not wanted.archived:
                self._sell(product_id, key, wanted, ids, None, ())
            return
        if wanted.archived:
            self._archive("price", key, held)
            return
        now = entry_of("price", held, self.account)
        differences = compared(now, wanted)
        if held["product"] != product_id:
            differences.append(Difference("product", held["product"], product_id))
        if all(_is_open("price", each, now, wanted) for each in differences):
            whole = requests.price(key, wanted, ids, product_id)
            self._update("price", key, held, whole, differences, now, wanted)
            return
        self.replaced.add(str(held["id"]))
        self._sell(product_id, key, wanted, ids, str(held["id"]), differences)
        self._archive("price", key, held)

    def _sell(
        self,
        product_id: str,
        key: str,
        wanted: Price,
        ids: Ids,
        replaces: str | None,
        differences: Sequence[Difference],
    ) -> None:
        self.made.add(key)
        values = requests.price(key, wanted, ids, product_id, replaces)
        change = Change(verb="create", kind="price", key=key, values=values, replaces=replaces)
        self.steps.append(Step(change, tuple(differences)))

    def _archive_what_was_replaced(self) -> None:
        """Of an apply that was interrupted: the new price is there, and the old one is still for sale."""
        named = {str(held["id"]) for _, key, _ in self.catalog.prices() if (held := self._held_price(key))}
        for _, key, _ in self.catalog.prices():
            held = self._held_price(key)
            old = self.account.by_id.get(metadata_of(held).get(REPLACES, "")) if held else None
            if old and old["id"] not in named and is_active("price", old):
                self.replaced.add(str(old["id"]))
                self._archive("price", key_of("price", old), old)

    def _archive_what_is_listed(self) -> None:
        for kind, section in SECTIONS.items():
            for key in getattr(self.catalog.archive, section):
                held = self.account.by_key.get((kind, key))
                if held is not None:
                    self._archive(kind, key, held)

    def _held_price(self, key: str) -> Body | None:
        return self.account.by_key.get(("price", key))

    def _compare_default(self, key: str, wanted: Product, account: Account, ids: Ids) -> None:
        """The default price; one that the file does not name follows to the price that takes its place."""
        held = account.by_key.get(("product", key))
        default = held["default_price"] if held else None
        wanted_key = wanted.default_price
        if wanted_key is None and default in self.replaced:
            wanted_key = key_of("price", account.by_id[default])
        now = account.key_of_id("price", default) if default else None
        if wanted.archived or wanted_key is None or wanted_key == now or wanted_key not in wanted.prices:
            return
        values = {"default_price": ids.price(wanted_key)}
        difference = Difference("default_price", now, wanted_key)
        self._step("update", "product", key, held or {"id": key}, values, [difference], "default")

    def _leave_defaults(self) -> None:
        """Stripe archives no price that is its product's default: without another one it is told, not tried."""
        settled = {step.change.id for step in self.steps if step.phase == "default"}
        defaults = {str(each["default_price"]) for each in self.account.products if each["id"] not in settled}
        for step in [*self.steps]:
            change = step.change
            if change.kind == "price" and change.verb == "archive" and change.id in defaults:
                self.steps.remove(step)
                self.blocked.append(Blocked("price", change.key, step.differences, _ADVICE["price"]))


_ADVICE: Mapping[Kind, str] = {
    "price": "it is its product's default price: name another one as default_price",
    "meter": "a meter counts as it was made to: archive it, and make another under another event name",
    "coupon": "a coupon's terms are for good: archive it, and make another under another id",
}


def compared(now: Any, wanted: Any) -> list[Difference]:
    """The words in which two entries of a kind differ, but for those that have rules of their own."""
    found = []
    for word in type(wanted).model_fields:
        before, after = getattr(now, word), getattr(wanted, word)
        if word in APART or (word in KEPT_WHERE_UNSAID and after is None):
            continue
        if _comparable(word, before) != _comparable(word, after):
            found.append(Difference(word, before, after))
    if "metadata" in type(wanted).model_fields and requests.metadata_differs(now, wanted):
        named = {key: now.metadata[key] for key in wanted.metadata if key in now.metadata}
        found.append(Difference("metadata", named, wanted.metadata))
    return found


def _comparable(word: str, value: Any) -> Any:
    """The order of things that are a set counts for nothing."""
    if word in ("customer_update", "features") and isinstance(value, tuple):
        return sorted(value)
    if word == "subscription_cancel" and value is not None:
        return value.model_copy(update={"reasons": tuple(sorted(value.reasons))})
    if word == "subscription_update" and value is not None:
        sets = {"allow": tuple(sorted(value.allow)), "at_period_end": tuple(sorted(value.at_period_end))}
        products = {
            key: each.model_copy(update={"prices": tuple(sorted(each.prices))}) for key, each in value.products.items()
        }
        return value.model_copy(update=sets | {"products": products})
    return value


def _is_open(kind: Kind, difference: Difference, now: Any, wanted: Any) -> bool:
    """Whether Stripe lets it be changed: a further currency may be added, and a tax behaviour be said once."""
    if difference.word == "currencies":
        return all(wanted.currencies.get(code) == option for code, option in now.currencies.items())
    if difference.word == "tax_behavior":
        return bool(now.tax_behavior == UNSPECIFIED and not now.currencies)
    return difference.word in SENT[kind]


def _unlisted(catalog: Catalog, account: Account, replaced: set[str]) -> Iterator[Unlisted]:
    """What is for sale and not named; of a price that is about to be archived nothing is told."""
    keys = catalog.keys()
    named = {kind: keys[section] | set(getattr(catalog.archive, section)) for kind, section in SECTIONS.items()}
    for kind, bodies in account.kinds().items():
        for body in bodies:
            key = key_of(kind, body)
            is_named = key in named[kind] or str(body["id"]) in named[kind]
            if is_active(kind, body) and not is_named and str(body["id"]) not in replaced:
                name = body.get("name") or body.get("nickname") or body.get("display_name")
                yield Unlisted(kind, key, str(body["id"]), name)
