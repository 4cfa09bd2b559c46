"""CloudEvents 1.0 in Kafka's binary mode: attributes are `ce_*` headers, the value is the data, the key is the case's id."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from topics.fields import utc_text

Headers = Sequence[tuple[str, bytes]]

SOURCE = "/noveto/router"
CONTENT_TYPE = ("content-type", b"application/json; charset=utf-8")


def headers(
    ce_id: str, ce_type: str, source: str, time: datetime, subject: str | None = None
) -> list[tuple[str, bytes]]:
    """The headers of one event; `subject` is the case's id."""
    attributes = [
        ("ce_specversion", b"1.0"),
        ("ce_id", ce_id.encode()),
        ("ce_type", ce_type.encode()),
        ("ce_source", source.encode()),
        ("ce_time", utc_text(time).encode()),
        CONTENT_TYPE,
    ]
    if subject is not None:
        attributes.append(("ce_subject", subject.encode()))
    return attributes


def attribute(given: Iterable[tuple[str, bytes | None]], name: str) -> str | None:
    """The attribute's text; None where it is absent, empty or no UTF-8. A header that stands twice counts once, the last."""
    found: bytes | None = None
    for key, value in given:
        if key == name:
            found = value
    if not found:
        return None
    try:
        return found.decode()
    except UnicodeDecodeError:
        return None
