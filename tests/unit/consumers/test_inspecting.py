"""What intake makes of a record: never an exception, whatever the bytes are, and nothing lost or changed on the way."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consumers.delivered import Delivered, Unreadable, purpose_of, read_record, unpack_original
from consumers.inspecting import Inbox, inspect
from consumers.reference import Reference, load_reference
from consumers.sealing import KeyRing, applicant_ref, new_key_line
from consumers.settings import Settings

from ...parties import APPLICANT, as_json, case_of, event_headers, refusal
from ...support import DIRECTORY

TOPIC = "window.refusals.windows"
Headers = list[tuple[str, bytes | None]]


@pytest.fixture(scope="module")
def reference() -> Reference:
    return load_reference(Settings(directory=DIRECTORY))


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> KeyRing:
    ring = tmp_path_factory.mktemp("keys") / "ring"
    ring.write_text(new_key_line("k1"))
    return KeyRing.read(ring)


def inbox(key: bytes | None, value: bytes | None, headers: Any) -> Inbox:
    return Inbox(TOPIC, 1, 7, 1_795_428_000_000, key, value, headers)


def delivered(reference: Reference, keys: KeyRing, record: Inbox) -> Delivered:
    """The record as the desk gets it."""
    inspected = inspect(record, reference, keys)
    read = read_record("case.commands", 0, 0, 0, inspected.headers, inspected.lane_key, inspected.value, keys)
    assert isinstance(read, Delivered)
    return read


BYTES = st.none() | st.binary(max_size=300)
HEADERS = st.lists(
    st.tuples(st.sampled_from(["ce_id", "ce_type", "x"]) | st.text(max_size=10), st.none() | st.binary(max_size=40)),
    max_size=6,
)
TYPES = st.sampled_from([b"refusal.proposed", b"tier.decided", b"reply.delivered", b"case.withdrawn", b"nothing"])
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)


@given(key=BYTES, value=BYTES, headers=HEADERS)
@settings(max_examples=300, deadline=None)
def test_any_bytes_are_put_aside_whole(
    reference: Reference, keys: KeyRing, key: bytes | None, value: bytes | None, headers: Headers
) -> None:
    """Random keys, values and headers: a verdict, and the original found again byte for byte."""
    record = delivered(reference, keys, inbox(key, value, headers))
    opened = keys.open(record.value, purpose_of(record.record.source))

    assert "unusable" == record.record.kind
    assert record.record.verdict is not None
    assert (headers, key, value) == unpack_original(opened)


@given(event_type=TYPES, changes=st.dictionaries(st.sampled_from(sorted(refusal())), ANYTHING, max_size=3))
@settings(max_examples=300, deadline=None)
def test_any_json_in_any_field(reference: Reference, keys: KeyRing, event_type: bytes, changes: dict[str, Any]) -> None:
    """A proper refusal with anything at all in some of its fields: used, or turned away, in a record that the desk can read."""
    opening = {**refusal(), **changes}
    value = json.dumps(opening).encode()
    headers: Headers = [("ce_id", b"1"), ("ce_type", event_type)]
    record = delivered(reference, keys, inbox(str(case_of(opening)).encode(errors="replace"), value, headers))

    assert record.record.kind in {"said", "unusable"}
    assert len(record.record.wire()) < 20_000


def proper(opening: dict[str, Any]) -> Inbox:
    return inbox(case_of(opening).encode(), as_json(opening), event_headers("refusal.proposed", "1"))


def test_applicant_goes_sealed_beside_the_message(reference: Reference, keys: KeyRing) -> None:
    """The value has no applicant any more; only the key ring opens who it was."""
    opening = refusal()
    record = delivered(reference, keys, proper(opening))
    ref = applicant_ref(case_of(opening))

    assert {name: value for name, value in opening.items() if name != "applicant"} == json.loads(record.value)
    assert record.applicant is not None
    assert APPLICANT == json.loads(keys.open(record.applicant, f"applicant:{ref}"))


def test_fingerprint_is_of_the_content(reference: Reference, keys: KeyRing) -> None:
    """The order of fields and the spaces between them make no other message; another applicant does."""
    opening = refusal()
    same = json.dumps(dict(reversed(opening.items())), indent=3).encode()
    headers = event_headers("refusal.proposed", "1")
    first = delivered(reference, keys, proper(opening)).record.fingerprint
    again = delivered(reference, keys, inbox(case_of(opening).encode(), same, headers)).record.fingerprint
    other = delivered(reference, keys, proper({**opening, "applicant": {"name": "另一个人"}})).record.fingerprint

    assert first == again
    assert first != other


def test_field_that_stands_twice_is_read_once(reference: Reference, keys: KeyRing) -> None:
    """The check and the message agree which of two equal names counts: the last."""
    opening = refusal()
    value = as_json(opening)[:-1] + b',"reason":"' + "后者".encode() + b'"}'
    record = delivered(reference, keys, inbox(case_of(opening).encode(), value, event_headers("refusal.proposed", "1")))

    assert "said" == record.record.kind
    assert "后者" == json.loads(record.value)["reason"]


@pytest.mark.parametrize(
    "origin",
    [b"", b"{}", b"[]", b"\xff", b'{"kind": "said"}'],
    ids=["empty", "an empty object", "a list", "no text", "a kind and nothing else"],
)
def test_record_that_intake_did_not_write(keys: KeyRing, origin: bytes) -> None:
    """It is put aside under its own place on case.commands."""
    read = read_record("case.commands", 3, 17, 0, [("noveto-origin", origin)], b"k", b"v", keys)

    assert isinstance(read, Unreadable)
    assert ("case.commands", 3, 17) == (
        read.record.source.topic,
        read.record.source.partition,
        read.record.source.offset,
    )
