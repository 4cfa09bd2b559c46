"""A TCP proxy that misbehaves when told to: it delays, cuts, or closes half of what passes."""

import asyncio
import contextlib
from collections.abc import Coroutine
from typing import Any


class Proxy:
    """Listens on loopback and passes bytes to a target; every connection of it is treated alike. Port 0 is any free one."""

    def __init__(self, host: str, port: int, listen: int = 0) -> None:
        self._target = (host, port)
        self._clients: set[asyncio.StreamWriter] = set()
        self._servers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.delay = 0.0
        self.open = True
        self.port = listen

    async def __aenter__(self) -> "Proxy":
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.cut()
        # The transports' turn to close.
        await asyncio.sleep(0)

    def cut(self) -> None:
        """Every connection ends now, without a goodbye."""
        for writer in self._clients | self._servers:
            writer.transport.abort()

    def half_close(self) -> None:
        """The clients hear that nothing more comes; what they send is still taken."""
        for writer in set(self._clients):
            with contextlib.suppress(OSError, RuntimeError):
                writer.write_eof()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self.open:
            writer.transport.abort()
            return
        self._clients.add(writer)
        self._begin(self._connect(reader, writer))

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there, back = await asyncio.open_connection(*self._target)
        except OSError:
            self._clients.discard(writer)
            writer.transport.abort()
            return
        self._servers.add(back)
        self._begin(self._pipe(reader, back))
        self._begin(self._pipe(there, writer))

    async def _pipe(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, RuntimeError, asyncio.CancelledError):
            while data := await reader.read(65536):
                if self.delay:
                    await asyncio.sleep(self.delay)
                writer.write(data)
                await writer.drain()
        self._clients.discard(writer)
        self._servers.discard(writer)
        with contextlib.suppress(OSError, RuntimeError):
            writer.close()
