"""`revenue customers …`: what is asked, and how it is said; `billing/customers.py` does it."""

import getpass
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipelines import ordered
from pipelines import settings as settings_module
from pipelines.errors import SettingsError
from pipelines.ordered import AsJson, By, Execute, Live
from pipelines.terminal import money, printable

if TYPE_CHECKING:
    from billing.customers import Details, Standing

customers = typer.Typer(
    no_args_is_help=True,
    help="Make, change and look at customers. Nothing is changed without --execute.",
    epilog="Names and addresses go to Stripe alone: plans and trail hold ids. docs/customers.md walks through it.",
)

Name = Annotated[str | None, typer.Option(help="Name of the person or company.")]
Email = Annotated[str | None, typer.Option(help="Where invoices and notices go.")]
Phone = Annotated[str | None, typer.Option(help="Telephone number.")]
Description = Annotated[str | None, typer.Option(help="A note that only you see.")]
Locale = Annotated[list[str] | None, typer.Option(help="Language, as de or pt-BR; the first one first.")]
Address = Annotated[
    list[str] | None,
    typer.Option(metavar="PART=VALUE", help="Of the address: line1, line2, city, postal_code, state, country."),
]
Metadata = Annotated[list[str] | None, typer.Option(metavar="KEY=VALUE", help="A note; an empty value takes it away.")]
FromFile = Annotated[
    Path | None,
    typer.Option(
        "--from", metavar="FILE", help="JSON with these fields, so that they stand in no shell history; - reads input."
    ),
]
ReferenceKey = Annotated[
    str, typer.Option("--reference-key", help="Key of metadata that your reference is kept under.")
]


@customers.command()
def create(
    reference: Annotated[str, typer.Argument(help="Your own name for the customer, as an account's number.")],
    name: Name = None,
    email: Email = None,
    phone: Phone = None,
    description: Description = None,
    locale: Locale = None,
    address: Address = None,
    metadata: Metadata = None,
    from_file: FromFile = None,
    reference_key: ReferenceKey = "reference",
    another: Annotated[bool, typer.Option("--another", help="Even where others have that e-mail address.")] = False,
    execute: Execute = False,
    live: Live = False,
    by: By = "",
    as_json: AsJson = False,
) -> None:
    """Make a customer, once for each reference: asked again, it says whom it made.

    Tells of customers who have that e-mail address already, and then makes none unless --another is said.
    """
    from billing import customers as billing_customers

    details = _details(name, email, phone, description, locale, address, metadata, from_file)
    who = by or getpass.getuser()
    ordered.carried_out(
        lambda engine: billing_customers.checked_creation(
            engine, reference, details, by=who, reference_key=reference_key, even_if_email_is_known=another
        ),
        execute=execute,
        live=live,
        as_json=as_json,
    )


@customers.command()
def update(
    customer: Annotated[str, typer.Argument(metavar="CUSTOMER", help="Id of the customer, cus_….")],
    name: Name = None,
    email: Email = None,
    phone: Phone = None,
    description: Description = None,
    locale: Locale = None,
    address: Address = None,
    metadata: Metadata = None,
    from_file: FromFile = None,
    execute: Execute = False,
    live: Live = False,
    by: By = "",
    as_json: AsJson = False,
) -> None:
    """Change what Stripe knows of a customer; what is not said stays as it is."""
    from billing import customers as billing_customers

    details = _details(name, email, phone, description, locale, address, metadata, from_file)
    order = billing_customers.change(customer, details, by=by or getpass.getuser())
    ordered.carried_out(lambda engine: order, execute=execute, live=live, as_json=as_json)


@customers.command()
def show(
    customer: Annotated[str, typer.Argument(help="Id of the customer, or the reference it was made for.")],
    as_json: AsJson = False,
) -> None:
    """Show a customer as Stripe has it now, with subscriptions and payment methods."""
    from billing import customers as billing_customers
    from pipelines import actions

    with actions.engine(settings_module.load(), live=False, executes=False) as engine:
        found = customer
        if not customer.startswith("cus_"):
            known = billing_customers.by_reference(engine, customer)
            if known is None:
                raise SettingsError(f"No customer was made here for the reference '{customer}'.")
            found = known
        standing = billing_customers.standing_of(engine.wire, found)
    _say(standing, as_json=as_json)


def _say(standing: "Standing", *, as_json: bool) -> None:
    if as_json:
        told = {"customer": standing.customer, "subscriptions": standing.subscriptions}
        ordered.say_json({**told, "payment_methods": standing.payment_methods})
        return
    customer = standing.customer
    rows = {
        "name": customer["name"],
        "email": customer["email"],
        "phone": customer["phone"],
        "languages": ", ".join(customer["preferred_locales"] or ()),
        "balance": money(customer["balance"], customer["currency"]) if customer["balance"] else None,
        "owes": "an invoice is overdue" if customer["delinquent"] else None,
        **(customer["metadata"] or {}),
    }
    typer.echo(customer["id"])
    for name, value in rows.items():
        if value:
            typer.echo(f"  {printable(name):<12} {printable(str(value))}")
    default = (customer["invoice_settings"] or {}).get("default_payment_method")
    for method in standing.payment_methods:
        card = method.get("card") or {}
        until = (
            f"{card['brand']} …{card['last4']} until {card['exp_month']:02}/{card['exp_year']}"
            if card
            else method["type"]
        )
        typer.echo(f"  {method['id']}  {until}{'  default' if method['id'] == default else ''}")
    for subscription in standing.subscriptions:
        items = ", ".join(
            f"{item.get('quantity') or 1} x {item['price']['id']}" for item in subscription["items"]["data"]
        )
        typer.echo(f"  {subscription['id']}  {subscription['status']}  {items}")


def _details(
    name: str | None,
    email: str | None,
    phone: str | None,
    description: str | None,
    locale: list[str] | None,
    address: list[str] | None,
    metadata: list[str] | None,
    from_file: Path | None,
) -> "Details":
    from billing.customers import Details

    said: dict[str, Any] = {"name": name, "email": email, "phone": phone, "description": description}
    said["preferred_locales"] = tuple(locale) if locale else None
    said["address"] = ordered.pairs("--address", address) if address else None
    said["metadata"] = ordered.pairs("--metadata", metadata) if metadata else None
    read = _read(from_file, Details.__dataclass_fields__) if from_file else {}
    if isinstance(read.get("preferred_locales"), list):
        read["preferred_locales"] = tuple(read["preferred_locales"])
    return Details(**{name: read.get(name) if value is None else value for name, value in said.items()})


def _read(file: Path, known: Any) -> dict[str, Any]:
    """The fields of a JSON file, or of standard input."""
    try:
        told = json.loads(sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise SettingsError(f"{file} can't be read as JSON.") from None
    if not isinstance(told, dict) or set(told) - set(known):
        raise SettingsError(f"{file} must hold one JSON object with some of: {', '.join(known)}.")
    return told
