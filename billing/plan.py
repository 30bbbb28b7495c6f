"""Plans: turns flags into proposed actions by the rules, each with its reason, its exact effect and its cost.

Asks Stripe how things stand and changes nothing there. Planning again finds the same actions and adds none.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from billing.actions.action import Action, Effect, Params, Subject
from billing.actions.catalogue import ACTIONS
from billing.book import Planned, action_id_of, expire, known, propose, states_of
from billing.canonical import canonical, digest
from billing.errors import StripeRefusedError, UsageError
from billing.flags import ID, Flag
from billing.rules import Rule, Rules
from billing.store import Store
from billing.wire import Standing, Wire, path

PLANNER = "planner"
BY_HAND = "by-hand"
"""The name in place of a rule's for what a person proposed."""
DIRECT = "direct"
"""The name in place of a rule's for what a person, or the company's own code, ordered to be done at once."""
NOBODY = "none"
"""In place of a customer's id where an action is no customer's own."""


@dataclass(frozen=True)
class Passed:
    """A flag of which nothing was made, and why."""

    flag_id: str
    customer_id: str
    why: str


@dataclass(frozen=True)
class Plan:
    """What planning found: new actions, how many were there already, and the flags that were passed over."""

    new: tuple[Planned, ...]
    known: int
    passed: tuple[Passed, ...]


def plan(store: Store, wire: Wire, standing: Standing, rules: Rules, flags: Sequence[Flag]) -> Plan:
    """Propose what the rules make of the flags.

    Raises:
        UsageError: flags of another account than the key's.
        StripeUnavailableError: Stripe can't be asked.
        StripeRefusedError: the key may not look at what an action is about.
    """
    passed: list[Passed] = []
    wanted: list[_Wanted] = []
    for flag in flags:
        found = _wanted(flag, rules, standing)
        if isinstance(found, Passed):
            passed.append(found)
        else:
            wanted.append(found)
    expire(store, standing.at, PLANNER)
    with store.reading() as connection:
        there = states_of(connection, standing.account_id)
    drafts: list[Planned] = []
    for each in wanted:
        if there.get(each.action_id, "expired") != "expired":
            continue
        draft = _drafted(wire, standing, rules, each)
        if isinstance(draft, Passed):
            passed.append(draft)
        else:
            drafts.append(draft)
    with store.writing() as transaction:
        made = propose(transaction, drafts, PLANNER)
    return Plan(tuple(made), len(wanted) - len(drafts), tuple(passed))


@dataclass(frozen=True)
class _Wanted:
    """What a rule makes of a flag."""

    flag: Flag
    rule: Rule
    subject_id: str
    action_id: str


def _wanted(flag: Flag, rules: Rules, standing: Standing) -> _Wanted | Passed:
    rule = rules.rule_for(flag)
    subject_id = _subject_of(flag, ACTIONS[rule.do]) if rule else None
    why = ""
    if flag.account_id != standing.account_id:
        why = "flag_of_another_account"
    elif flag.expires_at <= standing.at:
        why = "flag_is_expired"
    elif rule is None:
        why = "no_rule"
    elif subject_id is None:
        why = f"flag_names_no_{ACTIONS[rule.do].subject}"
    if why or rule is None or subject_id is None:
        return Passed(flag.flag_id, flag.customer_id, why)
    action_id = action_id_of(flag.account_id, standing.is_live, flag.flag_id, rule.name)
    return _Wanted(flag, rule, subject_id, action_id)


def _subject_of(flag: Flag, action: Action) -> str | None:
    named: Mapping[str, str | None] = {
        "invoice": flag.invoice_id,
        "subscription": flag.subscription_id,
        "customer": flag.customer_id,
    }
    return named.get(action.subject)


def _drafted(wire: Wire, standing: Standing, rules: Rules, wanted: _Wanted) -> Planned | Passed:
    flag, rule, subject_id, action_id = wanted.flag, wanted.rule, wanted.subject_id, wanted.action_id
    held_out = rules.holds_out(flag.account_id, flag.customer_id)
    subject = Subject(subject_id, flag.customer_id, action_id, standing.at)
    looked = looked_at(wire, ACTIONS[rule.do], subject, rule.params, standing.at)
    if isinstance(looked, str):
        return Passed(flag.flag_id, flag.customer_id, looked)
    return Planned(
        action_id=action_id,
        account_id=flag.account_id,
        livemode=standing.is_live,
        flag_id=flag.flag_id,
        flag_version=flag.flag_version,
        score_kind=flag.score_kind,
        rule=rule.name,
        rules_digest=rules.digest,
        kind=rule.do,
        customer_id=flag.customer_id,
        subject_id=subject_id,
        params=canonical(rule.params.model_dump(mode="json")),
        reasons=canonical(list(flag.reasons)),
        mrr_at_risk_reporting=str(flag.mrr_at_risk_reporting),
        expected_loss_reporting=str(flag.expected_loss_reporting),
        arm="holdout" if held_out else "treatment",
        state="held_out" if held_out else "proposed",
        planned_at=standing.at,
        expires_at=flag.expires_at,
        **columns_of(looked),
    )


def looked_at(wire: Wire, action: Action, subject: Subject, params: Params, at: datetime) -> Effect | str:
    """What an action would do as things stand; or why it must not be done."""
    try:
        facts = action.look(wire, subject, params, at)
    except StripeRefusedError as error:
        if error.status in (401, 403):
            raise
        return str(error.code)
    return action.refusal(facts, params) or action.preview(facts, params)


def columns_of(effect: Effect) -> dict[str, Any]:
    """An effect as the book's columns hold it."""
    return {
        "effect": canonical({"words": effect.words, **effect.details}),
        "amount": effect.amount,
        "cost": effect.cost,
        "currency": effect.currency,
    }


def by_hand(
    store: Store,
    wire: Wire,
    standing: Standing,
    rules: Rules,
    action: Action,
    subject_id: str,
    params: Params,
    *,
    reference: str,
    expires_at: datetime,
    actor: str,
    rule: str = BY_HAND,
    customer_id: str | None = None,
    once: bool = False,
) -> Planned:
    """Propose one action that no flag led to, as a person asks for it. `reference` tells it from another like it.

    `customer_id` is given where it can't be asked for by the subject. `once`: the reference alone says which it is,
    whatever its params.

    Raises:
        UsageError: no id, Stripe knows none such, or it must not be done as things stand.
    """
    if action.of_a_customer and not ID.fullmatch(subject_id):
        raise UsageError(f"{subject_id!r:.80} is no id of Stripe's.")
    told = canonical(params.model_dump(mode="json"))
    flag_id = _hand(action, subject_id, "" if once else told, reference)
    action_id = action_id_of(standing.account_id, standing.is_live, flag_id, rule)
    with store.reading() as connection:
        if known(connection, [action_id]):
            raise UsageError(f"That is proposed already, as {action_id}. Another like it needs another --reference.")
    customer_id = customer_id or _customer_of(wire, action, subject_id)
    effect = looked_at(wire, action, Subject(subject_id, customer_id, action_id, standing.at), params, standing.at)
    if isinstance(effect, str):
        raise UsageError(f"{action.kind} of {subject_id} can't be proposed: {effect}.")
    draft = Planned(
        action_id=action_id,
        account_id=standing.account_id,
        livemode=standing.is_live,
        flag_id=flag_id,
        flag_version=None,
        score_kind=None,
        rule=rule,
        rules_digest=rules.digest,
        kind=action.kind,
        customer_id=customer_id,
        subject_id=subject_id,
        params=told,
        reasons=canonical(["proposed by hand" if rule == BY_HAND else "ordered directly"]),
        mrr_at_risk_reporting=None,
        expected_loss_reporting=None,
        arm="none",
        planned_at=standing.at,
        expires_at=expires_at,
        **columns_of(effect),
    )
    with store.writing() as transaction:
        propose(transaction, [draft], actor)
    return draft


def id_by_hand(
    standing: Standing,
    action: Action,
    subject_id: str,
    params: Params,
    reference: str,
    rule: str = BY_HAND,
    *,
    once: bool = False,
) -> str:
    """The id that `by_hand` gives to such an action."""
    told = "" if once else canonical(params.model_dump(mode="json"))
    flag_id = _hand(action, subject_id, told, reference)
    return action_id_of(standing.account_id, standing.is_live, flag_id, rule)


def _hand(action: Action, subject_id: str, told: str, reference: str) -> str:
    return "hand_" + digest([action.kind, subject_id, told, reference])[:24]


def _customer_of(wire: Wire, action: Action, subject_id: str) -> str:
    if not action.of_a_customer:
        return NOBODY
    if action.subject == "customer":
        return subject_id
    try:
        found = wire.get(path(f"{action.subject}s", subject_id))
        if action.subject == "dispute":
            found = wire.get(path("charges", str(found["charge"])))
    except StripeRefusedError as error:
        raise UsageError(f"{subject_id} can't be looked at: {error.code}.") from None
    return str(found.get("customer") or NOBODY)
