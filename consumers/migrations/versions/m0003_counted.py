"""What the exporter counts from the journal."""

from consumers.database import run_script

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Forward only."""
    run_script("0003_counted.sql")
