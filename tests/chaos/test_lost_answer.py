"""A transaction whose answer never came: it was committed, and the connection ended before anybody heard."""

import asyncio
import contextlib
from pathlib import Path
from typing import Any

import pytest

from deploy.local.ports import HOST

from ..parties import Party, case_of, refusal
from ..support import Router, supervised
from ..timing import events
from .proxy import Proxy
from .stack import Breakable


class Swallower(Proxy):
    """Passes on what a client says, and cuts every connection when the server answers certain words for the first time."""

    def __init__(self, host: str, port: int, words: bytes) -> None:
        super().__init__(host, port)
        self._words = words
        self._said_on: Any = None
        self.swallowed = 0

    async def _pipe(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, RuntimeError):
            while data := await reader.read(65536):
                # The server's stream of bytes has the same transport as what is written to it.
                if self._said_on is None and writer in self._servers and self._words in data:
                    self._said_on = writer.transport
                elif not self.swallowed and reader._transport is self._said_on:  # type: ignore[attr-defined]
                    self.swallowed = len(data)
                    self.cut()
                    return
                writer.write(data)
                await writer.drain()
        writer.close()


@pytest.mark.kafka
@pytest.mark.timeout(120)
async def test_a_lane_whose_answer_was_lost_goes_on_at_once(broken: Breakable, tmp_path: Path) -> None:
    """Its epoch is still ours: nobody else has it, nothing is done twice, and the wait for another's session is spared."""
    with supervised(tmp_path) as supervisor:
        router = Router(broken.stack, supervisor, tmp_path, "answer", lanes=1)
        await router.prepare()
        opening = refusal(refusal_id="unheard")
        words = f'"caseId":"{case_of(opening)}"'.encode()
        (port,) = broken.stack.postgres.ports
        proxy = Swallower(HOST, port, words)
        async with (
            proxy,
            Party(broken.stack.bootstrap, router.prefix, "windows") as windows,
            Party(broken.stack.bootstrap, router.prefix, "bureau") as bureau,
        ):
            through = router.settings.postgres_dsn.get_secret_value().replace(f":{port}/", f":{proxy.port}/")
            worker = await router.worker(postgres_dsn=through).ready()
            await windows.say("refusal.proposed", opening)
            await bureau.task(case_of(opening), "reviewer")
            await windows.say("refusal.proposed", later := refusal())
            await bureau.task(case_of(later), "reviewer")
            await router.settled()

            said = worker.log.read_text()
            assert proxy.swallowed > 0
            assert "answer lost" in said
            assert "lane lost" not in said
            assert 1 == len(await events(router, "case.opened", case_of(opening)))
        worker.stop()
