"""The inbox of webhook events."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    instant = sa.BigInteger
    op.create_table(
        "webhook_events",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
        sa.Column("account_id", sa.String(255), nullable=False),
        sa.Column("endpoint", sa.String(64), nullable=False),
        sa.Column("event_id", sa.String(255), nullable=False),
        sa.Column("occasion_id", sa.String(255), nullable=False),
        sa.Column("type", sa.String(255), nullable=False),
        sa.Column("form", sa.String(16), nullable=False),
        sa.Column("livemode", sa.Boolean, nullable=False),
        sa.Column("api_version", sa.String(64)),
        sa.Column("object_kind", sa.String(255)),
        sa.Column("object_id", sa.String(255)),
        sa.Column("customer_id", sa.String(255)),
        sa.Column("created_at", instant, nullable=False),
        sa.Column("received_at", instant, nullable=False),
        sa.Column("payload", sa.Text, nullable=False),
        sa.Column("refreshed_at", instant),
        sa.Column("handled_at", instant),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("retry_at", instant),
        sa.Column("failure", sa.String(255)),
        sa.UniqueConstraint("account_id", "endpoint", "event_id", name="webhook_events_once"),
    )
    op.create_index("webhook_events_to_refresh", "webhook_events", ["refreshed_at", "seq"])
    op.create_index("webhook_events_to_handle", "webhook_events", ["handled_at", "seq"])
    op.create_index("webhook_events_by_customer", "webhook_events", ["account_id", "customer_id"])
    op.create_index("webhook_events_by_occasion", "webhook_events", ["account_id", "occasion_id"])


def downgrade() -> None:
    op.drop_table("webhook_events")
