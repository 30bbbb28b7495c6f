"""How customers' access stands, and the outbox of its changes."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    instant = sa.BigInteger
    op.create_table(
        "access_customers",
        sa.Column("account_id", sa.String(255), primary_key=True),
        sa.Column("customer_id", sa.String(255), primary_key=True),
        sa.Column("livemode", sa.Boolean, nullable=False),
        sa.Column("wanted", sa.Integer, nullable=False),
        sa.Column("looked", sa.Integer, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("has_access", sa.Boolean, nullable=False),
        sa.Column("tier", sa.String(100)),
        sa.Column("tiers", sa.Text, nullable=False),
        sa.Column("looked_at", instant),
        sa.Column("look_at", instant),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("retry_at", instant),
        sa.Column("claimed_by", sa.String(64)),
        sa.Column("claimed_until", instant),
    )
    op.create_index("access_customers_by_look", "access_customers", ["look_at"])
    op.create_table(
        "access_changes",
        sa.Column("change_id", sa.String(64), primary_key=True),
        sa.Column("account_id", sa.String(255), nullable=False),
        sa.Column("customer_id", sa.String(255), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("change", sa.String(16), nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("changed_at", instant, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("retry_at", instant, nullable=False),
        sa.Column("first_tried_at", instant),
        sa.Column("delivered_at", instant),
        sa.Column("failure", sa.String(255)),
        sa.UniqueConstraint("account_id", "customer_id", "number", name="access_changes_once"),
    )
    op.create_index("access_changes_by_state", "access_changes", ["state", "retry_at"])


def downgrade() -> None:
    op.drop_table("access_changes")
    op.drop_table("access_customers")
