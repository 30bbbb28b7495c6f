"""The operational tables: actions with where each stands, the trail of all that was done to them, the inbox of
events, who may sign in, notices, and access.

The migrations make them; a test holds the two against each other. Instants are microseconds since 1970 (UTC), the same
in SQLite and PostgreSQL.
"""

from datetime import UTC, datetime, timedelta

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, MetaData, String, Table, Text, UniqueConstraint
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Instant(TypeDecorator[datetime]):
    """A moment, UTC, held as whole microseconds since 1970."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        return None if value is None else (value - EPOCH) // timedelta(microseconds=1)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        return None if value is None else EPOCH + timedelta(microseconds=value)


metadata = MetaData()

actions = Table(
    "actions",
    metadata,
    Column("action_id", String(64), primary_key=True),
    Column("account_id", String(255), nullable=False),
    Column("livemode", Boolean, nullable=False),
    Column("flag_id", String(255), nullable=False),
    Column("flag_version", Integer),
    Column("score_kind", String(64)),
    Column("rule", String(64), nullable=False),
    Column("rules_digest", String(64), nullable=False),
    Column("kind", String(64), nullable=False),
    Column("customer_id", String(255), nullable=False),
    Column("subject_id", String(255), nullable=False),
    Column("params", Text, nullable=False),
    Column("reasons", Text, nullable=False),
    Column("effect", Text, nullable=False),
    Column("amount", BigInteger),
    Column("cost", BigInteger),
    Column("currency", String(3)),
    Column("mrr_at_risk_reporting", String(40)),
    Column("expected_loss_reporting", String(40)),
    Column("arm", String(16), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("state", String(16), nullable=False),
    Column("planned_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("approved_by", String(255)),
    Column("approved_at", Instant),
    Column("claimed_by", String(64)),
    Column("claimed_until", Instant),
    Column("intended_at", Instant),
    Column("idempotency_key", String(255)),
    Column("request", Text),
    Column("acted_at", Instant),
    Column("request_id", String(255)),
    Column("outcome", String(255)),
    Column("result", Text),
    Column("settled_at", Instant),
    Index("actions_by_state", "state", "account_id"),
    Index("actions_by_customer", "account_id", "customer_id", "intended_at"),
)

trail = Table(
    "audit_trail",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("at", Instant, nullable=False),
    Column("event", String(32), nullable=False),
    Column("action_id", String(64)),
    Column("actor", String(255), nullable=False),
    Column("body", Text, nullable=False),
    Column("previous", String(64), nullable=False),
    Column("digest", String(64), nullable=False),
    Index("audit_trail_by_action", "action_id"),
)

head = Table(
    "audit_head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, nullable=False),
    Column("digest", String(64), nullable=False),
)
"""One row: the last entry of the trail. Who writes locks it first, so that writers stand in line."""

webhook_events = Table(
    "webhook_events",
    metadata,
    Column("seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("account_id", String(255), nullable=False),
    Column("endpoint", String(64), nullable=False),
    Column("event_id", String(255), nullable=False),
    Column("occasion_id", String(255), nullable=False),
    Column("type", String(255), nullable=False),
    Column("form", String(16), nullable=False),
    Column("livemode", Boolean, nullable=False),
    Column("api_version", String(64)),
    Column("object_kind", String(255)),
    Column("object_id", String(255)),
    Column("customer_id", String(255)),
    Column("created_at", Instant, nullable=False),
    Column("received_at", Instant, nullable=False),
    Column("payload", Text, nullable=False),
    Column("refreshed_at", Instant),
    Column("handled_at", Instant),
    Column("attempts", Integer, nullable=False, default=0),
    Column("retry_at", Instant),
    Column("failure", String(255)),
    UniqueConstraint("account_id", "endpoint", "event_id", name="webhook_events_once"),
    Index("webhook_events_to_refresh", "refreshed_at", "seq"),
    Index("webhook_events_to_handle", "handled_at", "seq"),
    Index("webhook_events_by_customer", "account_id", "customer_id"),
    Index("webhook_events_by_occasion", "account_id", "occasion_id"),
)
"""The inbox: each event that was delivered, once an endpoint. `occasion_id` is the same in both forms of an event,
`customer_id` the customer that the event names. `refreshed_at` says since when the published figures know of it,
`handled_at` since when the company's own code does; `attempts`, `retry_at` and `failure` are of that code."""

office_users = Table(
    "office_users",
    metadata,
    Column("login", String(64), primary_key=True),
    Column("role", String(16), nullable=False),
    Column("password_hash", String(255), nullable=False),
    Column("disabled", Boolean, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("changed_at", Instant, nullable=False),
)
"""Who may sign in at `revenue serve`, and as what. `password_hash` is Argon2's own text, salt and cost in it."""

office_sessions = Table(
    "office_sessions",
    metadata,
    Column("token_digest", String(64), primary_key=True),
    Column("login", String(64), nullable=False),
    Column("form_key", String(64), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("seen_at", Instant, nullable=False),
    Index("office_sessions_by_login", "login"),
)
"""Who is signed in. Of the cookie's token only the SHA-256 is kept; `form_key` is what forms are signed with."""

notices = Table(
    "notices",
    metadata,
    Column("notice_id", String(64), primary_key=True),
    Column("account_id", String(255), nullable=False),
    Column("livemode", Boolean, nullable=False),
    Column("cause", String(32), nullable=False),
    Column("object_id", String(255), nullable=False),
    Column("occasion", String(64), nullable=False),
    Column("happened_at", Instant, nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("state", String(16), nullable=False),
    Column("kind", String(32)),
    Column("customer_id", String(255)),
    Column("attempts", Integer, nullable=False, default=0),
    Column("intended_at", Instant),
    Column("settled_at", Instant),
    Column("why", String(255)),
    Index("notices_by_state", "state", "due_at"),
    Index("notices_by_customer", "account_id", "customer_id", "intended_at"),
    Index("notices_by_intent", "intended_at"),
)
"""Mails: each once, since its id is made of what it is about. No address, no name and no text of one is kept."""

suppressions = Table(
    "notice_suppressions",
    metadata,
    Column("whom", String(255), primary_key=True),
    Column("why", String(32), nullable=False),
    Column("since", Instant, nullable=False),
)
"""Who gets no mail: a customer's id, or the keyed hash of an address."""

access_customers = Table(
    "access_customers",
    metadata,
    Column("account_id", String(255), primary_key=True),
    Column("customer_id", String(255), primary_key=True),
    Column("livemode", Boolean, nullable=False),
    Column("wanted", Integer, nullable=False, default=0),
    Column("looked", Integer, nullable=False, default=0),
    Column("number", Integer, nullable=False, default=0),
    Column("has_access", Boolean, nullable=False, default=False),
    Column("tier", String(100)),
    Column("tiers", Text, nullable=False),
    Column("looked_at", Instant),
    Column("look_at", Instant),
    Column("failures", Integer, nullable=False, default=0),
    Column("retry_at", Instant),
    Column("claimed_by", String(64)),
    Column("claimed_until", Instant),
    Index("access_customers_by_look", "look_at"),
)
"""How each customer's access stands, as far as it was told; `wanted` and `looked` say whether it is to be looked at."""

access_changes = Table(
    "access_changes",
    metadata,
    Column("change_id", String(64), primary_key=True),
    Column("account_id", String(255), nullable=False),
    Column("customer_id", String(255), nullable=False),
    Column("number", Integer, nullable=False),
    Column("change", String(16), nullable=False),
    Column("body", Text, nullable=False),
    Column("changed_at", Instant, nullable=False),
    Column("state", String(16), nullable=False),
    Column("attempts", Integer, nullable=False, default=0),
    Column("retry_at", Instant, nullable=False),
    Column("first_tried_at", Instant),
    Column("delivered_at", Instant),
    Column("failure", String(255)),
    UniqueConstraint("account_id", "customer_id", "number", name="access_changes_once"),
    Index("access_changes_by_state", "state", "retry_at"),
)
"""The outbox of access: each change until the company's own system has taken it, numbered for each customer."""
