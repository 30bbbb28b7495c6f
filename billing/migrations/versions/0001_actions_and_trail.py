"""Actions, the audit trail and its head."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

NO_ENTRY = "0" * 64
APPEND_ONLY = {
    "sqlite": [
        "create trigger audit_trail_no_{verb} before {verb} on audit_trail "
        "begin select raise(abort, 'the audit trail is append-only'); end"
    ],
    "postgresql": [
        "create or replace function audit_trail_append_only() returns trigger language plpgsql as "
        "$$ begin raise exception 'the audit trail is append-only'; end $$",
        "create trigger audit_trail_no_{verb} before {verb} on audit_trail "
        "for each statement execute function audit_trail_append_only()",
    ],
}
"""What keeps entries from being changed by mistake. By intent it can be stepped round: that is what digests are for."""


def upgrade() -> None:
    instant = sa.BigInteger
    op.create_table(
        "actions",
        sa.Column("action_id", sa.String(64), primary_key=True),
        sa.Column("account_id", sa.String(255), nullable=False),
        sa.Column("livemode", sa.Boolean, nullable=False),
        sa.Column("flag_id", sa.String(255), nullable=False),
        sa.Column("flag_version", sa.Integer),
        sa.Column("score_kind", sa.String(64)),
        sa.Column("rule", sa.String(64), nullable=False),
        sa.Column("rules_digest", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(64), nullable=False),
        sa.Column("customer_id", sa.String(255), nullable=False),
        sa.Column("subject_id", sa.String(255), nullable=False),
        sa.Column("params", sa.Text, nullable=False),
        sa.Column("reasons", sa.Text, nullable=False),
        sa.Column("effect", sa.Text, nullable=False),
        sa.Column("amount", sa.BigInteger),
        sa.Column("cost", sa.BigInteger),
        sa.Column("currency", sa.String(3)),
        sa.Column("mrr_at_risk_reporting", sa.String(40)),
        sa.Column("expected_loss_reporting", sa.String(40)),
        sa.Column("arm", sa.String(16), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("planned_at", instant, nullable=False),
        sa.Column("expires_at", instant, nullable=False),
        sa.Column("approved_by", sa.String(255)),
        sa.Column("approved_at", instant),
        sa.Column("claimed_by", sa.String(64)),
        sa.Column("claimed_until", instant),
        sa.Column("intended_at", instant),
        sa.Column("idempotency_key", sa.String(255)),
        sa.Column("request", sa.Text),
        sa.Column("acted_at", instant),
        sa.Column("request_id", sa.String(255)),
        sa.Column("outcome", sa.String(255)),
        sa.Column("result", sa.Text),
        sa.Column("settled_at", instant),
    )
    op.create_index("actions_by_state", "actions", ["state", "account_id"])
    op.create_index("actions_by_customer", "actions", ["account_id", "customer_id", "intended_at"])
    op.create_table(
        "audit_trail",
        sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("at", instant, nullable=False),
        sa.Column("event", sa.String(32), nullable=False),
        sa.Column("action_id", sa.String(64)),
        sa.Column("actor", sa.String(255), nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("previous", sa.String(64), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
    )
    op.create_index("audit_trail_by_action", "audit_trail", ["action_id"])
    head = op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
    )
    op.bulk_insert(head, [{"id": 1, "seq": 0, "digest": NO_ENTRY}])
    _forbid_changes()


def _forbid_changes() -> None:
    statements = APPEND_ONLY[op.get_bind().dialect.name]
    for statement in statements[:-1]:
        op.execute(statement)
    for verb in ("update", "delete"):
        op.execute(statements[-1].format(verb=verb))


def downgrade() -> None:
    for table in ("audit_head", "audit_trail", "actions"):
        op.drop_table(table)
