"""The whole day on a secure stack: TLS, a password for everybody, and access lists worked out from the directory."""

import json
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from .test_demo import DEMO_SECONDS, GONE_SECONDS, all_gone, mark, started

__all__ = ["mark"]

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(DEMO_SECONDS + 2 * GONE_SECONDS)]

CASES = 63
"""All of the day, and a little more: departments and the government are in it."""


@pytest.fixture
def data() -> Iterator[Path]:
    """A directory that the account of the database can reach, which pytest's own is not."""
    path = Path(tempfile.mkdtemp(prefix="noveto-secure-demo-"))
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.mark.rule("R15")
def test_the_whole_day_is_played_behind_locks(mark: str, data: Path) -> None:
    """Every case has one head and one tail, ends as the day says, and nobody was turned away."""
    with started(mark, "--cases", str(CASES), "--exit", "--secure", "--data", str(data)) as demo:
        out, _ = demo.communicate(timeout=DEMO_SECONDS)

    assert demo.returncode == 0, out
    verdict = json.loads(out.splitlines()[-1])
    verdict.pop("seconds")
    assert verdict == {"cases": CASES, "closed": CASES, "heads": CASES, "tails": CASES, "lost": 0, "duplicates": 0}
    assert "ended otherwise" not in out
    assert "turned away" not in out
    logs = "\n".join(path.read_text(errors="replace") for path in (data / "log").glob("*.log"))
    users = (data / "demo" / "users").read_text()
    assert [line.split()[0] for line in users.splitlines() if line.split()[1] in logs] == []
    assert "government.referred" in logs
    assert "consultation.requested" in logs
    assert all_gone(mark)
