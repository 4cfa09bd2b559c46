"""Which rule of the opinion is proved by how many tests: a run of the whole suite ends with that list, and fails on a gap."""

from collections import Counter
from pathlib import Path

import pytest

RULES = (
    *(f"R{number:02}" for number in range(1, 16)),
    *(f"R{number:02}" for number in range(20, 34)),
    *(f"R{number:02}" for number in range(36, 39)),
)
"""The rules in scope (docs/rules.md)."""

TESTS = Path(__file__).parent


def pytest_configure(config: pytest.Config) -> None:
    """Workers of pytest-xdist report to the process that started them: only that one counts."""
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(RuleProofs(config), "rule-proofs")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A test's rules travel with its report, also from one process to another."""
    for item in items:
        item.user_properties += [("rule", marker.args[0]) for marker in item.iter_markers("rule")]


class RuleProofs:
    """Counts the passing tests of each rule."""

    def __init__(self, config: pytest.Config) -> None:
        self.proofs: Counter[str] = Counter()
        self.visited: list[str] = []
        self.whole = _is_whole(config)

    @property
    def unproved(self) -> list[str]:
        """The rules in scope without a passing test."""
        return [rule for rule in RULES if not self.proofs[rule]]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" and report.passed:
            self.proofs.update({str(rule) for name, rule in report.user_properties if name == "rule"})

            self.visited += [str(figures) for name, figures in report.user_properties if name == "visited"]

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self.whole and self.unproved and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        for figures in sorted(self.visited):
            terminalreporter.line(figures)
        if not self.whole:
            return
        terminalreporter.section("rules of the opinion, and how many passing tests prove each")
        known = [f"{rule} {self.proofs[rule]}" for rule in RULES]
        for start in range(0, len(known), 12):
            terminalreporter.line("   ".join(f"{rule:8}" for rule in known[start : start + 12]))
        for rule in sorted(set(self.proofs) - set(RULES)):
            terminalreporter.line(f"{rule} {self.proofs[rule]} (beyond the rules in scope)")
        if self.unproved:
            terminalreporter.line(f"NO TEST PROVES: {', '.join(self.unproved)}", red=True)


def _is_whole(config: pytest.Config) -> bool:
    """Whether all that is needed to judge runs: the whole suite, or all of tests/unit and tests/property."""
    if config.getoption("keyword") or config.getoption("markexpr") not in ("", "not kafka"):
        return False
    if any(config.getoption(name, False) for name in ("collectonly", "lf", "deselect", "maxfail")):
        return False
    asked = {(config.invocation_params.dir / argument).resolve() for argument in config.args}
    return bool(asked & {TESTS, TESTS.parent}) or {TESTS / "unit", TESTS / "property"} <= asked
