"""Alertmanager's configuration for a directory: a receiver for each unit and committee, and what silences what."""

from typing import Any

from topics.directory import Directory

# Where messages leave Alertmanager: one small service that knows people's addresses, which are none of this repository's.
NOTIFIER = "http://notifier:8080"
OPERATORS = "operators"


def configuration(directory: Directory, notifier: str = NOTIFIER) -> dict[str, Any]:
    """The whole file, as data."""
    units = [unit for unit in directory.units if unit.centre]
    committees = [
        _route(
            f"committee-{centre.id}", ['audience=~"committee|unit"', f'centre="{centre.id}"'], ["alertname", "centre"]
        )
        for centre in directory.centres
    ]
    own = [
        # A unit's alert goes to the unit, and on to its committee (R27).
        _route(f"unit-{unit.org_code}", ['audience="unit"', f'unit="{unit.org_code}"'], ["alertname", "unit"])
        | {"continue": True}
        for unit in units
    ]
    receivers = [OPERATORS, *(f"unit-{unit.org_code}" for unit in units), *(c["receiver"] for c in committees)]
    return {
        "route": {
            "receiver": OPERATORS,
            "group_by": ["alertname"],
            "group_wait": "30s",
            "group_interval": "5m",
            "repeat_interval": "4h",
            "routes": [*own, *committees],
        },
        "inhibit_rules": [
            # A stopped router causes these, and they say nothing of their own.
            _inhibits(['alertname="NovetoRouterStopped"'], ['depends_on="router"']),
            # Without an exporter these end, whatever becomes of the units: nobody is told that all is well again.
            _inhibits(['alertname="NovetoExporterMissing"'], ['audience=~"unit|committee"']),
            _inhibits(['alertname="NovetoLaneStopped"'], ['alertname="NovetoLaneStuck"'], "lane"),
            _inhibits(['alertname="NovetoLaneUnowned"'], ['alertname="NovetoLaneStuck"'], "lane"),
            # The page says it, the ticket need not.
            _inhibits(['alertname="NovetoCommandsSlow"'], ['alertname="NovetoCommandsSlowly"']),
            _inhibits(['alertname="NovetoAnswersLate"'], ['alertname="NovetoAnswersOftenLate"'], "centre"),
        ],
        "receivers": [
            {"name": name, "webhook_configs": [{"url": f"{notifier}/{name}", "send_resolved": True}]}
            for name in receivers
        ],
    }


def _route(receiver: str, matchers: list[str], group_by: list[str]) -> dict[str, Any]:
    return {"receiver": receiver, "matchers": matchers, "group_by": group_by}


def _inhibits(source: list[str], target: list[str], *equal: str) -> dict[str, Any]:
    return {"source_matchers": source, "target_matchers": target, "equal": ["router", *equal]}
