"""Rules, alerts, their tests, their runbooks, and whom they reach."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.alertmanager.__main__ import written
from metrics.table import EVERY

from .promtool import run

ROOT = Path(__file__).parents[3]
PROMETHEUS = ROOT / "deploy" / "prometheus"
RULES = sorted((PROMETHEUS / "rules").glob("*.yml"))
TESTS = sorted((PROMETHEUS / "tests").glob("*.yml"))
ALERTMANAGER = ROOT / "deploy" / "alertmanager" / "alertmanager.yml"
RUNBOOKS = ROOT / "docs" / "runbooks"
DIRECTORY = ROOT / "deploy" / "sample" / "directory.yaml"
SUFFIXES = ("", "_total", "_bucket", "_count", "_sum")


def rules() -> list[dict[str, Any]]:
    """Every rule of every file."""
    return [rule for path in RULES for group in yaml.safe_load(path.read_text())["groups"] for rule in group["rules"]]


ALERTS = [rule for rule in rules() if "alert" in rule]


def test_promtool_takes_the_rules() -> None:
    """`promtool check rules`."""
    done = run("promtool", "check", "rules", *map(str, RULES))

    assert 0 == done.returncode, done.stdout + done.stderr


def test_promtool_takes_the_configuration() -> None:
    """`promtool check config` follows the names of the rule files too."""
    done = run("promtool", "check", "config", str(PROMETHEUS / "prometheus.yml"))

    assert 0 == done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.stem)
def test_every_alert_fires_and_does_not(path: Path) -> None:
    """`promtool test rules`."""
    done = run("promtool", "test", "rules", str(path))

    assert 0 == done.returncode, done.stdout + done.stderr


def test_no_alert_is_untested() -> None:
    """Each alert is seen both firing and not."""
    seen: dict[str, set[int]] = {}
    for path in TESTS:
        for test in yaml.safe_load(path.read_text())["tests"]:
            for asked in test["promql_expr_test"]:
                name = re.search(r'alertname="(\w+)"', asked["expr"])
                assert name is not None
                seen.setdefault(name[1], set()).update(sample["value"] for sample in asked["exp_samples"])

    assert {alert["alert"]: {0, 1} for alert in ALERTS} == seen


def test_every_alert_says_whom_it_is_for_and_what_to_do() -> None:
    """Severity, audience and a runbook page with its four chapters; no page without an alert."""
    for alert in ALERTS:
        assert alert["labels"]["severity"] in ("page", "ticket")
        assert alert["labels"]["audience"] in ("operator", "committee", "unit")
        assert f"docs/runbooks/{alert['alert']}.md" == alert["annotations"]["runbook_url"]
        page = (ROOT / alert["annotations"]["runbook_url"]).read_text(encoding="utf-8")
        chapters = re.findall(r"^## (.+)$", page, re.MULTILINE)
        assert ["What it means", "Look at", "Do", "Call"] == chapters, alert["alert"]

    assert {alert["alert"] for alert in ALERTS} | {"README"} == {path.stem for path in RUNBOOKS.glob("*.md")}


def known_names() -> set[str]:
    """Of every metric's series, and of every recording rule."""
    series = {f"{metric.name}{suffix}" for _, table in EVERY for metric in table for suffix in SUFFIXES}
    return series | {rule["record"] for rule in rules() if "record" in rule}


def test_the_rules_ask_for_metrics_that_exist() -> None:
    """Every name in an expression is a metric's, or a recording rule's."""
    for rule in rules():
        used = set(re.findall(r"[a-z_]*:?noveto[a-z_]*(?::[a-z0-9_]+)*", re.sub(r'"[^"]*"', "", rule["expr"])))

        assert used <= known_names(), rule


def test_a_recording_rule_is_of_the_time_in_its_name() -> None:
    """`…:ratio_rate5m` and `…:increase1h` look back over so much, wherever they look."""
    timed = {
        rule["record"]: rule["expr"] for rule in rules() if re.search(r"(rate|increase)\d+\w$", rule.get("record", ""))
    }

    assert 6 == len(timed)
    for name, expr in timed.items():
        assert {re.split(r"rate|increase", name)[-1]} == set(re.findall(r"\[(\w+)\]", expr)), name


def test_the_routing_is_the_directorys() -> None:
    """`python -m deploy.alertmanager` was run after the last change."""
    assert written(DIRECTORY) == ALERTMANAGER.read_text(encoding="utf-8")


def test_amtool_takes_the_routing() -> None:
    """`amtool check-config`."""
    done = run("amtool", "check-config", str(ALERTMANAGER))

    assert 0 == done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("labels", "receivers"),
    [
        ("audience=unit unit=11350100SAMPLE0003 centre=fz-shimin", "unit-11350100SAMPLE0003,committee-fz-shimin"),
        ("audience=committee unit=11350100SAMPLE0003 centre=fz-shimin", "committee-fz-shimin"),
        ("audience=committee centre=fz-shimin", "committee-fz-shimin"),
        ("audience=operator lane=3", "operators"),
        ("audience=operator centre=fz-shimin", "operators"),
        ("audience=unit unit=11350100SAMPLE0010 centre=", "operators"),
    ],
)
def test_an_alert_reaches_who_can_do_something(labels: str, receivers: str) -> None:
    """A unit's goes to the unit and its committee; a department without windows has none, so operators see to it."""
    done = run("amtool", "config", "routes", "test", f"--config.file={ALERTMANAGER}", *labels.split())

    assert receivers == done.stdout.strip()
