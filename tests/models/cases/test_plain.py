"""Plain lives of subscriptions: they start, renew, end."""

from tests.models.story import Account, ledger, movements


def test_a_monthly_subscription_is_one_start_however_often_it_renews() -> None:
    """1,200 a month from 1 January, renewed on 1 February and 1 March, still running."""
    account = Account()
    account.price("team", 1200)
    account.subscription("sub_1", "cus_1", "2026-01-01", [("si_1", "team", 1)])
    for start, end in (("2026-01-01", "2026-02-01"), ("2026-02-01", "2026-03-01"), ("2026-03-01", "2026-04-01")):
        account.invoice("sub_1", [("si_1", "team", 1, start, end)])
    spine = account.spine("2026-03-15")
    assert ledger(spine) == ["2026-01-01 si_1 0 -> 1200 start"]
    assert movements(spine) == ["2026-01-01 cus_1 new +1200 usd"]
