"""The demo as a newcomer meets it: one command, the real stack, a verdict, and nothing left behind."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

import deploy

ROOT = Path(deploy.__file__).parent.parent
CASES = 40
MARK = "NOVETO_TEST_DEMO"
DEMO_SECONDS = 240
GONE_SECONDS = 30

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(DEMO_SECONDS + 2 * GONE_SECONDS)]


@pytest.fixture
def mark() -> Iterator[str]:
    """A value in the environment that every process of this demo inherits; whatever is left at the end is ended."""
    value = f"{os.getpid()}-{time.monotonic_ns()}"
    yield value
    for process in left_behind(value):
        process.kill()


def left_behind(mark: str) -> list[psutil.Process]:
    """Every process that descends from the demo: it has the mark in its environment."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARK) == mark and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.Error:
            continue
    return found


def all_gone(mark: str) -> bool:
    """Whether all of them end within the time."""
    deadline = time.monotonic() + GONE_SECONDS
    while left_behind(mark):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


@contextlib.contextmanager
def started(mark: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A demo; one that did not end is killed."""
    with subprocess.Popen(
        [sys.executable, "-m", "deploy.demo", *arguments],
        cwd=ROOT,
        env={**os.environ, MARK: mark},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        # Whoever runs the tests in the background may have had Ctrl-C ignored for all of them.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as demo:
        try:
            yield demo
        finally:
            demo.kill()


@pytest.mark.rule("R32")
def test_every_case_of_the_day_has_one_head_and_one_tail(mark: str) -> None:
    """`--cases 40 --exit` ends with 0 and a line of JSON that says so, and every case ends as the day says."""
    with started(mark, "--cases", str(CASES), "--exit") as demo:
        out, _ = demo.communicate(timeout=DEMO_SECONDS)

    assert demo.returncode == 0, out
    verdict = json.loads(out.splitlines()[-1])
    assert verdict.pop("seconds") > 0
    assert verdict == {"cases": CASES, "closed": CASES, "heads": CASES, "tails": CASES, "lost": 0, "duplicates": 0}
    assert "ended otherwise" not in out
    assert "turned away" not in out
    assert all_gone(mark)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_nothing_is_left_when_the_demo_is_ended(mark: str, number: signal.Signals) -> None:
    """Killed, interrupted or terminated in the middle of the play: broker, database, router and parties go too."""
    with started(mark, "--cases", str(CASES)) as demo:
        assert demo.stdout is not None
        told = []
        for line in demo.stdout:
            told.append(line)
            if "head filings" in line:
                break
        assert len(left_behind(mark)) > 5, "".join(told)

        demo.send_signal(number)
        demo.communicate(timeout=GONE_SECONDS)

    assert all_gone(mark)
