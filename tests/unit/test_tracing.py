"""A trace goes from refusal to filing, the same way each time."""

from datetime import UTC, datetime, timedelta

import pytest

from consumers import tracing

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
NOW = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "given",
    [
        b"00-00000000000000000000000000000000-b7ad6b7169203331-01",
        b"00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
        b"00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
        b"ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        b"00-0af7-b7ad6b7169203331-01",
        b"\xff",
        b"",
        None,
    ],
)
def test_what_is_no_traceparent_is_left_out(given: bytes | None) -> None:
    """A bad header never spoils a command."""
    assert None is tracing.parsed([("traceparent", given)])


def test_a_later_version_is_read_as_the_first() -> None:
    """As the standard asks: what is known of it is used."""
    later = PARENT.replace("00-", "01-", 1) + "-more"

    assert PARENT == tracing.parsed([("ce_id", b"1"), ("traceparent", later.encode())])


def test_a_hop_stays_in_the_trace_and_is_the_same_each_time() -> None:
    """Work done again after a crash is the same span."""
    own = tracing.child(PARENT, "desk", "t/0/7")

    assert own == tracing.child(PARENT, "desk", "t/0/7") != tracing.child(PARENT, "desk", "t/0/8")
    assert own is not None
    assert (PARENT[:36], PARENT[-3:]) == (own[:36], own[-3:])
    assert own == tracing.parsed(tracing.header(own))


def test_no_trace_no_header() -> None:
    """Nothing is invented for a sender that gave none."""
    assert None is tracing.child(None, "desk", 1)
    assert [] == list(tracing.header(None))
    assert not tracing.Spans.from_environment("0").on


def test_spans_are_linked_as_the_messages_are() -> None:
    """What is exported has the ids that stand in the headers; what is not sampled is not exported."""
    sdk = pytest.importorskip("opentelemetry.sdk.trace.export")
    memory = pytest.importorskip("opentelemetry.sdk.trace.export.in_memory_span_exporter").InMemorySpanExporter()
    resources = pytest.importorskip("opentelemetry.sdk.resources")
    spans = tracing.Spans(sdk.SimpleSpanProcessor(memory), resources.Resource.get_empty())
    own = tracing.child(PARENT, "desk", 1)
    spans.record("desk", own, PARENT, NOW, NOW + timedelta(seconds=1), noveto_case="ORG1-1")
    spans.record("desk", PARENT[:-1] + "0", None, NOW, NOW)
    (span,) = memory.get_finished_spans()
    spans.close()

    assert own == f"00-{span.context.trace_id:032x}-{span.context.span_id:016x}-01"
    assert PARENT[36:52] == f"{span.parent.span_id:016x}"
    assert ("noveto desk", {"noveto.case": "ORG1-1"}) == (span.name, dict(span.attributes))
    assert 1_000_000_000 == span.end_time - span.start_time
