"""The short form of the chaos suite: every kind of fault that is quick, on a real broker and database."""

from pathlib import Path

import pytest

from deploy.local import LocalStack

from .faults import cut_sessions, half_close_database, kill_all, kill_at_label, kill_one, stop_and_continue, terminate
from .run import chaos

SHORT = (kill_at_label, stop_and_continue, cut_sessions, kill_one, half_close_database, terminate, kill_all)
SECONDS = 75.0


@pytest.mark.kafka
@pytest.mark.rule("R32")
@pytest.mark.timeout(300)
async def test_nothing_is_lost_or_doubled_whatever_breaks(stack: LocalStack, tmp_path: Path) -> None:
    """Workers killed, stopped and cut off while cases flow: each case has one head and one tail, and both stores agree."""
    found = await chaos(stack, tmp_path, seed=2016, seconds=SECONDS, rate=8, faults=SHORT)

    assert [] == found["problems"]
    assert found["cases"] == found["closed"] == found["heads"] == found["tails"]
    assert found["faults"] >= 5
