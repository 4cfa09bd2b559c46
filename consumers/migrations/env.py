"""Alembic's entry: the connection comes from `consumers.database`; nothing is read from a file."""

from alembic import context

context.configure(
    connection=context.config.attributes["connection"], target_metadata=None, transaction_per_migration=True
)
with context.begin_transaction():
    context.run_migrations()
