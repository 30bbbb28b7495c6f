"""The edge of the launch checklist: hands it the key and what is set up on this machine, and writes down what it found.

`billing/launch/` has the checks.
"""

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import stripe

from billing.launch.check import Check, KeyKind, Own, State, Trail
from billing.launch.checks import Checked, chosen, judged, questions_of
from billing.launch.questions import ask
from billing.webhooks.occasions import KINDS
from billing.wire import Standing, Wire, standing
from pipelines import accounts, actions, notices
from pipelines.errors import SettingsError
from pipelines.extract.account import DEFAULT_LABEL, Account
from pipelines.settings import Settings
from pipelines.terminal import printable

SIGNS = {State.PASS: "✓", State.FAIL: "✗", State.UNKNOWN: "?"}


@dataclass(frozen=True)
class Checklist:
    """What was found in one account; `label` is its name in the file of accounts, if there are several."""

    label: str
    standing: Standing
    checked: tuple[Checked, ...]

    @property
    def fails(self) -> bool:
        """Whether something is to be done."""
        return any(each.verdict.state is State.FAIL for each in self.checked)


def examine(settings: Settings, without: Collection[str] = ()) -> list[Checklist]:
    """Ask every account that has a key of its own; connected ones are for their owners to set up.

    Raises:
        RevenueError: no key, or a file of accounts that makes no sense.
        BillingError: there is no such check, or Stripe does not know the key or can't be asked.
    """
    checks = chosen(without)
    whom = [each for each in accounts.of(settings, connected=lambda platform: ()) if each.connected is None]
    if not whom:
        raise SettingsError("No account here has a key of its own to ask with.")
    return [_examined(settings, account, checks) for account in whom]


def lines(found: Sequence[Checklist]) -> Iterator[str]:
    """For a person: each area with its checks, what was found, and what to do."""
    for each in found:
        name = "" if each.label == DEFAULT_LABEL else f"{each.label}: "
        mode = "live" if each.standing.is_live else "test"
        yield f"{name}{each.standing.account_id} in {mode} mode"
        for area, checked in groupby(each.checked, key=lambda one: one.check.area):
            yield ""
            yield area
            yield from (printable(line) for one in checked for line in _lines(one))
        yield ""
        yield _summary(each.checked)


def as_json(found: Sequence[Checklist]) -> str:
    """For scripts: one object an account."""
    told = [
        {
            "account_id": each.standing.account_id,
            "label": each.label,
            "livemode": each.standing.is_live,
            "asked_at": each.standing.at.isoformat(),
            "checks": [
                {
                    "name": one.check.name,
                    "area": one.check.area,
                    "need": one.check.need,
                    "state": one.verdict.state.value,
                    "found": one.verdict.found,
                    "remedy": one.remedy,
                }
                for one in each.checked
            ],
        }
        for each in found
    ]
    return json.dumps(told, indent=2)


def _lines(one: Checked) -> Iterator[str]:
    yield f"  {SIGNS[one.verdict.state]} {one.check.need}. {one.verdict.found}"
    if one.remedy:
        yield f"      {one.check.name}: {one.remedy}"


def _summary(checked: Sequence[Checked]) -> str:
    counts = {state: sum(one.verdict.state is state for one in checked) for state in State}
    return f"{counts[State.PASS]} pass, {counts[State.FAIL]} fail, {counts[State.UNKNOWN]} can't be known by asking."


def _examined(settings: Settings, account: Account, checks: Sequence[Check]) -> Checklist:
    wire = Wire(account.key, account.base_url)
    whose = standing(wire)
    answers = ask(wire, questions_of(checks))
    return Checklist(account.label, whose, tuple(judged(checks, answers, _own(settings, account, whose), whose.at)))


def _own(settings: Settings, account: Account, whose: Standing) -> Own:
    writes = settings.stripe_write_key.get_secret_value().strip() if settings.stripe_write_key else ""
    secrets = [sender.secrets for sender in accounts.senders(settings) if sender.account.label == account.label]
    return Own(
        is_live=whose.is_live,
        key=_kind(account.key),
        write_key=_kind(writes) if writes else None,
        pinned_version=stripe.api_version,
        answered_version=whose.api_version,
        event_types=tuple(kind.type for kind in KINDS),
        has_webhook_secret=any(secrets),
        has_dispute_texts=settings.disputes_file is not None,
        notices=_notices(settings),
        trail=_trail(settings),
    )


def _notices(settings: Settings) -> tuple[str, ...] | None:
    """The mails that are wanted, where a server is named that sends them."""
    asked = notices.chosen(settings)
    return tuple(asked.send) if asked is not None and settings.smtp else None


def _kind(key: str) -> KeyKind:
    return "restricted" if key.startswith("rk_") else "secret"


def _trail(settings: Settings) -> Trail | None:
    """The trail, where there is one: looking for it makes no database."""
    if not settings.operations_url and not settings.operations_file.exists():
        return None
    head, faults = actions.examined(settings)
    return Trail(head.seq, len(faults))
