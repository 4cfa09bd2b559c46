"""One inbound record inspected: who wrote it, what it is, which case; in one form for its lane, the bad too with the verdict.

Nothing here reads or writes: `consumers.intake` does.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson
from pydantic import ValidationError

from consumers import tracing
from consumers.contents import Reference
from consumers.delivered import seal_original
from consumers.sealing import KeyRing, applicant_ref
from router.authority import may_say
from router.rejections import reject
from topics import envelope
from topics.command import APPLICANT_HEADER, ORIGIN_HEADER, CommandRecord
from topics.events import Rejection
from topics.inbound import INBOUND, Inbound
from topics.parts import Source
from topics.registry import INBOUND_VALUE_BYTES, Family

MOST_FAULTS = 20
FIELD_NAME = re.compile(r"^[A-Za-z_]{1,40}$")
CASE_ID = re.compile(r"[A-Za-z0-9]+-[A-Za-z0-9_.:-]+")


@dataclass(frozen=True, slots=True)
class Inbox:
    """A record as it was read."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]

    @property
    def place(self) -> str:
        return f"{self.topic}/{self.partition}/{self.offset}"

    @property
    def source(self) -> Source:
        received = datetime.fromtimestamp(self.timestamp_ms / 1000, UTC)
        return Source(topic=self.topic, partition=self.partition, offset=self.offset, broker_time=received)


@dataclass(frozen=True, slots=True)
class Inspected:
    """One inbound record in its canonical form, ready for its lane."""

    lane_key: bytes
    value: bytes
    headers: list[tuple[str, bytes]]
    verdict: str


def inspect(inbox: Inbox, reference: Reference, keys: KeyRing) -> Inspected:
    """Who wrote it, what it is, which case: never an exception, whatever the bytes are."""
    family, party = _whose(inbox.topic, reference)
    ce_id = envelope.attribute(inbox.headers, "ce_id")
    ce_type = envelope.attribute(inbox.headers, "ce_type")
    read = _read(inbox, family, party, ce_id, ce_type, reference)
    if isinstance(read, Rejection):
        record = CommandRecord(
            kind="unusable",
            source=inbox.source,
            party=party,
            id=_short(ce_id),
            type=_short(ce_type),
            case_id=_case_in(inbox.key),
            verdict=read,
        )
        return _put_aside(inbox, record, read.code, keys)
    message, data = read
    record = CommandRecord(
        kind="said",
        source=inbox.source,
        party=party,
        id=ce_id,
        type=ce_type,
        case_id=message.about,
        fingerprint=keys.fingerprint(orjson.dumps(data, option=orjson.OPT_SORT_KEYS)),
    )
    return _taken(inbox, record, message.about, data, keys)


def _put_aside(inbox: Inbox, record: CommandRecord, verdict: str, keys: KeyRing) -> Inspected:
    """The original, sealed whole: nobody knows what stands in it."""
    original = seal_original(keys, record.source, inbox.headers, inbox.key, inbox.value)
    return Inspected((record.case_id or inbox.place).encode(), original, _headers(inbox, record), verdict)


def _taken(inbox: Inbox, record: CommandRecord, case_id: str, data: dict[str, Any], keys: KeyRing) -> Inspected:
    """What was said, with the applicant's data taken out and sealed apart."""
    headers = _headers(inbox, record)
    applicant = data.pop("applicant", None)
    if applicant is not None:
        headers.append((APPLICANT_HEADER, keys.seal(orjson.dumps(applicant), f"applicant:{applicant_ref(case_id)}")))
    return Inspected(case_id.encode(), orjson.dumps(data), headers, "accepted")


def _headers(inbox: Inbox, record: CommandRecord) -> list[tuple[str, bytes]]:
    return [
        (ORIGIN_HEADER, record.wire()),
        *tracing.header(tracing.child(tracing.parsed(inbox.headers), "intake", inbox.place)),
    ]


def _whose(topic: str, reference: Reference) -> tuple[Family, str]:
    parsed = reference.names.parse(topic)
    if parsed is None or parsed[1] is None:
        raise ValueError(f"intake read a topic that is not inbound: {topic}")
    return parsed[0], parsed[1]


def _read(
    inbox: Inbox, family: Family, party: str, ce_id: str | None, ce_type: str | None, reference: Reference
) -> tuple[Inbound, dict[str, Any]] | Rejection:
    if inbox.value is None:
        return reject("empty_value", "a null value (tombstone) says nothing", where="value")
    if ce_id is None or len(ce_id) > 200 or "\x00" in ce_id:
        return reject("missing_attribute", "the header ce_id is missing, empty or longer than 200", where="ce_id")
    if ce_type is None:
        return reject("missing_attribute", "the header ce_type is missing", where="ce_type")
    model = INBOUND.get(ce_type)
    if model is None:
        return reject("unknown_type", f"there is no type {_short(ce_type)}", where="ce_type")
    if len(inbox.value) > INBOUND_VALUE_BYTES:
        return reject("bad_field", f"a message has {INBOUND_VALUE_BYTES} bytes at most", where="value")
    try:
        data = orjson.loads(inbox.value)
    except orjson.JSONDecodeError as error:
        return reject("not_json", f"not JSON: {error.msg}, character {error.pos}", where="value")
    if not isinstance(data, dict):
        return reject("not_an_object", f"a {type(data).__name__} where an object belongs", where="value")
    try:
        # By the names of the wire alone: what follows reads the JSON itself.
        message = model.model_validate_json(inbox.value, by_alias=True, by_name=False)
    except ValidationError as error:
        return _bad_fields(error)
    if inbox.key != message.about.encode():
        return reject("key_not_case", f"the key must be the case: {message.about}", where="key")
    refused = may_say(reference.directory, party, family, message)
    return refused if refused is not None else (message, data)


def _bad_fields(error: ValidationError) -> Rejection:
    """Where and what, but never the value: it may be somebody's number. Names are cut to what a person reads."""
    faults = [
        _fault(fault["loc"], fault["type"], fault["msg"], fault.get("ctx", {}))
        for fault in error.errors(include_url=False, include_input=False)[:MOST_FAULTS]
    ]
    first = faults[0]
    return reject("bad_field", f"{first['where']}: {first['what']}", where=first["where"], faults=faults)


def _fault(location: tuple[int | str, ...], kind: str, message: str, context: dict[str, Any]) -> dict[str, str]:
    if kind == "union_tag_invalid":
        # The library's own sentence quotes what was sent.
        location = (*location, context["discriminator"].strip("'"))
        message = f"Input should be one of {context['expected_tags']}"
    return {"where": _short(".".join(_named(part) for part in location)) or "value", "what": message}


def _named(part: int | str) -> str:
    """A place; a field that nobody knows only where its name can be a field's: a sender may write somebody's number there."""
    return str(part) if isinstance(part, int) or FIELD_NAME.match(part) else "?"


def _short(text: str | None) -> str | None:
    return None if text is None else text.replace("\x00", "").encode(errors="replace").decode()[:200]


def _case_in(key: bytes | None) -> str | None:
    """The case a record's key names, where it names one."""
    if key is None or len(key) > 97:
        return None
    text = key.decode(errors="replace")
    return text if CASE_ID.fullmatch(text) else None
