"""A real Prometheus with the configuration and the rules as they are shipped, but for addresses and pace."""

import asyncio
import json
import shutil
import time
import urllib.parse
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import yaml

from deploy.local.ports import HOST, free_port
from deploy.local.supervisor import Launch, Process, Supervisor
from deploy.prometheus import FOLDER, RULES

PROGRAM = shutil.which("prometheus")
READY_SECONDS = 90.0
POLL_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Target:
    """A process to scrape: its job in the shipped configuration, where it answers, and every how many seconds it is asked."""

    job: str
    port: int
    seconds: int = 1

    @property
    def address(self) -> str:
        """Its `instance`."""
        return f"{HOST}:{self.port}"


class Prometheus:
    """Started at once; `ready` waits until it answers."""

    def __init__(self, supervisor: Supervisor, folder: Path, targets: Iterable[Target]) -> None:
        assert PROGRAM is not None
        folder.mkdir(exist_ok=True)
        config, port = folder / "prometheus.yml", free_port()
        config.write_text(json.dumps(configuration(targets)))
        argv = [
            PROGRAM,
            f"--config.file={config}",
            f"--storage.tsdb.path={folder / 'tsdb'}",
            f"--web.listen-address={HOST}:{port}",
        ]
        self.url = f"http://{HOST}:{port}"
        self.process: Process = supervisor.launch(Launch("prometheus", argv, folder / "prometheus.log", cwd=folder))

    async def ready(self) -> None:
        """Wait until it answers."""
        async with asyncio.timeout(READY_SECONDS), aiohttp.ClientSession() as session:
            while not await answers(session, f"{self.url}/-/ready"):
                await asyncio.sleep(POLL_SECONDS)

    async def query(self, expression: str) -> list[dict[str, Any]]:
        """Ask it now. Raises RuntimeError where it does not take the expression."""
        return await self._ask("query", {"query": expression})

    async def query_range(self, expression: str, start: float, end: float, step: float) -> list[dict[str, Any]]:
        """Ask it for a stretch of time, in seconds."""
        return await self._ask(
            "query_range", {"query": expression, "start": str(start), "end": str(end), "step": str(step)}
        )

    async def seen(self, expression: str, enough: Callable[[float], bool], seconds: float = 60) -> float:
        """Wait until a number is as wanted; the time at which it was."""
        async with asyncio.timeout(seconds):
            while True:
                found = await self.query(expression)
                if found and enough(float(found[0]["value"][1])):
                    return time.time()
                await asyncio.sleep(POLL_SECONDS)

    async def _ask(self, what: str, parameters: dict[str, str]) -> list[dict[str, Any]]:
        url = f"{self.url}/api/v1/{what}?{urllib.parse.urlencode(parameters)}"
        timeout = aiohttp.ClientTimeout(total=30)
        async with aiohttp.ClientSession(timeout=timeout) as session, session.get(url) as answer:
            told = await answer.json()
        if told["status"] != "success":
            raise RuntimeError(f"{parameters['query']}: {told['error']}")
        result: list[dict[str, Any]] = told["data"]["result"]
        return result


def configuration(targets: Iterable[Target]) -> dict[str, Any]:
    """What is shipped, with a job for each target that goes by its shipped job's name, and nobody to alert."""
    config: dict[str, Any] = yaml.safe_load((FOLDER / "prometheus.yml").read_text())
    config["global"]["evaluation_interval"] = "1s"
    config["rule_files"] = [str(path) for path in RULES]
    del config["alerting"]
    shipped = {job["job_name"]: job for job in config["scrape_configs"]}
    config["scrape_configs"] = [_job(shipped[target.job], target) for target in targets]
    return config


def _job(shipped: dict[str, Any], target: Target) -> dict[str, Any]:
    own = {name: value for name, value in shipped.items() if not name.endswith("_sd_configs")}
    pace = f"{target.seconds}s"
    return {
        **own,
        "job_name": target.address,
        "scrape_interval": pace,
        "scrape_timeout": pace,
        "static_configs": [{"targets": [target.address]}],
        "relabel_configs": [{"target_label": "job", "replacement": target.job}],
    }


async def answers(session: aiohttp.ClientSession, url: str) -> bool:
    """Whether a process answers that all is well."""
    try:
        async with session.get(url, timeout=aiohttp.ClientTimeout(total=2)) as answer:
            return answer.status == 200
    except (aiohttp.ClientError, TimeoutError):
        return False
