"""CloudEvents 1.0 in Kafka's binary mode, as far as a party needs them."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any


def headers(event_id: str, event_type: str, source: str, time: datetime) -> list[tuple[str, bytes]]:
    """The attributes of one event."""
    return [
        ("ce_specversion", b"1.0"),
        ("ce_id", event_id.encode()),
        ("ce_type", event_type.encode()),
        ("ce_source", source.encode()),
        ("ce_time", time.astimezone(UTC).isoformat().encode()),
        ("content-type", b"application/json; charset=utf-8"),
    ]


def attribute(given: Sequence[tuple[str, bytes]], name: str) -> str:
    """The attribute's text, or an empty one."""
    return next((value.decode() for key, value in given if key == name), "")


def value(data: dict[str, Any]) -> bytes:
    """The data as JSON, Chinese as it is written."""
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode()
