"""Alembic's entry: runs the steps on the connection that `billing.store` hands over."""

from alembic import context

from billing.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
