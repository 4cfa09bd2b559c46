"""Messages as nobody should send them: proper ones of every type, spoiled in every way we could think of, and raw bytes."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import orjson
import yaml

import deploy
from consumers.contents import CalendarContent, Reference
from consumers.delivered import purpose_of, unpack_original
from consumers.inspecting import Inbox, inspect
from consumers.sealing import KeyRing, applicant_ref
from deploy.demo.party.moments import filled
from deploy.demo.script import load_day
from router.policy import DEFAULT_POLICY
from topics.command import APPLICANT_HEADER, ORIGIN_HEADER, CommandRecord
from topics.directory import Directory
from topics.inbound import INBOUND
from topics.registry import INBOUND_FAMILIES, TopicNames

SAMPLE = Path(deploy.__file__).parent / "sample"
DIRECTORY = SAMPLE / "directory.yaml"
NOON = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
LONGEST = 64 * 1024
Headers = list[tuple[str, bytes]]


@cache
def reference(prefix: str = "") -> Reference:
    """The sample's directory, as intake goes by it."""
    return Reference.assemble(
        directory=Directory.model_validate(yaml.safe_load(DIRECTORY.read_text())),
        policy=DEFAULT_POLICY,
        calendar=CalendarContent.shipped(),
        names=TopicNames(prefix),
        lanes=12,
    )


@dataclass(slots=True)
class Message:
    """What is written, and where."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Headers = field(default_factory=list)


@cache
def proper() -> tuple[tuple[str, dict[str, Any]], ...]:
    """Every type with its data, from the sample day and, where that has none, made up."""
    found: list[tuple[str, dict[str, Any]]] = []
    for unit, case in load_day(SAMPLE / "day").scenes:
        for said in (*unit.all_said(case), *unit.responses(case)):
            opens = "askedAt" in said.data
            about = (
                {"orgCode": unit.org_code, "refusalId": case.id} if opens else {"caseId": f"{unit.org_code}-{case.id}"}
            )
            found.append((said.type, filled(said.data, NOON) | about))
    actor = {"personId": "X1", "name": "某某", "post": "某岗"}
    case_id = "11350100SAMPLE0001-market01"
    found += [
        ("supplements.received", {"caseId": case_id, "actor": actor, "receivedAt": NOON.isoformat()}),
        ("committee.instructed", {"caseId": case_id, "kind": "urge", "actor": actor, "text": "请说明。"}),
    ]
    assert {name for name, _ in found} == set(INBOUND)
    return tuple(found)


@cache
def inbound_topics(prefix: str = "") -> tuple[str, ...]:
    """Where parties write."""
    return tuple(name for name, row in reference(prefix).topics.items() if row.family in INBOUND_FAMILIES)


def messages(random: Random, count: int, prefix: str = "") -> Iterator[Message]:
    """So many messages; the same for the same random numbers."""
    for number in range(count):
        yield one_message(random, number, prefix)


def one_message(random: Random, number: int, prefix: str = "") -> Message:
    """A message: one in eight proper as it is, the others spoiled once or more; some are nothing but bytes."""
    if random.random() < 0.1:
        return Message(
            random.choice(inbound_topics(prefix)), _maybe_bytes(random), _maybe_bytes(random), _noise(random)
        )
    kind, data = random.choice(proper())
    data = json.loads(json.dumps(data, ensure_ascii=False))
    if "refusalId" in data:
        data["refusalId"] += f"-{number}"
    spoils = random.choice((0, 1, 1, 1, 1, 2, 2, 4))
    for _ in range(spoils):
        if random.random() < 0.6:
            _spoil(random, data)
    about = data.get("caseId") or f"{data.get('orgCode')}-{data.get('refusalId')}"
    message = Message(
        topic=_home(random, kind, data, prefix),
        key=str(about).encode(errors="replace"),
        value=json.dumps(data, ensure_ascii=random.random() < 0.5).encode(errors="surrogatepass"),
        headers=[("ce_specversion", b"1.0"), ("ce_id", f"fuzz-{number}".encode()), ("ce_type", kind.encode())],
    )
    if spoils and random.random() < 0.5:
        _spoil_record(random, message, prefix)
    if message.value is not None:
        message.value = message.value[:LONGEST]
    return message


def _home(random: Random, kind: str, data: dict[str, Any], prefix: str) -> str:
    """Mostly the topic of the party that may say it."""
    known = reference(prefix)
    if random.random() < 0.15:
        return random.choice(inbound_topics(prefix))
    org_code = str(data.get("orgCode") or str(data.get("caseId")).split("-", 1)[0])
    tier = str(data.get("tier", "clerk"))
    by_unit = {
        speech_tier: party.id
        for party in known.directory.parties
        for speech in party.speaks_for
        if org_code in speech.units
        for speech_tier in speech.tiers
    }
    family, party = {
        "consultation.replied": ("consultation.replies", "fire-system"),
        "committee.instructed": ("committee.instructions", "fz-shimin-committee"),
        "government.decided": ("government.decisions", "fz-government"),
        "refusal.reported": ("window.refusals", "fz-12345"),
    }.get(kind) or (
        ("tier.decisions", by_unit.get(tier, "market-system"))  # type: ignore[call-overload]
        if kind == "tier.decided" and tier != "clerk"
        else ("window.refusals", by_unit.get("clerk", "hall-windows"))  # type: ignore[call-overload]
    )
    topic = f"{prefix}{family}.{party}"
    return topic if topic in inbound_topics(prefix) else random.choice(inbound_topics(prefix))


def _places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    if isinstance(value, dict):
        for name, part in value.items():
            yield from _places(part, (*path, name))
    elif isinstance(value, list):
        for number, part in enumerate(value):
            yield from _places(part, (*path, number))


def _spoil(random: Random, data: dict[str, Any]) -> None:
    """Take something away, put something else in its place, or add what does not belong."""
    places = [place for place in _places(data) if place]
    if not places:
        return
    place = random.choice(places)
    inside: Any = data
    for step in place[:-1]:
        inside = inside[step]
    match random.randrange(4):
        case 0:
            del inside[place[-1]]
        case 1 if isinstance(inside, dict):
            inside[_text(random)] = _value(random)
        case 2 if isinstance(inside, list):
            inside.extend([inside[place[-1]]] * random.choice((1, 3, 200)))
        case _:
            inside[place[-1]] = _value(random)


def _spoil_record(random: Random, message: Message, prefix: str) -> None:
    value = message.value or b""
    match random.randrange(10):
        case 0:
            message.value = None
        case 1:
            message.value = value[: random.randrange(len(value) + 1)]
        case 2:
            at = random.randrange(len(value) + 1)
            message.value = value[:at] + random.randbytes(random.randrange(8)) + value[at:]
        case 3:
            message.key = random.choice((None, b"", random.randbytes(12), b"-", b"A-" + b"x" * 300))
        case 4:
            message.headers = [header for header in message.headers if random.random() < 0.5]
        case 5:
            message.headers.append((random.choice(("ce_id", "ce_type", "x")), random.randbytes(random.randrange(300))))
        case 6:
            message.topic = random.choice(inbound_topics(prefix))
        case 7:
            message.value = random.choice((b"[]", b"17", b"null", b'"text"', b"[%s]" % value))
        case 8:
            message.value = b"[" * random.randrange(LONGEST) + value
        case _:
            message.value = value.replace(b'"', b"'", 1) + b"\x00"


def _noise(random: Random) -> Headers:
    names = ("ce_id", "ce_type", "ce_source", "noveto-origin", "x", "")
    return [(random.choice(names), random.randbytes(random.randrange(40))) for _ in range(random.randrange(5))]


def _maybe_bytes(random: Random) -> bytes | None:
    return None if random.random() < 0.1 else random.randbytes(random.choice((0, 1, 30, 3000)))


def _text(random: Random) -> str:
    ranges = ((32, 126), (0x4E00, 0x9FFF), (0, 31), (0x1F300, 0x1F5FF), (0xD800, 0xDFFF))
    low, high = random.choices(ranges, (6, 6, 1, 1, 0.3))[0]
    return "".join(chr(random.randint(low, high)) for _ in range(random.choice((0, 1, 8, 70, 300, 5000))))


def _value(random: Random) -> Any:
    match random.randrange(10):
        case 0:
            return None
        case 1:
            return random.choice((True, False))
        case 2:
            return random.choice((0, -1, 2**63, -(2**64), 10**400, 1e308, 0.1, float("nan"), float("inf")))
        case 3:
            return [_value(random) for _ in range(random.randrange(4))] if random.random() < 0.5 else []
        case 4:
            return (
                {_text(random)[:20]: _value(random) for _ in range(random.randrange(4))}
                if random.random() < 0.5
                else {}
            )
        case 5:
            return random.choice(
                ("2026-02-30", "2026-11-23T09:00:00", "0000-00-00", "9999-12-31T23:59:59+14:00", "null")
            )
        case 6:
            return random.choice(("clerk", "refuse", "accept", "11350100SAMPLE0001", "市长", "\u0000", "../../etc"))
        case _:
            return _text(random)


def account_for(message: Message, offset: int, keys: KeyRing, known: Reference) -> str:
    """Hand it to intake; the verdict. Raises AssertionError where anything of it is lost or lies open."""
    inbox = Inbox(message.topic, 1, offset, int(NOON.timestamp() * 1000), message.key, message.value, message.headers)
    inspected = inspect(inbox, known, keys)
    origins = [value for name, value in inspected.headers if name == ORIGIN_HEADER]
    applicants = [value for name, value in inspected.headers if name == APPLICANT_HEADER]
    assert len(origins) == 1
    record = CommandRecord.model_validate_json(origins[0])
    assert (record.source.topic, record.source.partition, record.source.offset) == (message.topic, 1, offset)
    assert inspected.lane_key
    if record.kind == "unusable":
        assert record.verdict is not None
        assert record.verdict.code == inspected.verdict
        assert not applicants
        original = unpack_original(keys.open(inspected.value, purpose_of(record.source)))
        assert original == (message.headers, message.key, message.value)
        return inspected.verdict
    assert (record.kind, inspected.verdict) == ("said", "accepted")
    assert message.value is not None
    data = orjson.loads(message.value)
    applicant = data.pop("applicant", None)
    assert orjson.loads(inspected.value) == data
    assert len(applicants) == (applicant is not None)
    if applicant is not None:
        sealed_for = f"applicant:{applicant_ref(record.case_id or '')}"
        assert orjson.loads(keys.open(applicants[0], sealed_for)) == applicant
    return inspected.verdict
