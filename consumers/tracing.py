"""W3C Trace Context from refusal to filing: carried through every hop, exported by OpenTelemetry where that is configured.

A hop's span id follows from its parent and its place, so that work done again after a crash is the same span, and what is
written stays the same to the byte.
"""

import hashlib
import os
import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

TRACEPARENT = "traceparent"
ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
_FORM = re.compile(r"^[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?$")


class TracingError(Exception):
    """OpenTelemetry is configured, but its packages are not installed."""


def parsed(headers: Iterable[tuple[str, bytes | None]]) -> str | None:
    """The headers' traceparent in version 00, None where there is none or it is not well formed."""
    given = next((value for name, value in headers if name == TRACEPARENT), None)
    match = _FORM.match(given.decode("ascii", "replace")) if given is not None else None
    if match is None or (given or b"").startswith(b"ff"):
        return None
    return f"00-{match[1]}-{match[2]}-{match[3]}"


def child(parent: str | None, stage: str, place: object) -> str | None:
    """The traceparent of a stage's own span."""
    if parent is None:
        return None
    version, trace, _, flags = parent.split("-")
    span = hashlib.sha256(f"{parent} {stage} {place}".encode()).hexdigest()[:16]
    return f"{version}-{trace}-{span}-{flags}"


class Spans:
    """Where spans go: to the collector that the environment names, or nowhere. Only sampled ones; no personal data."""

    def __init__(self, processor: Any = None, resource: Any = None) -> None:
        self._processor = processor
        self._resource = resource

    @classmethod
    def from_environment(cls, version: str) -> "Spans":
        """By OTEL_EXPORTER_OTLP_ENDPOINT and its like. Raises TracingError where the packages are missing."""
        if not os.environ.get(ENDPOINT):
            return cls()
        try:
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
            from opentelemetry.sdk.resources import Resource
            from opentelemetry.sdk.trace.export import BatchSpanProcessor
        except ImportError as error:
            raise TracingError(
                f"{ENDPOINT} is set, but OpenTelemetry is not installed: pip install 'noveto[otel]', or unset it"
            ) from error
        resource = Resource.create({"service.name": "noveto", "service.version": version})
        return cls(BatchSpanProcessor(OTLPSpanExporter()), resource)

    @property
    def on(self) -> bool:
        """Whether anybody wants them."""
        return self._processor is not None

    def record(
        self, name: str, own: str | None, parent: str | None, start: datetime, end: datetime, **attributes: str | int
    ) -> None:
        """One span that is over. `own` and `parent` are traceparents."""
        if self._processor is None or own is None or not int(own[-2:], 16) & 1:
            return
        from opentelemetry.sdk.trace import ReadableSpan
        from opentelemetry.trace import SpanKind

        span = ReadableSpan(
            name=f"noveto {name}",
            context=_context(own),
            parent=_context(parent) if parent else None,
            resource=self._resource,
            attributes={key.replace("_", "."): value for key, value in attributes.items()},
            kind=SpanKind.CONSUMER,
            start_time=_nanoseconds(start),
            end_time=max(_nanoseconds(start), _nanoseconds(end)),
        )
        self._processor.on_end(span)

    def close(self) -> None:
        """Send what waits; some seconds at most."""
        if self._processor is not None:
            self._processor.force_flush(2000)
            self._processor.shutdown()


def _context(traceparent: str) -> Any:
    from opentelemetry.trace import SpanContext, TraceFlags

    _, trace, span, flags = traceparent.split("-")
    return SpanContext(int(trace, 16), int(span, 16), is_remote=True, trace_flags=TraceFlags(int(flags, 16)))


def _nanoseconds(at: datetime) -> int:
    return int(at.timestamp() * 1_000_000) * 1000


def header(traceparent: str | None) -> Sequence[tuple[str, bytes]]:
    """As a Kafka header, where there is one."""
    return [(TRACEPARENT, traceparent.encode())] if traceparent else []
