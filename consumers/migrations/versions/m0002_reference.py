"""Reference data by version, and by which versions each lane decides."""

from consumers.database import run_script

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Lanes of an older database begin with the files that the settings name."""
    run_script("0002_reference.sql")
