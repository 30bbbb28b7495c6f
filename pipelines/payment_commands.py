"""`revenue payments …` and `revenue payment-methods …`: what is asked, and how it is said; `billing/` does it."""

import getpass
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Annotated

import typer

from pipelines import ordered
from pipelines.errors import SettingsError
from pipelines.ordered import AsJson, By, Execute, Live

payments = typer.Typer(
    no_args_is_help=True,
    help="Take one-off payments, and say what a decline means. Nothing is charged without --execute.",
    epilog="docs/customers.md walks through it.",
)


methods = typer.Typer(
    no_args_is_help=True,
    help="Get payment methods on file, choose the default, take them off. Nothing is changed without --execute.",
    epilog="Card numbers never come here: a browser hands them to Stripe. docs/customers.md walks through it.",
)

Customer = Annotated[str, typer.Argument(metavar="CUSTOMER", help="Id of the customer, cus_….")]
Method = Annotated[str, typer.Argument(metavar="PAYMENT_METHOD", help="Id of the payment method, pm_….")]
ReturnUrl = Annotated[
    str | None, typer.Option(help="Where the bank's page leads back to; allows methods that have a page of their own.")
]


class Reason(StrEnum):
    """Why a payment is given up."""

    ABANDONED = "abandoned"
    DUPLICATE = "duplicate"
    FRAUDULENT = "fraudulent"
    REQUESTED_BY_CUSTOMER = "requested_by_customer"


class Usage(StrEnum):
    """When a payment method will be charged."""

    OFF_SESSION = "off_session"
    ON_SESSION = "on_session"


@payments.command()
def take(
    customer: Customer,
    amount: Annotated[str, typer.Argument(help="How much, as 49.00.")],
    currency: Annotated[str, typer.Argument(help="Of what, as eur.")],
    reference: Annotated[str, typer.Option(help="Your own name for it, such as an order's number: it is taken once.")],
    payment_method: Annotated[str | None, typer.Option(help="Id of the card; else the customer's default.")] = None,
    on_session: Annotated[
        bool, typer.Option("--on-session", help="The customer is there, and may confirm it with their bank.")
    ] = False,
    return_url: ReturnUrl = None,
    description: Annotated[str, typer.Option(help="For the receipt; nothing personal.")] = "",
    execute: Execute = False,
    live: Live = False,
    by: By = "",
    as_json: AsJson = False,
) -> None:
    """Take one payment, once for each reference. One that failed may be tried again under the same reference."""
    from billing import payments as billing
    from billing.actions.take_payment import Payment

    payment = ordered.given(
        Payment,
        reference=reference,
        amount=minor(amount, currency),
        currency=currency.lower(),
        payment_method=payment_method,
        off_session=not on_session,
        return_url=return_url,
        description=description,
    )
    order = billing.take_order(customer, payment, by=by or getpass.getuser())
    ordered.carried_out(lambda engine: order, execute=execute, live=live, as_json=as_json)


@payments.command()
def cancel(
    payment: Annotated[str, typer.Argument(metavar="PAYMENT", help="Id of the payment intent, pi_….")],
    reason: Annotated[Reason, typer.Option(help="Why.")] = Reason.ABANDONED,
    execute: Execute = False,
    live: Live = False,
    by: By = "",
    as_json: AsJson = False,
) -> None:
    """Give up a payment that is not through, such as one that waits for the customer."""
    from billing import payments as billing
    from billing.actions import cancel_payment

    order = billing.cancel_order(payment, cancel_payment.Reason(reason=reason.value), by=by or getpass.getuser())
    ordered.carried_out(lambda engine: order, execute=execute, live=live, as_json=as_json)


@payments.command()
def explain(
    code: Annotated[str, typer.Argument(help="A decline code or another code of Stripe's, as insufficient_funds.")],
    locale: Annotated[list[str] | None, typer.Option(help="The customer's languages, as de.")] = None,
    as_json: AsJson = False,
) -> None:
    """Say what a code means, whether trying again makes sense, what to do, and what the customer may be told."""
    told = ordered.explained(code, locale or ())
    if as_json:
        ordered.say_json(told)
        return
    for name, value in told.items():
        typer.echo(f"{name:<10} {value}")


@methods.command()
def setup(
    customer: Customer,
    reference: Annotated[str, typer.Option(help="Your own name for it: it is done once.")],
    payment_method: Annotated[
        str | None, typer.Option(help="Confirm it at once with this one, as pm_card_visa; else a browser does.")
    ] = None,
    usage: Annotated[
        Usage, typer.Option(help="Whether it will be charged while the customer is away.")
    ] = Usage.OFF_SESSION,
    return_url: ReturnUrl = None,
    execute: Execute = False,
    live: Live = False,
    by: By = "",
    as_json: AsJson = False,
) -> None:
    """Get a payment method on file, by a setup intent: the secret for the customer's browser is shown once."""
    from billing import payments as billing
    from billing.actions.set_up_payment_method import Setup

    wish = ordered.given(
        Setup, reference=reference, payment_method=payment_method, usage=usage.value, return_url=return_url
    )
    order = billing.set_up_order(customer, wish, by=by or getpass.getuser())
    ordered.carried_out(lambda engine: order, execute=execute, live=live, as_json=as_json)


@methods.command()
def attach(
    customer: Customer,
    payment_method: Method,
    execute: Execute = False,
    live: Live = False,
    by: By = "",
    as_json: AsJson = False,
) -> None:
    """Make a payment method the customer's. Where the customer is there, `setup` is the better way."""
    from billing import payments as billing

    order = billing.attach_order(customer, payment_method, by=by or getpass.getuser())
    ordered.carried_out(lambda engine: order, execute=execute, live=live, as_json=as_json)


@methods.command()
def default(
    customer: Customer,
    payment_method: Method,
    subscription: Annotated[str | None, typer.Option(help="Only for this subscription, sub_….")] = None,
    execute: Execute = False,
    live: Live = False,
    by: By = "",
    as_json: AsJson = False,
) -> None:
    """Have the customer's invoices charged to a payment method of theirs from now on."""
    from billing import payments as billing

    order = billing.default_order(customer, payment_method, subscription, by=by or getpass.getuser())
    ordered.carried_out(lambda engine: order, execute=execute, live=live, as_json=as_json)


@methods.command()
def detach(
    payment_method: Method,
    in_use: Annotated[bool, typer.Option("--in-use", help="Even while subscriptions are charged to it.")] = False,
    execute: Execute = False,
    live: Live = False,
    by: By = "",
    as_json: AsJson = False,
) -> None:
    """Take a payment method off file for good."""
    from billing import payments as billing

    order = billing.detach_order(payment_method, in_use=in_use, by=by or getpass.getuser())
    ordered.carried_out(lambda engine: order, execute=execute, live=live, as_json=as_json)


def minor(amount: str, currency: str) -> int:
    """`49.00` and `eur` as 4900.

    Raises:
        SettingsError: it is no amount, or has more decimals than the currency.
    """
    from models.currency import minor_exponent

    exponent = minor_exponent(currency)
    try:
        scaled = Decimal(amount).scaleb(exponent)
    except InvalidOperation:
        raise SettingsError(f"An amount is written as 49.00, and '{amount:.40}' is none.") from None
    if not scaled.is_finite() or scaled != int(scaled):
        raise SettingsError(f"{currency.upper()} has {exponent} decimals, and '{amount:.40}' has more.")
    return int(scaled)
