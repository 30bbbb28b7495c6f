"""What follows a change is what would be made anew, to the last digit."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models import increment
from models.increment import ROWS, SUMS
from models.marts import CUSTOMERS, kept, names
from models.policy import PRESETS
from models.terms import Terms
from sandbox.world.business import Business
from tests.models.batched import in_increments
from tests.models.lived import living
from tests.models.story import Account, instant, rate_frame
from tests.models.test_any_history import AS_OF, RATES, Sold, account_of, sold
from tests.models.test_buckets import assert_same, whole_of, with_amounts

FIRST = [Sold(f"cus_{each}", 0, 1000, each, False, ("paid",), "runs") for each in ("usd", "eur")]
"""They are there first, and stay."""
FIRST_DAY = 20
DAILY = [(f"2026-08-{day}", "eur", "usd", f"1.{day}") for day in range(FIRST_DAY, 32)]
"""Every day has another rate."""
several = st.lists(sold, max_size=3)


@settings(max_examples=5, suppress_health_check=[HealthCheck.too_slow])
@given(
    steady=several,
    versions=st.lists(several, min_size=2, max_size=3),
    hours=st.sampled_from([0, 1, 6, 24, 40, 100]),
    late=st.integers(0, 2),
    policy=st.sampled_from(sorted(PRESETS)),
)
def test_any_history_that_changes_is_followed(
    steady: list[Sold], versions: list[list[Sold]], hours: int, late: int, policy: str
) -> None:
    """Some customers stay as they are, others have another history each time, hours or days later in the same month;
    exchange rates come some days late."""
    others = [[_of_another(one) for one in some] for some in versions]
    staging = [with_amounts(account_of([*FIRST, *steady, *some]).staging()) for some in others]
    start = instant(AS_OF)
    terms = [
        Terms(start + timedelta(hours=hours * number), "UTC", "usd", PRESETS[policy]) for number in range(len(others))
    ]
    rates = [rate_frame([*RATES, *DAILY[: max(each.as_of_day.day - FIRST_DAY - late, 0)]]) for each in terms]
    assert_same(in_increments(staging, rates, terms), whole_of(staging[-1], rates[-1], terms[-1]))


def _of_another(one: Sold) -> Sold:
    return replace(one, customer=f"{one.customer}_changing", start=one.start + 1)


def test_a_company_that_lives_on_is_followed(tmp_path: Path) -> None:
    """The sandbox's company, read again four hours later, and on other days of the month: what changed meanwhile, and
    whatever time alone made something else, is followed, and nothing has to be made anew."""
    staging, terms, rates = [], [], []
    with living(Business(seed=5, customers=80, months=12), tmp_path) as lived:
        for days in (1 / 6, 1, 5, 0):
            lived.read()
            staging.append(dict(lived.staged))
            terms.append(lived.terms())
            rates.append(lived.rates())
            lived.sandbox.advance(days=days)
    assert len({each.as_of_day for each in terms}) == 3
    made = in_increments(staging, rates, terms, always=True)
    assert_same(made, whole_of(staging[-1], rates[-1], terms[-1]))


def test_what_is_tied_together_later_counts_once() -> None:
    """A payment that nobody's name was on pays an invoice of a customer's later: only what ties them is new."""
    account = Account()
    account.price("gold", 1000)
    account.subscription("sub", "cus", "2026-08-01", [("si", "gold", 1)])
    invoice = account.invoice("sub", [("si", "gold", 1, "2026-08-01", "2026-09-01")], status="open", customer_id="cus")
    account.failed_charge(invoice, "2026-08-02")
    account.rows["charges"][0] |= {"status": "succeeded", "amount_captured": 1000}
    tie = account.rows["invoice_payments"].pop()
    staging = [with_amounts(account.staging())]
    account.rows["invoice_payments"].append({**tie, "status": "open", "created_at": instant("2026-08-20")})
    staging.append(with_amounts(account.staging()))
    terms = [Terms(instant(at), "UTC", "usd") for at in ("2026-08-20T10:00", "2026-08-20T11:00")]
    made = in_increments(staging, [rate_frame([])] * 2, terms, always=True)
    assert_same(made, whole_of(staging[-1], rate_frame([]), terms[-1]))


def test_it_is_known_of_every_frame_how_it_follows() -> None:
    public = {f"marts.{name}" for name in names(CUSTOMERS)}
    assert public | increment.names() == set(kept())
    assert not set(ROWS) & set(SUMS)
