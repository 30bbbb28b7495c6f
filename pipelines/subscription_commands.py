"""`revenue subscriptions …`: what is asked, and how it is said; `billing/subscriptions.py` does it."""

import getpass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated

import typer

from pipelines import ordered
from pipelines import settings as settings_module
from pipelines.errors import SettingsError
from pipelines.ordered import AsJson, By, Execute, Live
from pipelines.terminal import money, printable

subscriptions = typer.Typer(
    no_args_is_help=True,
    help="Begin, change, pause, resume and end subscriptions. Each says first what it would bill; --execute does it.",
    epilog="docs/customers.md walks through it.",
)

Subscription = Annotated[str, typer.Argument(metavar="SUBSCRIPTION", help="Id of the subscription, sub_….")]


class When(StrEnum):
    """When a change takes effect."""

    NOW = "now"
    PERIOD_END = "period_end"


class WithoutCard(StrEnum):
    """What becomes of a trial that ends without a payment method."""

    CREATE_INVOICE = "create_invoice"
    CANCEL = "cancel"
    PAUSE = "pause"


class FirstPayment(StrEnum):
    """How the first payment is made."""

    ATTEMPT = "attempt"
    AWAIT = "await"
    INSIST = "insist"


class Proration(StrEnum):
    """How the running period is settled."""

    CREATE_PRORATIONS = "create_prorations"
    ALWAYS_INVOICE = "always_invoice"
    NONE = "none"


class Invoices(StrEnum):
    """What becomes of invoices while collection is paused."""

    VOID = "void"
    KEEP_AS_DRAFT = "keep_as_draft"
    MARK_UNCOLLECTIBLE = "mark_uncollectible"


class Feedback(StrEnum):
    """Why a customer leaves."""

    CUSTOMER_SERVICE = "customer_service"
    LOW_QUALITY = "low_quality"
    MISSING_FEATURES = "missing_features"
    OTHER = "other"
    SWITCHED_SERVICE = "switched_service"
    TOO_COMPLEX = "too_complex"
    TOO_EXPENSIVE = "too_expensive"
    UNUSED = "unused"


@subscriptions.command()
def create(
    customer: Annotated[str, typer.Argument(metavar="CUSTOMER", help="Id of the customer, cus_….")],
    items: Annotated[list[str], typer.Argument(metavar="PRICE[=QUANTITY]…", help="What is subscribed to.")],
    reference: Annotated[str, typer.Option(help="Your own name for it, such as an order's number: it is begun once.")],
    trial_days: Annotated[int | None, typer.Option(help="So many days free at first.")] = None,
    trial_without_card: Annotated[
        WithoutCard, typer.Option(help="What becomes of it where the trial ends without a payment method.")
    ] = WithoutCard.CREATE_INVOICE,
    coupon: Annotated[str | None, typer.Option(help="Id of a coupon.")] = None,
    payment_method: Annotated[str | None, typer.Option(help="Id of the card; else the customer's default.")] = None,
    days_until_due: Annotated[int | None, typer.Option(help="Send invoices, due in so many days.")] = None,
    first_payment: Annotated[
        FirstPayment,
        typer.Option(
            help="attempt: begin even where the card declines; await: in the browser; insist: pay or nothing."
        ),
    ] = FirstPayment.ATTEMPT,
    second: Annotated[bool, typer.Option("--second", help="Even where the customer has that price already.")] = False,
    execute: Execute = False,
    live: Live = False,
    by: By = "",
    as_json: AsJson = False,
) -> None:
    """Begin a subscription, once for each reference: asked again, it says which it began."""
    from billing import subscriptions as billing
    from billing.actions.create_subscription import NewSubscription

    wanted = ordered.given(
        NewSubscription,
        reference=reference,
        items=[each.model_dump() for each in billing.items_of(items)],
        trial_days=trial_days,
        trial_without_card=trial_without_card.value,
        coupon=coupon,
        payment_method=payment_method,
        days_until_due=days_until_due,
        first_payment=first_payment.value,
        second=second,
    )
    order = billing.create_order(customer, wanted, by=by or getpass.getuser())
    ordered.carried_out(lambda engine: order, execute=execute, live=live, as_json=as_json)


@subscriptions.command()
def change(
    subscription: Subscription,
    price: Annotated[str | None, typer.Option(help="Id of the new price.")] = None,
    quantity: Annotated[int | None, typer.Option(help="The new quantity.")] = None,
    item: Annotated[str | None, typer.Option(help="Which item, si_…, where there are several.")] = None,
    when: Annotated[When, typer.Option(help="At once, or from the next period on.")] = When.NOW,
    proration: Annotated[
        Proration, typer.Option(help="At once: settle the running period with the next invoice, now, or not at all.")
    ] = Proration.CREATE_PRORATIONS,
    execute: Execute = False,
    live: Live = False,
    by: By = "",
    as_json: AsJson = False,
) -> None:
    """Change price or quantity: an upgrade at once, a downgrade from the next period on."""
    from billing import subscriptions as billing
    from billing.actions.change_price import Change
    from billing.actions.next_period import Next

    who = by or getpass.getuser()
    if when is When.NOW:
        at_once = ordered.given(Change, price=price, quantity=quantity, item=item, proration=proration.value)
        ordered.carried_out(
            lambda engine: billing.change_order(subscription, at_once, by=who),
            execute=execute,
            live=live,
            as_json=as_json,
        )
        return
    following = ordered.given(Next, price=price, quantity=quantity, item=item)
    ordered.carried_out(
        lambda engine: billing.next_period_order(engine, subscription, following, by=who),
        lambda engine, order: billing.change_next_period(engine, subscription, following, by=who),
        execute=execute,
        live=live,
        as_json=as_json,
    )


@subscriptions.command()
def pause(
    subscription: Subscription,
    invoices: Annotated[Invoices, typer.Option(help="What becomes of invoices meanwhile.")] = Invoices.VOID,
    days: Annotated[int | None, typer.Option(help="Collect again after so many days by itself.")] = None,
    service: Annotated[
        bool,
        typer.Option("--service", help="Pause the subscription itself, and credit the unused time."),
    ] = False,
    execute: Execute = False,
    live: Live = False,
    by: By = "",
    as_json: AsJson = False,
) -> None:
    """Pause collection for a while (it goes on, and is not charged), or with --service the subscription itself."""
    from billing import subscriptions as billing
    from billing.actions.pause_collection import Pause
    from billing.actions.pause_subscription import Stop

    if service and (days is not None or invoices is not Invoices.VOID):
        raise SettingsError("--service pauses until it is resumed, and makes no invoices: no --days, no --invoices.")
    how = Stop() if service else ordered.given(Pause, behavior=invoices.value, days=days)
    order = billing.pause_order(subscription, how, by=by or getpass.getuser())
    ordered.carried_out(lambda engine: order, execute=execute, live=live, as_json=as_json)


@subscriptions.command()
def resume(
    subscription: Subscription, execute: Execute = False, live: Live = False, by: By = "", as_json: AsJson = False
) -> None:
    """Resume what is paused: its collection, or the subscription itself, which begins and bills a new period."""
    from billing import subscriptions as billing

    who = by or getpass.getuser()
    ordered.carried_out(
        lambda engine: billing.resume_order(engine, subscription, by=who), execute=execute, live=live, as_json=as_json
    )


@subscriptions.command()
def cancel(
    subscription: Subscription,
    when: Annotated[When, typer.Option(help="With its period, or at once.")] = When.PERIOD_END,
    feedback: Annotated[Feedback | None, typer.Option(help="Why the customer leaves.")] = None,
    comment: Annotated[str, typer.Option(help="Why, in the customer's words; goes to Stripe alone.")] = "",
    prorate: Annotated[bool, typer.Option("--prorate", help="At once: credit the time that is not used.")] = False,
    invoice_now: Annotated[bool, typer.Option("--invoice-now", help="At once: bill what waits.")] = False,
    execute: Execute = False,
    live: Live = False,
    by: By = "",
    as_json: AsJson = False,
) -> None:
    """End a subscription, with its period or at once."""
    from billing import subscriptions as billing
    from billing.actions.cancel import Cancellation

    told = {"when": when.value, "feedback": feedback.value if feedback else None}
    how = ordered.given(Cancellation, **told, prorate=prorate, invoice_now=invoice_now)
    order = billing.cancel_order(subscription, how, comment=comment, by=by or getpass.getuser())
    ordered.carried_out(lambda engine: order, execute=execute, live=live, as_json=as_json)


@subscriptions.command()
def keep(
    subscription: Subscription, execute: Execute = False, live: Live = False, by: By = "", as_json: AsJson = False
) -> None:
    """Take back what is to come: a change planned for the next period, or else a cancellation."""
    from billing import subscriptions as billing

    who = by or getpass.getuser()
    ordered.carried_out(
        lambda engine: billing.keep_order(engine, subscription, by=who), execute=execute, live=live, as_json=as_json
    )


@subscriptions.command()
def preview(subscription: Subscription, as_json: AsJson = False) -> None:
    """Preview the next invoice. What a change would bill, the change itself says without --execute."""
    from billing import subscriptions as billing
    from pipelines import actions

    with actions.engine(settings_module.load(), live=False, executes=False) as engine:
        told = billing.upcoming(engine.wire, subscription)
    if as_json:
        ordered.say_json(told)
        return
    currency = told["currency"]
    for line in told["lines"]["data"]:
        start, end = (f"{datetime.fromtimestamp(int(line['period'][edge]), UTC):%Y-%m-%d}" for edge in ("start", "end"))
        typer.echo(f"{money(line['amount'], currency):>18}  {start} to {end}  {printable(line['description'] or '')}")
    for name in ("subtotal", "total", "amount_due"):
        typer.echo(f"{money(told[name], currency):>18}  {name.replace('_', ' ')}")
