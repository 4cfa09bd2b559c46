"""/metrics, /healthz and /readyz of a process."""

from collections.abc import Callable
from typing import Protocol

from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest as text
from prometheus_client.openmetrics.exposition import generate_latest as openmetrics_text

from metrics.exposition import ENDING, OPENMETRICS, TEXT

Check = Callable[[], dict[str, str]]


class Counted(Protocol):
    """Further families, in UTF-8, without OpenMetrics' last line."""

    def __call__(self, *, openmetrics: bool) -> bytes: ...


def _nothing(*, openmetrics: bool) -> bytes:
    return b""


async def serve(
    host: str, port: int, registry: CollectorRegistry, alive: Check, ready: Check, counted: Counted = _nothing
) -> tuple[web.AppRunner, int]:
    """Serve until the runner is cleaned up; the port that was bound. A check tells what is wrong, by part; empty is well."""

    async def metrics(request: web.Request) -> web.Response:
        """OpenMetrics, unless the older text format is all that the reader takes."""
        accepted = request.headers.get("Accept", "*/*")
        if "application/openmetrics-text" in accepted or "text/plain" not in accepted:
            ending = ENDING.encode()
            own: bytes = openmetrics_text(registry).removesuffix(ending)  # type: ignore[no-untyped-call]
            body, kind = b"".join((own, counted(openmetrics=True), ending)), OPENMETRICS
        else:
            body, kind = text(registry) + counted(openmetrics=False), TEXT
        return web.Response(body=body, headers={"Content-Type": kind})

    def answer(check: Check) -> Callable[[web.Request], web.Response]:
        async def handler(_: web.Request) -> web.Response:
            wrong = check()
            return web.json_response({"ok": not wrong, "wrong": wrong}, status=503 if wrong else 200)

        return handler  # type: ignore[return-value]

    app = web.Application()
    app.router.add_get("/metrics", metrics)
    app.router.add_get("/healthz", answer(alive))  # type: ignore[arg-type]
    app.router.add_get("/readyz", answer(ready))  # type: ignore[arg-type]
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, host, port)
    await site.start()
    bound = runner.addresses[0][1]
    return runner, bound
