"""Alembic's entry point: one transaction, on the connection that `casegold.control.db.migrate` hands over."""

from alembic import context

context.configure(connection=context.config.attributes["connection"], version_table_schema="casegold")
with context.begin_transaction():
    context.run_migrations()
