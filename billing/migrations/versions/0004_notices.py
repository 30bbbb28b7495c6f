"""Notices by mail, and who is to get none."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    instant = sa.BigInteger
    op.create_table(
        "notices",
        sa.Column("notice_id", sa.String(64), primary_key=True),
        sa.Column("account_id", sa.String(255), nullable=False),
        sa.Column("livemode", sa.Boolean, nullable=False),
        sa.Column("cause", sa.String(32), nullable=False),
        sa.Column("object_id", sa.String(255), nullable=False),
        sa.Column("occasion", sa.String(64), nullable=False),
        sa.Column("happened_at", instant, nullable=False),
        sa.Column("due_at", instant, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("kind", sa.String(32)),
        sa.Column("customer_id", sa.String(255)),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("intended_at", instant),
        sa.Column("settled_at", instant),
        sa.Column("why", sa.String(255)),
    )
    op.create_index("notices_by_state", "notices", ["state", "due_at"])
    op.create_index("notices_by_customer", "notices", ["account_id", "customer_id", "intended_at"])
    op.create_index("notices_by_intent", "notices", ["intended_at"])
    op.create_table(
        "notice_suppressions",
        sa.Column("whom", sa.String(255), primary_key=True),
        sa.Column("why", sa.String(32), nullable=False),
        sa.Column("since", instant, nullable=False),
    )


def downgrade() -> None:
    op.drop_table("notice_suppressions")
    op.drop_table("notices")
