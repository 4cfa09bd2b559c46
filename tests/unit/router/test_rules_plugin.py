"""The end of a run: a rule that no test proves fails it."""

from collections import Counter
from types import SimpleNamespace
from typing import Any, cast

import pytest

from ...conftest import RULES, RuleProofs


def _finish(proofs: Counter[str], whole: bool, status: int) -> int:
    plugin = object.__new__(RuleProofs)
    plugin.proofs, plugin.whole, plugin.visited = proofs, whole, []
    session: Any = SimpleNamespace(exitstatus=status)
    plugin.pytest_sessionfinish(cast("pytest.Session", session))
    return int(session.exitstatus)


def test_a_whole_run_without_a_proof_of_a_rule_fails() -> None:
    """However many tests passed."""
    assert pytest.ExitCode.TESTS_FAILED == _finish(Counter(RULES[1:]), whole=True, status=0)


def test_a_whole_run_that_proves_every_rule_passes() -> None:
    """And one that failed otherwise stays as it is."""
    assert pytest.ExitCode.OK == _finish(Counter(RULES), whole=True, status=0)
    assert pytest.ExitCode.INTERRUPTED == _finish(Counter(), whole=True, status=2)


def test_a_run_of_one_file_is_not_judged() -> None:
    """It cannot prove everything."""
    assert pytest.ExitCode.OK == _finish(Counter(), whole=False, status=0)
