"""An entry of the journal: what became of one thing asked. Its bytes are what is hashed, stored and published to `case.events`."""

import hashlib
import json
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter

from topics.events import CommandOrigin, Event, Rejection, Versions
from topics.fields import Instant, Model, Name, Text
from topics.parts import Source
from topics.upcasting import raised_entry

VERSION: Literal[1] = 1
"""Of the journal's form, entries and facts alike: a change to either raises it (see topics.upcasting)."""

# The hash before the first entry of a lane.
GENESIS = bytes(32)


class Entry(Model):
    """Where it stands in its lane, what asked for it, and what came of it."""

    v: Literal[1] = VERSION
    """The version of this form; a reader of a later one reads every earlier one."""
    lane: int
    seq: int
    recorded_at: Instant
    """The database's clock, UTC; never backward within a lane."""
    offset: int | None = None
    """The command's offset on `case.commands`; absent where the clock asked."""
    origin: CommandOrigin | None = None
    case_id: str | None = None
    versions: Versions | None = None


class EventEntry(Entry):
    """Something happened to a case: `version` counts its facts from 1, without a hole (R33)."""

    kind: Literal["event"] = "event"
    version: int
    event: Event


class RejectedEntry(Entry):
    """The command changed nothing; its sender was told."""

    kind: Literal["rejected"] = "rejected"
    rejection: Rejection


class RepeatedEntry(Entry):
    """The same command again (same party, id and content): answered as a repeat."""

    kind: Literal["repeated"] = "repeated"
    first_source: Source


class DeadLetterEntry(Entry):
    """A record that could not be used: its bytes lie sealed in `dead.letters`, and its sender was told."""

    kind: Literal["dead_letter"] = "dead_letter"
    rejection: Rejection
    party: str
    source: Source
    sha256: str
    """Of the sealed bytes, as they lie in `dead.letters`."""


class ParkedEntry(Entry):
    """A command for a case not known yet: it waits for its refusal, 60 s at most."""

    kind: Literal["parked"] = "parked"
    until: Instant
    command: dict[str, Any]


class QuarantinedEntry(Entry):
    """A command that the core could not take: kept in order with all that follows for its case, for an operator to release."""

    kind: Literal["quarantined"] = "quarantined"
    error: str
    command: dict[str, Any]


class ReferenceKind(StrEnum):
    """What the rules are decided by beside the case itself."""

    DIRECTORY = "directory"
    POLICY = "policy"
    CALENDAR = "calendar"


class ControlEntry(Entry):
    """From here on the lane decides by this reference data, which is kept here word for word."""

    kind: Literal["control"] = "control"
    reference: ReferenceKind
    reference_version: str
    previous_version: str | None = None
    sha256: str
    """Of the content's bytes as they were loaded."""
    content: dict[str, Any]
    source: Source | None = None
    """Which load it was; absent for what the lane began with."""


class ReleasedEntry(Entry):
    """An operator let a quarantined case go on: its commands tried again in order, or given back to their senders."""

    kind: Literal["released"] = "released"
    action: Literal["retry", "release"]
    commands: int
    source: Source | None = None


class ErasedEntry(Entry):
    """An applicant's data were erased (PIPL §47): the proof, with who ordered it and why, and nothing of the person."""

    kind: Literal["erased"] = "erased"
    applicant_ref: str
    by: Name
    reason: Text
    source: Source | None = None


AnyEntry = Annotated[
    EventEntry
    | RejectedEntry
    | RepeatedEntry
    | DeadLetterEntry
    | ParkedEntry
    | QuarantinedEntry
    | ControlEntry
    | ReleasedEntry
    | ErasedEntry,
    Field(discriminator="kind"),
]


_ANY_ENTRY: TypeAdapter[AnyEntry] = TypeAdapter(AnyEntry)
# `v` is written first.
_CURRENT = b'{"v":%d,' % VERSION


def read_entry(body: bytes) -> AnyEntry:
    """An entry from its bytes, whichever version wrote them. Raises NewerForm where that is newer than this code."""
    if body.startswith(_CURRENT):
        return _ANY_ENTRY.validate_json(body)
    return _ANY_ENTRY.validate_json(json.dumps(raised_entry(json.loads(body), VERSION)))


def chained(previous: bytes, body: bytes) -> bytes:
    """The hash of an entry: SHA-256 over the hash before it and its own bytes."""
    return hashlib.sha256(previous + body).digest()
