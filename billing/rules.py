"""The rules: which flag leads to which action, how much may be done, and who is held out, as one YAML file says it.

`rules.schema.json` is the file's JSON Schema, made from the classes here; editors check against it while one writes.
"""

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationError, field_validator, model_validator

from billing import documents
from billing.actions.action import Params
from billing.actions.catalogue import ACTIONS, BY_RULE
from billing.canonical import digest
from billing.documents import Part
from billing.flags import Flag
from models import currency

DEFAULT = Path(__file__).with_name("rules.default.yaml")

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,62}$")]
Word = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")]


class Limits(Part):
    """How much may be done. What exceeds a limit waits, approved, for a later run."""

    per_run: Annotated[int, Field(ge=0, description="actions of one `apply`")] = 20
    per_day: Annotated[int, Field(ge=0, description="actions of any 24 hours, all runs together")] = 50
    per_customer: Annotated[int, Field(ge=0, description="actions on one customer in `per_customer_days`")] = 2
    per_customer_days: Annotated[int, Field(ge=1, le=365)] = 30
    cool_down_days: Annotated[int, Field(ge=0, le=365, description="days between two actions on one customer")] = 3
    amount_per_day: Annotated[
        dict[str, Annotated[int, Field(ge=0)]],
        Field(
            description="money that actions and direct orders of any 24 hours may pay back or give away, all together: "
            "currency to minor units; a currency that is not listed has no limit, and 0 lets nothing be given"
        ),
    ] = Field(default_factory=dict)

    @field_validator("amount_per_day")
    @classmethod
    def _currencies(cls, value: dict[str, int]) -> dict[str, int]:
        """In small letters, as Stripe says them: a limit of a currency that no amount is in would limit nothing."""
        codes = [code.lower() for code in value]
        unknown = [code for code in value if code.lower() not in currency.KNOWN]
        if unknown:
            raise ValueError(f"'{unknown[0]}' is no currency of Stripe's; write one such as usd")
        twice = sorted({code for code in codes if codes.count(code) > 1})
        if twice:
            raise ValueError(f"'{twice[0]}' stands twice")
        return dict(zip(codes, value.values(), strict=True))


class Holdout(Part):
    """Customers that are planned for and left alone, so that what actions do can be measured."""

    percent: Annotated[int, Field(ge=0, le=50, description="share of the customers, drawn by their id")] = 0
    salt: Annotated[str, Field(max_length=64, description="another word, another draw")] = "holdout"


class When(Part):
    """Which flags a rule is for: those that have one of the named values in each of the named columns."""

    recommended_action: Annotated[list[Word], Field(min_length=1)] | None = None
    score_kind: Annotated[list[Word], Field(min_length=1)] | None = None
    risk_band: Annotated[list[Word], Field(min_length=1)] | None = None
    min_expected_loss: Annotated[int, Field(ge=0, description="minor units of the reporting currency")] = 0

    def holds(self, flag: Flag) -> bool:
        """Whether the flag is one of them."""
        named = ("recommended_action", "score_kind", "risk_band")
        fits = all(getattr(self, name) is None or getattr(flag, name) in getattr(self, name) for name in named)
        return fits and flag.expected_loss_reporting >= self.min_expected_loss


class Rule(Part):
    """One rule; the first that a flag fits is the flag's."""

    name: Name
    when: When
    do: Word
    with_: Annotated[dict[str, Any], Field(alias="with", description="how: the action's own words")] = Field(
        default_factory=dict
    )

    @model_validator(mode="after")
    def _known(self) -> Self:
        if self.do not in BY_RULE:
            raise ValueError(f"there is no action '{self.do}' for rules; there are {', '.join(sorted(BY_RULE))}")
        params_of(self.do, self.with_)
        return self

    @property
    def params(self) -> Params:
        """How it is done."""
        return params_of(self.do, self.with_)


class Rules(Part):
    """The whole file."""

    version: Literal[1]
    stop: Annotated[bool, Field(description="true: nothing is done at all")] = False
    limits: Limits = Limits()
    holdout: Holdout = Holdout()
    rules: list[Rule]

    @model_validator(mode="after")
    def _named_once(self) -> Self:
        names = [rule.name for rule in self.rules]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"two rules are named '{twice[0]}'")
        return self

    @property
    def digest(self) -> str:
        """What the rules are, in short; recorded with every plan."""
        return digest(self.model_dump(by_alias=True))[:16]

    def rule_for(self, flag: Flag) -> Rule | None:
        """The first rule that the flag fits."""
        return next((rule for rule in self.rules if rule.when.holds(flag)), None)

    def holds_out(self, account_id: str, customer_id: str) -> bool:
        """Whether the customer is left alone; the same for every flag and every run while the salt stays."""
        drawn = int(digest([self.holdout.salt, account_id, customer_id])[:12], 16)
        return drawn % 10_000 < self.holdout.percent * 100


def load(file: Path | None = None) -> Rules:
    """The rules of a file; the default ones without it.

    Raises:
        UsageError: the file can't be read, is no YAML, or says what no rules can; the message names the place.
    """
    return documents.read(file or DEFAULT, Rules, "REVENUE_RULES")


def params_of(kind: str, given: dict[str, Any]) -> Params:
    """The words that an action is given, checked.

    Raises:
        ValueError: words that the action does not know, or values that it can't take.
    """
    try:
        return ACTIONS[kind].params.model_validate(given)
    except ValidationError as error:
        raise ValueError(f"{kind}: " + "; ".join(each.strip() for each in documents.faults(error))) from None


def schema() -> dict[str, Any]:
    """The JSON Schema of the file, with the words that each action takes."""
    made = Rules.model_json_schema(by_alias=True)
    rule = made["$defs"]["Rule"]
    rule["properties"]["do"]["enum"] = list(BY_RULE)
    rule["allOf"] = [
        {
            "if": {"properties": {"do": {"const": kind}}},
            "then": {"properties": {"with": action.params.model_json_schema()}},
        }
        for kind, action in BY_RULE.items()
    ]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **made}
