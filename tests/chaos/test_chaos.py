"""The short form of the chaos suite: many kinds of faults, on a real broker and database."""

from pathlib import Path

import pytest

from .faults import (
    cut_broker,
    cut_sessions,
    fill_disk,
    half_close_broker,
    half_close_database,
    kill_all,
    kill_at_label,
    kill_one,
    step_clock,
    stop_and_continue,
    terminate,
)
from .run import chaos
from .stack import Breakable

SHORT = (
    kill_at_label,
    stop_and_continue,
    kill_one,
    terminate,
    kill_all,
    cut_sessions,
    half_close_database,
    cut_broker,
    half_close_broker,
    step_clock,
    fill_disk,
)
SECONDS = 60.0


@pytest.mark.kafka
@pytest.mark.rule("R32")
@pytest.mark.timeout(300)
async def test_nothing_is_lost_or_doubled_whatever_breaks(broken: Breakable, tmp_path: Path) -> None:
    """Workers killed, stopped and cut off while cases flow: each case has one head and one tail, and both stores agree."""
    found = await chaos(broken, tmp_path, seed=2016, seconds=SECONDS, rate=8, faults=SHORT)

    assert [] == found["problems"]
    assert found["cases"] == found["closed"] == found["heads"] == found["tails"]
    assert found["faults"] >= 8
