"""The ledger: lanes, journal, cases, outbox, applicants."""

from consumers.database import run_script

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Forward only; the journal is never migrated backward."""
    run_script("0001_ledger.sql")
