"""A real Alertmanager with the shipped configuration: what a stopped router causes is silent, a unit's breach is not."""

import asyncio
import contextlib
import shutil
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml

from deploy.alertmanager.routing import configuration
from deploy.demo.play import DIRECTORY, load_directory
from deploy.local.ports import HOST, free_port
from deploy.prometheus import RULES
from tests.unit.metrics.promtool import PACKAGES

PROGRAM = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")
SETTLE_SECONDS = 60
STEADY = 10
"""So many looks one after another must find the same: what silences may still be to come."""
pytestmark = [
    pytest.mark.timeout(120),
    pytest.mark.skipif(PROGRAM is None, reason=f"alertmanager is not installed: {PACKAGES}"),
]


def alert(name: str, **labels: str) -> dict[str, Any]:
    """An alert as Prometheus would send it, with the labels of its rule."""
    rules = (rule for path in RULES for group in yaml.safe_load(path.read_text())["groups"] for rule in group["rules"])
    own = next(rule["labels"] for rule in rules if rule.get("alert") == name)
    return {"labels": {"alertname": name, "router": "noveto", **own, **labels}}


async def suppressed(tmp_path: Path, alerts: list[dict[str, Any]], expected: dict[str, bool]) -> dict[str, bool]:
    """Whether each alert is silenced by another, once it stays as expected: what silences is looked at after what it silences."""
    assert PROGRAM is not None
    config, port = tmp_path / "alertmanager.yml", free_port()
    config.write_text(yaml.safe_dump(configuration(load_directory(DIRECTORY), f"http://{HOST}:9")))
    process = await asyncio.create_subprocess_exec(
        PROGRAM,
        f"--config.file={config}",
        f"--storage.path={tmp_path / 'data'}",
        f"--web.listen-address={HOST}:{port}",
        "--cluster.listen-address=",
        stderr=asyncio.subprocess.DEVNULL,
    )
    url = f"http://{HOST}:{port}/api/v2/alerts"
    found: dict[str, bool] = {}
    steady = 0
    try:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SETTLE_SECONDS), aiohttp.ClientSession() as session:
                await _post(session, url, alerts)
                while steady < STEADY:
                    async with session.get(url) as answer:
                        found = {
                            one["labels"]["alertname"]: bool(one["status"]["inhibitedBy"])
                            for one in await answer.json()
                        }
                    steady = steady + 1 if found == expected else 0
                    await asyncio.sleep(0.2)
    finally:
        process.terminate()
        await process.wait()
    return found


async def _post(session: aiohttp.ClientSession, url: str, alerts: list[dict[str, Any]]) -> None:
    while True:
        try:
            async with session.post(url, json=alerts) as answer:
                assert 200 == answer.status, await answer.text()
            return
        except aiohttp.ClientError:
            await asyncio.sleep(0.1)


async def test_a_stopped_router_silences_what_it_causes(tmp_path: Path) -> None:
    """Operators are told once; units and committees still hear of what is theirs."""
    alerts = [
        alert("NovetoRouterStopped"),
        alert("NovetoLaneStuck", lane="3"),
        alert("NovetoLagGrowing", stage="desk"),
        alert("NovetoUnitSilent", unit="11350100SAMPLE0003", centre="fz-shimin"),
        alert("NovetoCommandsSlow"),
        alert("NovetoDeadlineBreached", unit="11350100SAMPLE0003", centre="fz-shimin"),
        alert("NovetoLaneStopped", lane="3"),
    ]
    expected = {
        "NovetoRouterStopped": False,
        "NovetoLaneStuck": True,
        "NovetoLagGrowing": True,
        "NovetoUnitSilent": True,
        "NovetoCommandsSlow": True,
        "NovetoDeadlineBreached": False,
        "NovetoLaneStopped": False,
    }

    assert expected == await suppressed(tmp_path, alerts, expected)


async def test_without_an_exporter_nobody_is_told_that_all_is_well_again(tmp_path: Path) -> None:
    """Units' alerts end with what they are made of; Alertmanager tells neither begin nor end of what is silent."""
    alerts = [
        alert("NovetoExporterMissing"),
        alert("NovetoDeadlineBreached", unit="11350100SAMPLE0003", centre="fz-shimin"),
        alert("NovetoAnswersLate", centre="fz-shimin", window="1h"),
        alert("NovetoLaneStopped", lane="3"),
    ]
    expected = {
        "NovetoExporterMissing": False,
        "NovetoDeadlineBreached": True,
        "NovetoAnswersLate": True,
        "NovetoLaneStopped": False,
    }

    assert expected == await suppressed(tmp_path, alerts, expected)


async def test_a_running_router_silences_nothing(tmp_path: Path) -> None:
    """A page stands for its own ticket, of the same lane or centre only."""
    alerts = [
        alert("NovetoLaneStopped", lane="3"),
        alert("NovetoLaneStuck", lane="4"),
        alert("NovetoAnswersLate", centre="fz-shimin", window="1h"),
        alert("NovetoAnswersOftenLate", centre="fz-shimin", window="3d"),
    ]
    expected = {
        "NovetoLaneStopped": False,
        "NovetoLaneStuck": False,
        "NovetoAnswersLate": False,
        "NovetoAnswersOftenLate": True,
    }

    assert expected == await suppressed(tmp_path, alerts, expected)
