"""Several workers on one machine: each a process of its own, started again when it ends by itself."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
import time

import structlog

from consumers.settings import Settings
from consumers.waiting import within

LOG = structlog.get_logger()
LEAST_SECONDS = 1.0
STOP_SECONDS = 15.0


async def run(settings: Settings, workers: int, stages: tuple[str, ...]) -> int:
    """Keep so many workers running until SIGTERM or SIGINT, then stop them; 0 when all stopped well."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    base = settings.worker_name or f"{socket.gethostname()}-{os.getpid()}"
    keepers = [
        asyncio.create_task(_keep(settings, f"{base}-{number}", number, stages, stop))
        for number in range(1, workers + 1)
    ]
    codes = await asyncio.gather(*keepers)
    return max(codes)


async def _keep(settings: Settings, name: str, number: int, stages: tuple[str, ...], stop: asyncio.Event) -> int:
    port = settings.http_port and settings.http_port + number - 1
    environment = {**os.environ, "NOVETO_WORKER_NAME": name, "NOVETO_HTTP_PORT": str(port)}
    argv = [sys.executable, "-m", "consumers.cli", "worker", "--with-parent", *(f"--{stage}" for stage in stages)]
    while True:
        started = time.monotonic()
        # The worker ends when its standard input does: with us, however we end.
        process = await asyncio.create_subprocess_exec(
            *argv, env=environment, stdin=asyncio.subprocess.PIPE, start_new_session=True
        )
        ended = asyncio.create_task(process.wait())
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait([ended, stopping], return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if stop.is_set():
            if process.returncode is None:
                process.terminate()
            try:
                return await within(ended, STOP_SECONDS)
            except TimeoutError:
                process.kill()
                return 1
        LOG.warning("worker started again", worker=name, code=process.returncode)
        await asyncio.sleep(max(0.0, LEAST_SECONDS - (time.monotonic() - started)))
