"""A record of `case.commands` as the desk gets it, and as it is kept while it waits (parked, quarantined)."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import orjson

from consumers.kafka import header
from consumers.sealing import KeyRing
from consumers.tracing import TRACEPARENT, parsed
from router.rejections import reject
from topics.command import APPLICANT_HEADER, ORIGIN_HEADER, CommandRecord, read_command
from topics.events import Rejection
from topics.parts import Source
from topics.upcasting import NewerForm

RECORD_BYTES = 1024


@dataclass(frozen=True, slots=True)
class Delivered:
    """A command: what intake said of it, its value, and the sealed applicant if it has one."""

    offset: int
    record: CommandRecord
    value: bytes
    applicant: bytes | None = None
    traceparent: str | None = None

    @property
    def size(self) -> int:
        """Bytes that it holds while it waits, its record included."""
        return RECORD_BYTES + len(self.value) + len(self.applicant or b"")

    def stored(self) -> bytes:
        """The command as it waits in the database and in the journal: without the applicant, who is only in openings."""
        return orjson.dumps(
            {
                "offset": self.offset,
                "record": orjson.loads(self.record.wire()),
                "value": base64.b64encode(self.value).decode(),
                **({TRACEPARENT: self.traceparent} if self.traceparent else {}),
            }
        )


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A record that intake did not write, since somebody else has access to `case.commands`; or that a newer intake wrote."""

    offset: int
    record: CommandRecord
    sealed: bytes
    rejection: Rejection
    newer: str | None = None
    """Why only a newer version of the code can read it: its lane must not go past it."""

    @property
    def size(self) -> int:
        """Bytes that it holds while it waits, its record included."""
        return RECORD_BYTES + len(self.sealed)


def unpack_stored(stored: bytes) -> Delivered:
    """What `Delivered.stored` made."""
    data = orjson.loads(stored)
    return Delivered(
        offset=data["offset"],
        record=read_command(orjson.dumps(data["record"])),
        value=base64.b64decode(data["value"]),
        traceparent=data.get(TRACEPARENT),
    )


def read_record(
    topic: str,
    lane: int,
    offset: int,
    timestamp_ms: int,
    headers: Sequence[tuple[str, bytes]],
    key: bytes | None,
    value: bytes | None,
    keys: KeyRing,
) -> Delivered | Unreadable:
    """A record as Kafka delivers it. One without intake's header is sealed and put aside, byte for byte."""
    origin = header(headers, ORIGIN_HEADER)
    newer = None
    if origin is not None and value is not None:
        record = None
        try:
            record = read_command(origin)
        except NewerForm as error:
            newer = str(error)
        except ValueError:
            pass
        if record is not None and _whole(record):
            return Delivered(offset, record, value, header(headers, APPLICANT_HEADER), parsed(headers))
    source = Source(
        topic=topic, partition=lane, offset=offset, broker_time=datetime.fromtimestamp(timestamp_ms / 1000, UTC)
    )
    return Unreadable(
        offset=offset,
        record=CommandRecord(kind="unusable", source=source, party=""),
        sealed=seal_original(keys, source, headers, key, value),
        rejection=reject("missing_attribute", "only intake writes here", where=ORIGIN_HEADER),
        newer=newer,
    )


def _whole(record: CommandRecord) -> bool:
    """Whether it says what its kind needs: intake always does, somebody else's may not."""
    match record.kind:
        case "said":
            return None not in (record.id, record.type, record.case_id, record.fingerprint)
        case "control":
            return None not in (record.id, record.type)
        case "unusable":
            return True


def seal_original(
    keys: KeyRing, source: Source, headers: Sequence[tuple[str, bytes | None]], key: bytes | None, value: bytes | None
) -> bytes:
    """A whole record, byte for byte, sealed: it may hold personal data, in its headers and key too."""
    return keys.seal(pack_original(headers, key, value), purpose_of(source))


def purpose_of(source: Source) -> str:
    """What a sealed original is bound to: its own coordinates."""
    return f"original:{source.topic}/{source.partition}/{source.offset}"


def pack_original(headers: Sequence[tuple[str, bytes | None]], key: bytes | None, value: bytes | None) -> bytes:
    """Length-prefixed JSON of headers and key, then the value as it was; a null value is marked."""
    meta = orjson.dumps(
        {
            "headers": [[name, _encoded(content)] for name, content in headers],
            "key": _encoded(key),
            "null": value is None,
        }
    )
    return len(meta).to_bytes(4, "big") + meta + (value or b"")


def unpack_original(packed: bytes) -> tuple[list[tuple[str, bytes | None]], bytes | None, bytes | None]:
    """Headers, key and value of what `pack_original` made."""
    length = int.from_bytes(packed[:4], "big")
    meta = orjson.loads(packed[4 : 4 + length])
    value = None if meta["null"] else packed[4 + length :]
    return [(name, _decoded(content)) for name, content in meta["headers"]], _decoded(meta["key"]), value


def _encoded(content: bytes | None) -> str | None:
    return None if content is None else base64.b64encode(content).decode()


def _decoded(content: str | None) -> bytes | None:
    return None if content is None else base64.b64decode(content)
