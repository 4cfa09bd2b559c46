"""A sender's trace goes through Kafka, the journal and Kafka again, from the refusal to its filings."""

import asyncio
import gzip
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer

from consumers.tracing import parsed
from deploy.local import LocalStack
from deploy.local.ports import HOST, free_port
from deploy.local.supervisor import Supervisor

from ..parties import Party, accept, as_json, case_of, event_headers, refusal
from ..support import Router

trace_service = pytest.importorskip("opentelemetry.proto.collector.trace.v1.trace_service_pb2")
pytestmark = [pytest.mark.kafka, pytest.mark.timeout(180)]

TRACE = "0af7651916cd43dd8448eb211c80319c"
SENT = f"00-{TRACE}-b7ad6b7169203331-01".encode()


class Collector(HTTPServer):
    """Takes spans as OpenTelemetry's collector does, and remembers them."""

    def __init__(self) -> None:
        self.spans: list[Any] = []
        spans = self.spans

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                request = trace_service.ExportTraceServiceRequest.FromString(body)
                spans.extend(s for r in request.resource_spans for scope in r.scope_spans for s in scope.spans)
                self.send_response(200)
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                pass

        super().__init__((HOST, free_port()), Handler)


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    """A collector for the module."""
    server = Collector()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="module")
def traced(stack: LocalStack, supervisor: Supervisor, folder: Path, collector: Collector) -> Iterator[Router]:
    """A router that exports its spans."""
    router = Router(stack, supervisor, folder, "traced")
    asyncio.run(router.prepare())
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://{HOST}:{collector.server_port}")
        environment.setenv("OTEL_BSP_SCHEDULE_DELAY", "200")
        worker = router.worker().wait_ready()
    yield router
    worker.stop()


async def test_a_trace_goes_from_the_refusal_to_its_filings(traced: Router, collector: Collector) -> None:
    """Head and tail have the traces of what caused them; what has no trace gets none; the spans hang together."""
    opening = refusal()
    case_id = case_of(opening)
    async with (
        Party(traced.stack.bootstrap, traced.prefix, "windows") as windows,
        Party(traced.stack.bootstrap, traced.prefix, "bureau") as bureau,
        Party(traced.stack.bootstrap, traced.prefix, "committee") as committee,
    ):
        headers = [*event_headers("refusal.proposed", "traced-1"), ("traceparent", SENT)]
        await windows.write("window.refusals", case_id.encode(), as_json(opening), headers)
        task = await bureau.task(case_id, "reviewer")
        await bureau.say("tier.decided", accept(case_id, task.data["taskId"]))
        tail = await committee.tail(case_id)

    found = await headers_of(traced, tail.topic, case_id)
    assert found["filing.head"] is not None
    assert f"00-{TRACE}" == found["filing.head"][:35]
    assert None is found["filing.tail"]

    connection = await asyncpg.connect(traced.superuser_dsn)
    entry = await connection.fetchval(
        "select convert_from(body, 'UTF8')::jsonb -> 'origin' ->> 'traceparent' from journal where case_id = $1 and version = 1",
        case_id,
    )
    await connection.close()
    assert f"00-{TRACE}" == entry[:35]

    async with asyncio.timeout(20):
        while {"noveto intake", "noveto desk", "noveto relay"} - {span.name for span in collector.spans}:
            await asyncio.sleep(0.1)
    spans = {span.name: span for span in collector.spans}
    assert {TRACE} == {span.trace_id.hex() for span in collector.spans}
    assert SENT.decode()[36:52] == spans["noveto intake"].parent_span_id.hex()
    assert spans["noveto intake"].span_id == spans["noveto desk"].parent_span_id
    assert spans["noveto desk"].span_id == spans["noveto relay"].parent_span_id
    assert found["filing.head"][36:52] == spans["noveto desk"].span_id.hex()


async def headers_of(router: Router, topic: str, case_id: str) -> dict[str, str | None]:
    """The traceparent of each type of message about a case."""
    consumer = AIOKafkaConsumer(
        topic,
        bootstrap_servers=router.stack.bootstrap,
        isolation_level="read_committed",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
    )
    await consumer.start()
    found: dict[str, str | None] = {}
    try:
        async with asyncio.timeout(20):
            while {"filing.head", "filing.tail"} - set(found):
                record = await consumer.getone()
                if record.key == case_id.encode():
                    found[dict(record.headers)["ce_type"].decode()] = parsed(record.headers)
    finally:
        await consumer.stop()
    return found
