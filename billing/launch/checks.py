"""The checklist: every check in the order it is shown, and the judgment of all from one set of answers."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from billing.errors import UsageError
from billing.launch import offers, rehearsals, standing, webhooks
from billing.launch.check import Check, Own, State, Told, Verdict, unknown
from billing.launch.questions import QUESTIONS, Answer, Held, Question, Refusal

CHECKS: Final[tuple[Check, ...]] = (*standing.CHECKS, *webhooks.CHECKS, *offers.CHECKS, *rehearsals.CHECKS)


@dataclass(frozen=True)
class Checked:
    """A check and what came of it; `remedy` is empty where there is nothing to do."""

    check: Check
    verdict: Verdict
    remedy: str


def chosen(without: Collection[str] = ()) -> list[Check]:
    """Every check but those that do not concern the company.

    Raises:
        UsageError: there is no check of such a name.
    """
    strangers = sorted(set(without) - {check.name for check in CHECKS})
    if strangers:
        known = ", ".join(check.name for check in CHECKS)
        raise UsageError(f"There is no check {', '.join(strangers)}; there are {known}.")
    return [check for check in CHECKS if check.name not in without]


def questions_of(checks: Sequence[Check]) -> list[Question]:
    """What must be asked for these checks, each once."""
    wanted = {name for check in checks for name in check.asks}
    return [question for question in QUESTIONS if question.name in wanted]


def judged(checks: Sequence[Check], answers: Mapping[str, Answer], own: Own, at: datetime) -> list[Checked]:
    """What comes of the checks, by the answers to their questions, what is known here, and what time it is at
    Stripe."""
    return [_judged(check, {name: answers[name] for name in check.asks}, own, at) for check in checks]


def _judged(check: Check, answers: Mapping[str, Answer], own: Own, at: datetime) -> Checked:
    refusals = [answer for answer in answers.values() if isinstance(answer, Refusal)]
    if refusals:
        return Checked(check, unknown(f"Stripe does not tell: {refusals[0].code}."), _way_to_know(refusals))
    held = {name: answer for name, answer in answers.items() if isinstance(answer, Held)}
    verdict: Verdict = check.judge(Told(held, own, at))
    return Checked(check, verdict, "" if verdict.state is State.PASS else check.remedy)


def _way_to_know(refusals: Sequence[Refusal]) -> str:
    lacking = sorted({refusal.question.permission for refusal in refusals if refusal.needs_permission})
    return f"Give STRIPE_API_KEY Read on {', '.join(lacking)}." if lacking else "Look at it in the Dashboard."
