"""One object of every shape and of its rarer forms, with plausible facts."""

from typing import Any

from sandbox.world import shapes
from sandbox.world.shapes import Card

T0 = 1_767_225_600
MONTH = 31 * 86_400

MONTHLY = shapes.price(id="price_m", created=T0, product="prod_1", currency="usd", unit_amount=1200)
TIERED = shapes.price(
    id="price_t",
    created=T0,
    product="prod_1",
    currency="usd",
    tiers_mode="graduated",
    tiers=[
        shapes.tier(up_to=10, unit_amount_decimal="100", flat_amount_decimal="500"),
        shapes.tier(up_to=None, unit_amount_decimal="99.5"),
    ],
)
PACKAGED = shapes.price(
    id="price_p",
    created=T0,
    product="prod_1",
    currency="usd",
    unit_amount_decimal="0.25",
    transform_divide_by=1000,
    inline=True,
    currency_options={"eur": shapes.currency_option(unit_amount_decimal="0.24", tax_behavior="inclusive")},
)
ONCE = shapes.price(id="price_o", created=T0, product="prod_1", currency="usd", unit_amount=5000, interval=None)

DISCOUNT = shapes.discount(id="di_1", start=T0, end=T0 + MONTH, coupon="SAVE10", customer="cus_1", subscription="sub_1")
ITEM_DISCOUNT = shapes.discount(id="di_2", start=T0, coupon="TWO", customer="cus_1", subscription_item="si_1")

VAT = shapes.tax_rate(id="txr_1", created=T0, display_name="VAT", percentage=20, inclusive=False, country="GB")

ITEM = shapes.subscription_item(
    id="si_1",
    created=T0,
    subscription="sub_1",
    price=MONTHLY,
    quantity=5,
    current_period_start=T0,
    current_period_end=T0 + MONTH,
    discounts=[ITEM_DISCOUNT],
)
SUBSCRIPTION = shapes.subscription(
    id="sub_1",
    created=T0,
    customer="cus_1",
    status="active",
    currency="usd",
    items=[ITEM],
    billing_cycle_anchor=T0,
    discounts=[DISCOUNT],
    default_tax_rates=[VAT],
    latest_invoice="in_1",
)
PAUSED = shapes.subscription(
    id="sub_2",
    created=T0,
    customer="cus_1",
    status="paused",
    currency="usd",
    items=[ITEM],
    billing_cycle_anchor=T0,
    trial_start=T0,
    trial_end=T0 + MONTH,
    missing_payment_method="pause",
    paused_type="pause_requested",
    paused_at=T0 + MONTH,
    billing_mode="classic",
)
CANCELED = shapes.subscription(
    id="sub_3",
    created=T0,
    customer="cus_1",
    status="canceled",
    currency="usd",
    items=[ITEM],
    billing_cycle_anchor=T0,
    collection_method="send_invoice",
    days_until_due=30,
    canceled_at=T0,
    ended_at=T0 + MONTH,
    cancel_at_period_end=True,
    cancel_at=T0 + MONTH,
    cancellation_reason="cancellation_requested",
    cancellation_feedback="too_expensive",
    cancellation_comment="It costs more than it saves.",
    pause_collection_behavior="void",
    pause_resumes_at=T0 + MONTH,
)

LINE = shapes.line_item(
    id="il_1",
    invoice="in_1",
    amount=6000,
    currency="usd",
    period_start=T0,
    period_end=T0 + MONTH,
    price="price_m",
    product="prod_1",
    unit_amount_decimal="1200",
    quantity=5,
    subscription="sub_1",
    subscription_item="si_1",
    discounts=[ITEM_DISCOUNT],
    discount_amounts=[
        shapes.discount_amount(amount=1000, discount="di_2"),
        shapes.discount_amount(amount=500, discount="di_1"),
    ],
    taxes=[shapes.tax(amount=900, tax_rate="txr_1", taxable_amount=4500)],
)
CREDIT = shapes.line_item(
    id="il_2",
    invoice="in_1",
    amount=-300,
    currency="usd",
    period_start=T0,
    period_end=T0 + MONTH,
    price="price_m",
    product="prod_1",
    unit_amount_decimal="1200",
    quantity=1,
    subscription="sub_1",
    invoice_item="ii_1",
    proration=True,
    credited_invoice="in_0",
    credited_lines=["il_0"],
    taxes=[shapes.tax(amount=-60, tax_rate="txr_1", taxable_amount=-300)],
)
INVOICE = shapes.invoice(
    id="in_1",
    created=T0,
    customer="cus_1",
    currency="usd",
    lines=[LINE, CREDIT],
    status="uncollectible",
    billing_reason="subscription_cycle",
    period_start=T0,
    period_end=T0 + MONTH,
    subscription="sub_1",
    subscription_proration_date=T0,
    number="ACME-0001",
    attempt_count=4,
    finalized_at=T0 + 3600,
    marked_uncollectible_at=T0 + MONTH,
    uncollectible_reason="max_payment_attempts",
    starting_balance=-200,
    discounts=[DISCOUNT],
    customer_address=shapes.address(country="GB"),
)
DRAFT = shapes.invoice(
    id="in_2",
    created=T0,
    customer="cus_1",
    currency="usd",
    lines=[],
    status="draft",
    billing_reason="manual",
    period_start=T0,
    period_end=T0,
    automatically_finalizes_at=T0 + 3600,
)

WITHDRAWAL = shapes.balance_transaction(
    id="txn_2",
    created=T0,
    available_on=T0,
    amount=-6000,
    fee=1500,
    fee_details=[shapes.fee_detail(amount=1500, currency="usd")],
    currency="usd",
    type="adjustment",
    reporting_category="dispute",
    source="dp_1",
    status="available",
)

SPECIMENS: list[dict[str, Any]] = [
    shapes.account(id="acct_1", created=T0, display_name="Acme", email="billing@example.com"),
    shapes.customer(
        id="cus_1",
        created=T0,
        name="Ada",
        email="ada@example.com",
        currency="usd",
        address=shapes.address(country="GB"),
        discount=DISCOUNT,
        preferred_locales=["en-GB"],
        metadata={"plan": "team"},
    ),
    shapes.customer(id="cus_2", created=T0),
    shapes.payment_method(id="pm_1", created=T0, customer="cus_1", card=Card("amex", "0005", 1, 2027, "GB", "debit")),
    shapes.payment_method(id="pm_2", created=T0, customer=None, billing_details=shapes.billing_details(name="Ada")),
    shapes.product(id="prod_1", created=T0, name="Team", default_price="price_m"),
    MONTHLY,
    TIERED,
    PACKAGED,
    ONCE,
    shapes.plan(TIERED),
    shapes.coupon(id="SAVE10", created=T0, percent_off=10, applies_to=["prod_1"], redeem_by=T0),
    shapes.coupon(
        id="TWO",
        created=T0,
        amount_off=200,
        currency="usd",
        currency_options={"eur": 190},
        duration="repeating",
        duration_in_months=3,
    ),
    VAT,
    DISCOUNT,
    ITEM,
    SUBSCRIPTION,
    PAUSED,
    CANCELED,
    LINE,
    CREDIT,
    INVOICE,
    DRAFT,
    shapes.invoiceitem(
        id="ii_1",
        date=T0,
        customer="cus_1",
        amount=-300,
        currency="usd",
        period_start=T0,
        period_end=T0 + MONTH,
        price="price_m",
        product="prod_1",
        unit_amount_decimal="1200",
        proration=True,
        discountable=False,
        subscription="sub_1",
        subscription_item="si_1",
        discount_amounts=[shapes.discount_amount(amount=-30, discount="di_1")],
    ),
    shapes.invoiceitem(
        id="ii_2",
        date=T0,
        customer="cus_1",
        amount=300,
        currency="usd",
        period_start=T0,
        period_end=T0,
        price=None,
        product=None,
        unit_amount_decimal=None,
        invoice="in_1",
    ),
    shapes.invoice_payment(
        id="inpay_1", created=T0, invoice="in_1", amount_requested=10, currency="usd", payment_intent="pi_1"
    ),
    shapes.invoice_payment(
        id="inpay_2", created=T0, invoice="in_1", amount_requested=10, currency="usd", charge="ch_1", status="paid"
    ),
    shapes.invoice_payment(
        id="inpay_3",
        created=T0,
        invoice="in_1",
        amount_requested=10,
        amount_paid=10,
        currency="usd",
        payment_record="prec_1",
        status="paid",
        paid_at=T0,
    ),
    shapes.credit_note(
        id="cn_1",
        created=T0,
        invoice="in_1",
        customer="cus_1",
        currency="usd",
        number="ACME-0001-CN-01",
        lines=[
            shapes.credit_note_line_item(
                id="cnli_1",
                amount=1000,
                invoice_line_item="il_1",
                discount_amounts=[shapes.discount_amount(amount=100, discount="di_1")],
                taxes=[shapes.tax(amount=180, tax_rate="txr_1", taxable_amount=900)],
            ),
            shapes.credit_note_line_item(id="cnli_2", amount=50, unit_amount=50),
        ],
        reason="order_change",
        refunds=[("re_1", 1130)],
    ),
    shapes.charge(id="ch_1", created=T0, amount=6000, currency="usd", amount_refunded=6000, user_report="fraudulent"),
    *(
        shapes.charge(id=f"ch_{code}", created=T0, amount=6000, currency="usd", decline_code=code)
        for code in (*shapes.DECLINES, "highest_risk_level")
    ),
    shapes.payment_intent(id="pi_1", created=T0, amount=6000, currency="usd", setup_future_usage="off_session"),
    *(
        shapes.payment_intent(
            id=f"pi_{code}",
            created=T0,
            amount=6000,
            currency="usd",
            status="requires_payment_method",
            latest_charge=f"ch_{code}",
            decline_code=code,
        )
        for code in (*shapes.DECLINES, "highest_risk_level")
    ),
    shapes.payment_intent(
        id="pi_2",
        created=T0,
        amount=1,
        currency="usd",
        status="canceled",
        canceled_at=T0,
        cancellation_reason="void_invoice",
    ),
    shapes.refund(id="re_1", created=T0, amount=1130, currency="usd", charge="ch_1", reason="requested_by_customer"),
    shapes.refund(
        id="re_2",
        created=T0,
        amount=1130,
        currency="usd",
        charge="ch_1",
        status="failed",
        pending_reason="processing",
        failure_reason="expired_or_canceled_card",
        failure_balance_transaction="txn_3",
    ),
    shapes.dispute(
        id="dp_1",
        created=T0,
        amount=6000,
        currency="usd",
        charge="ch_1",
        balance_transactions=[WITHDRAWAL],
        evidence_due_by=T0 + MONTH,
        submission_count=1,
    ),
    shapes.dispute(
        id="dp_2", created=T0, amount=6000, currency="usd", charge="ch_1", status="warning_closed", reason="general"
    ),
    shapes.early_fraud_warning(id="issfr_1", created=T0, charge="ch_1", payment_intent="pi_1"),
    WITHDRAWAL,
    shapes.payout(
        id="po_1",
        created=T0,
        arrival_date=T0,
        amount=100,
        currency="usd",
        balance_transaction="txn_4",
        destination="ba_1",
    ),
    shapes.balance(available={"usd": 100, "eur": -5}, pending={"usd": 0}),
    shapes.event(
        id="evt_1",
        created=T0,
        type="customer.subscription.updated",
        object=SUBSCRIPTION,
        previous_attributes={"status": "past_due"},
    ),
    shapes.test_clock(id="clock_1", created=T0, frozen_time=T0 + MONTH, name="A year of renewals"),
    shapes.test_clock(id="clock_2", created=T0, frozen_time=T0, advancing_to=T0 + MONTH),
]
