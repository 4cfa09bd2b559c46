"""The demo's own processes: the router and the parties, all ended with the demo, also when it is killed."""

import asyncio
import os
import signal
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import deploy
from deploy.local.errors import LocalStackError, tail
from deploy.local.supervisor import Launch, Process, Supervisor

ROOT = Path(deploy.__file__).parent.parent
GRACE_SECONDS = 3.0
CLOSE_SECONDS = 20.0
ALL_LINES = 10_000


class Processes:
    """Python programs under one watchdog, each with a log of its own in `log_dir`.

    Raises LocalStackError, which names the step, the log and its last lines.
    """

    def __init__(self, log_dir: Path) -> None:
        self._log_dir = log_dir
        self._running: dict[str, Process] = {}

    async def __aenter__(self) -> Self:
        log = self._log_dir / "demo-watchdog.log"
        self._supervisor = await asyncio.to_thread(Supervisor, log, GRACE_SECONDS, None, [])
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.shield(asyncio.ensure_future(asyncio.to_thread(self._supervisor.close, CLOSE_SECONDS)))

    async def run(self, step: str, argv: Iterable[str], settings: Mapping[str, str], timeout_seconds: float) -> str:
        """Run `python -m` with these arguments to its end; what it printed."""
        log = self._log_dir / f"{step.replace(' ', '-')}.log"
        log.unlink(missing_ok=True)
        await asyncio.to_thread(self._supervisor.run, _launch(step, log, argv, settings), timeout_seconds)
        return tail(log, ALL_LINES)

    async def start(self, name: str, argv: Iterable[str], settings: Mapping[str, str]) -> None:
        """Start `python -m` with these arguments, to run until it is stopped."""
        launch = _launch(name, self._log_dir / f"{name}.log", argv, settings)
        self._running[name] = await asyncio.to_thread(self._supervisor.launch, launch)

    def check(self) -> None:
        """Raise LocalStackError if one of them has ended by itself."""
        for name, process in self._running.items():
            if not process.alive:
                raise LocalStackError(name, process.obituary(), self._log_dir / f"{name}.log")

    async def stop(self, names: Iterable[str], timeout_seconds: float) -> None:
        """Ask these to stop, wait, and kill what does not."""
        stopping = [self._running.pop(name) for name in names if name in self._running]
        for process in stopping:
            process.signal(signal.SIGTERM)
        for process in stopping:
            if not await asyncio.to_thread(process.wait, timeout_seconds):
                await asyncio.to_thread(process.kill_tree)


def _launch(step: str, log: Path, argv: Iterable[str], settings: Mapping[str, str]) -> Launch:
    environment = {**os.environ, "PYTHONUNBUFFERED": "1", **settings}
    return Launch(step, [sys.executable, "-m", *argv], log, cwd=ROOT, env=environment)
