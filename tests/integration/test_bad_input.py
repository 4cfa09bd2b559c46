"""Whatever a party sends: its sender reads what is wrong, where and why, nothing is lost, and the router goes on."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import MessageSizeTooLargeError
from aiokafka.partitioner import murmur2
from aiokafka.structs import RecordMetadata

from consumers.reading import dead_letters

from ..parties import (
    CLERK,
    NUMBERS,
    Data,
    Headers,
    Heard,
    Party,
    accept,
    as_json,
    case_of,
    decided,
    escalate,
    event_headers,
    refusal,
    refuse,
    refused,
)
from ..support import LANES, Router

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(120)]

MIB = 1024 * 1024


@pytest.fixture
async def windows(hall: Router) -> AsyncIterator[Party]:
    async with Party(hall.stack.bootstrap, hall.prefix, "windows") as party:
        yield party


@pytest.fixture
async def bureau(hall: Router) -> AsyncIterator[Party]:
    async with Party(hall.stack.bootstrap, hall.prefix, "bureau") as party:
        yield party


@pytest.fixture
async def committee(hall: Router) -> AsyncIterator[Party]:
    async with Party(hall.stack.bootstrap, hall.prefix, "committee") as party:
        yield party


def opening_in(lane: int) -> Data:
    """A refusal whose case belongs to that lane."""
    while True:
        opening = refusal()
        if (murmur2(case_of(opening).encode()) & 0x7FFFFFFF) % LANES == lane:
            return opening


async def goes_on(hall: Router, lane: int) -> None:
    """A good case goes all the way, through the very lane that the bad input took."""
    tail = await refused(hall.stack.bootstrap, hall.prefix, opening_in(lane))

    assert tail.data["outcome"] == "refused"


async def opened(windows: Party, bureau: Party) -> tuple[str, str]:
    """A case that has been opened, and its review task."""
    opening = refusal()
    await windows.say("refusal.proposed", opening)
    task = await bureau.task(case_of(opening), "reviewer")
    return case_of(opening), task.data["taskId"]


async def original(hall: Router, sent: RecordMetadata) -> tuple[str, Headers, bytes | None, bytes | None]:
    """The dead letter of a record: its reason, and headers, key and value as they are found again."""
    found = [
        letter
        async for letter in dead_letters(hall.settings)
        if (letter.source.topic, letter.source.partition, letter.source.offset)
        == (sent.topic, sent.partition, sent.offset)
    ]
    assert len(found) == 1
    return found[0].reason, *found[0].original(hall.keys)


async def put_aside(
    hall: Router, windows: Party, key: bytes | None, value: bytes | None, headers: Headers, reason: str, where: str
) -> Heard:
    """Write it; it is rejected with reason and place, found again byte for byte, and its lane goes on."""
    sent = await windows.write("window.refusals", key, value, headers)
    answer = await windows.answer_to(sent)

    assert answer.type == "command.rejected"
    assert (answer.rejection["code"], answer.rejection.get("where")) == (reason, where)
    assert answer.data["deadLetter"] is True
    assert answer.rejection["message"]
    assert answer.data["text"]
    assert await original(hall, sent) == (reason, list(headers), key, value)
    await goes_on(hall, answer.partition)
    return answer


def proper(opening: Data | None = None) -> tuple[bytes, bytes, list[tuple[str, bytes]]]:
    """Key, value and headers of a message without fault, to be spoiled."""
    opening = opening or refusal()
    headers = event_headers("refusal.proposed", f"windows.{next(NUMBERS)}")
    return case_of(opening).encode(), as_json(opening), headers


@pytest.mark.parametrize(
    ("value", "reason", "where"),
    [
        (b"no JSON {", "not_json", "value"),
        (b"", "not_json", "value"),
        (b"\xff\xfe\x00\x01", "not_json", "value"),
        (b'{"reason": "\\ud800"}', "not_json", "value"),
        (b"[" * 100_000, "not_json", "value"),
        (b'["a", "list"]', "not_an_object", "value"),
        (b'"a text"', "not_an_object", "value"),
        (b"17", "not_an_object", "value"),
        (b"null", "not_an_object", "value"),
        (b"{}", "bad_field", "orgCode"),
        (None, "empty_value", "value"),
    ],
    ids=[
        "not JSON",
        "empty",
        "not UTF-8",
        "a lone surrogate",
        "nested too deep",
        "a list",
        "a text",
        "a number",
        "JSON's null",
        "an empty object",
        "a null value (tombstone)",
    ],
)
async def test_value_that_is_no_message(
    hall: Router, windows: Party, value: bytes | None, reason: str, where: str
) -> None:
    """A value that cannot be read as an object is put aside as it is."""
    key, _, headers = proper()

    await put_aside(hall, windows, key, value, headers, reason, where)


def without(data: Data, *names: str) -> Data:
    return {name: value for name, value in data.items() if name not in names}


@pytest.mark.parametrize(
    ("changed", "where"),
    [
        (lambda data: without(data, "matter"), "matter"),
        (lambda data: without(data, "orgCode"), "orgCode"),
        (lambda data: {**data, "situation": "too_lazy"}, "situation"),
        (lambda data: {**data, "askedAt": "yesterday"}, "askedAt"),
        (lambda data: {**data, "askedAt": "2026-11-23T10:00:00"}, "askedAt"),
        (lambda data: {**data, "askedAt": 1795428000}, "askedAt"),
        (lambda data: {**data, "askedAt": "13800138765"}, "askedAt"),
        (lambda data: {**data, "legalBasis": "第十五条"}, "legalBasis"),
        (lambda data: {**data, "reasn": "a field nobody knows"}, "reasn"),
        (lambda data: {**data, "reason": "一个\x00字符"}, "reason"),
        (lambda data: {**data, "proposedBy": {**CLERK, "name": "\x00"}}, "proposedBy.name"),
        (lambda data: {**without(data, "orgCode"), "org_code": data["orgCode"]}, "orgCode"),
        (lambda data: {**data, "refusalId": "a/b"}, "refusalId"),
        (lambda data: {**data, "applicant": {"phone": 12}}, "applicant.phone"),
    ],
    ids=[
        "matter is missing",
        "orgCode is missing",
        "a situation nobody knows",
        "a time that is none",
        "a time without its zone",
        "seconds since 1970",
        "a text of digits where a time belongs",
        "a text where a list belongs",
        "a field nobody knows",
        "U+0000 in a text",
        "U+0000 deeper down",
        "a name that is not the wire's",
        "a refusalId that fits no key",
        "a wrong field of the applicant",
    ],
)
async def test_missing_or_wrong_field(hall: Router, windows: Party, changed: Any, where: str) -> None:
    """The sender reads which field, by its path."""
    opening = refusal()
    key, _, headers = proper(opening)

    answer = await put_aside(hall, windows, key, as_json(changed(opening)), headers, "bad_field", where)

    assert where in [fault["where"] for fault in answer.rejection["details"]["faults"]]


@pytest.mark.parametrize(
    ("event_type", "event_id", "reason", "where"),
    [
        ("refusal.prposed", "x", "unknown_type", "ce_type"),
        ("filing.tail", "x", "unknown_type", "ce_type"),
        ("committee.instructed", "x", "bad_field", None),
        (None, "x", "missing_attribute", "ce_type"),
        ("refusal.proposed", None, "missing_attribute", "ce_id"),
        ("refusal.proposed", "", "missing_attribute", "ce_id"),
        ("refusal.proposed", "x" * 201, "missing_attribute", "ce_id"),
        ("refusal.proposed", "a\x00b", "missing_attribute", "ce_id"),
        ("re\x00fusal", "x", "unknown_type", "ce_type"),
        ("x" * 100_000, "x", "unknown_type", "ce_type"),
    ],
    ids=[
        "a type nobody knows",
        "a type of the router's own",
        "another message's type",
        "no ce_type",
        "no ce_id",
        "an empty ce_id",
        "a ce_id too long",
        "U+0000 in ce_id",
        "U+0000 in ce_type",
        "a ce_type of 100,000 characters",
    ],
)
async def test_attributes(
    hall: Router, windows: Party, event_type: str | None, event_id: str | None, reason: str, where: str | None
) -> None:
    """Without id or type of its own nothing is taken."""
    key, value, _ = proper()
    headers = event_headers(event_type, event_id)
    sent = await windows.write("window.refusals", key, value, headers)
    answer = await windows.answer_to(sent)

    assert (reason, True) == (answer.rejection["code"], answer.data["deadLetter"])
    assert where is None or where == answer.rejection["where"]
    assert await original(hall, sent) == (reason, headers, key, value)
    await goes_on(hall, answer.partition)


async def test_headers_that_are_no_text(hall: Router, windows: Party) -> None:
    """Headers without a value, not UTF-8, or twice are found again as they were."""
    key, value, headers = proper()
    odd: Headers = [
        *headers,
        ("x-binary", b"\xff\x00"),
        ("x-none", None),
        ("x-twice", b"1"),
        ("x-twice", b"2"),
        ("ce_id", b"\xff"),
    ]

    await put_aside(hall, windows, key, value, odd, "missing_attribute", "ce_id")


@pytest.mark.parametrize("key", [b"BUREAU-other", b"\xff\xfe", b"", None, b"k" * 100_000])
async def test_key_that_is_not_the_case(hall: Router, windows: Party, key: bytes | None) -> None:
    """The key says where a case's messages stay in order; a wrong one is refused."""
    _, value, headers = proper()

    await put_aside(hall, windows, key, value, headers, "key_not_case", "key")


@pytest.mark.parametrize(
    "value",
    [
        as_json(refusal(reason="长" * 349_000)),
        bytes(range(256)) * 4090,
        b'{"' + b"x" * 1_045_000 + b'": 1}',
        as_json({f"field{number}": "x" * 100 for number in range(8500)}),
        as_json({"decision": {"action": "x" * 1_045_000}}),
    ],
    ids=["one text too long", "random bytes", "a field's name", "8,500 fields", "an action nobody knows"],
)
async def test_value_as_large_as_the_broker_takes(hall: Router, windows: Party, value: bytes) -> None:
    """About 1 MiB: put aside whole; the rejection stays small."""
    key = f"BUREAU-t{next(NUMBERS)}".encode()
    event_type = "tier.decided" if b"action" in value else "refusal.proposed"
    headers = event_headers(event_type, f"windows.{next(NUMBERS)}")
    sent = await windows.write("window.refusals", key, value, headers)
    answer = await windows.answer_to(sent)

    assert answer.rejection["code"] in {"bad_field", "not_json"}
    assert len(as_json(answer.data)) < 20_000
    assert await original(hall, sent) == (answer.rejection["code"], headers, key, value)
    await goes_on(hall, answer.partition)


async def test_record_of_headers(hall: Router, windows: Party) -> None:
    """A record may be all headers; they are put aside like a value."""
    key, _, headers = proper()

    await put_aside(hall, windows, key, b"{", [*headers, ("x-large", b"\x80" * 1_040_000)], "not_json", "value")


async def test_message_as_large_as_may_be(hall: Router, windows: Party, bureau: Party) -> None:
    """A proper message of nearly 1 MiB is taken or turned away with a reason, never half; its lane goes on."""
    text = "长" * 3900
    basis = [{"law": f"《办法{number}》", "article": "第一条", "text": text} for number in range(20)]
    missing = [{"item": f"材料{number}", "how": text} for number in range(50)]
    guidance = {"missing": missing, "guide": text, "sample": text, "standard": text}
    opening = refusal(legalBasis=basis, guidance=guidance, reason=text)
    assert MIB * 0.8 < len(as_json(opening)) < MIB
    sent = await windows.say("refusal.proposed", opening)
    task = await bureau.task(case_of(opening), "reviewer")

    assert task.data["guidance"]["missing"] == missing
    await goes_on(hall, task.partition)
    assert sent.topic.endswith(".windows")


async def test_compressed_record_that_unpacks_to_more(hall: Router, windows: Party) -> None:
    """The broker measures what it stores: a record that is small only by its compression never comes in."""
    key, _, headers = proper()
    producer = AIOKafkaProducer(
        bootstrap_servers=hall.stack.bootstrap, compression_type="gzip", max_request_size=64 * MIB
    )
    await producer.start()
    try:
        with pytest.raises(MessageSizeTooLargeError):
            await producer.send_and_wait(f"{hall.prefix}window.refusals.windows", b" " * 20 * MIB, key, headers=headers)
        opening = refusal()
        key, value, headers = proper(opening)
        await producer.send_and_wait(f"{hall.prefix}window.refusals.windows", value, key, headers=headers)
    finally:
        await producer.stop()
    async with Party(hall.stack.bootstrap, hall.prefix, "windows") as clerks:
        again = await clerks.say("refusal.proposed", opening)
        answer = await clerks.answer_to(again)

        assert answer.rejection["code"] == "already_open"
        await goes_on(hall, answer.partition)


async def test_party_speaks_for_a_unit_that_is_not_its_own(hall: Router, windows: Party) -> None:
    """Who may say what stands in the directory; the topic says who wrote it."""
    key, value, headers = proper(refusal("ANNEX"))

    answer = await put_aside(hall, windows, key, value, headers, "party_may_not", "topic")

    assert "windows" in answer.rejection["message"]
    assert "ANNEX" in answer.rejection["message"]


async def test_party_speaks_for_a_unit_that_is_not_there(hall: Router, windows: Party) -> None:
    """A unit that the directory does not know."""
    key, value, headers = proper(refusal("NOWHERE"))

    await put_aside(hall, windows, key, value, headers, "unknown_unit", "orgCode")


async def test_clerks_party_sends_a_decision_makers_decision(hall: Router, windows: Party, bureau: Party) -> None:
    """The window's software cannot say no in the decision-maker's name; the case stays where it is."""
    case_id, _ = await opened(windows, bureau)
    headers = event_headers("tier.decided", f"windows.{next(NUMBERS)}")

    await put_aside(hall, windows, case_id.encode(), as_json(refuse(case_id, None)), headers, "party_may_not", "topic")

    sent = await bureau.say("tier.decided", refuse(case_id, None))
    assert (await bureau.answer_to(sent)).rejection["details"]["holder"] == "reviewer"


async def test_clerk_who_refuses(hall: Router, windows: Party, bureau: Party) -> None:
    """The clerk has no power of veto: the heart of the opinion (R01)."""
    case_id, _ = await opened(windows, bureau)
    sent = await windows.say("tier.decided", refuse(case_id, None, tier="clerk"))
    answer = await windows.answer_to(sent)

    assert ("beyond_power", "decision.action", False) == (
        answer.rejection["code"],
        answer.rejection["where"],
        answer.data["deadLetter"],
    )
    await goes_on(hall, answer.partition)


async def test_decision_for_an_unknown_case(hall: Router, bureau: Party) -> None:
    """It waits for its refusal, and is then turned away as one to be sent again."""
    sent = await bureau.say("tier.decided", accept(f"BUREAU-t{next(NUMBERS)}", None))
    answer = await bureau.answer_to(sent)

    assert ("unknown_case", True) == (answer.rejection["code"], answer.rejection["retryable"])
    assert answer.data["deadLetter"] is False
    await goes_on(hall, answer.partition)


async def test_decision_that_overtook_its_refusal(
    hall: Router, windows: Party, bureau: Party, committee: Party
) -> None:
    """A refusal that comes in time finds the decision waiting."""
    opening = refusal()
    case_id = case_of(opening)
    # A word that is turned away tells us that what was said before it has been read.
    await bureau.say("tier.decided", accept(case_id, None))
    marker = await bureau.write("tier.decisions", case_id.encode(), b"{", event_headers("tier.decided", "marker"))
    await bureau.answer_to(marker)
    await windows.say("refusal.proposed", opening)
    tail = await committee.tail(case_id)

    assert tail.data["outcome"] == "accepted"
    assert not [heard for heard in bureau.heard if heard.data.get("rejection", {}).get("code") == "unknown_case"]


async def test_decision_twice_with_the_same_id(hall: Router, windows: Party, bureau: Party) -> None:
    """A repeat is answered as a repeat, and changes nothing."""
    case_id, task_id = await opened(windows, bureau)
    said = escalate(case_id, task_id)
    first = await bureau.say("tier.decided", said, event_id=f"{task_id}.done")
    again = await bureau.say("tier.decided", said, event_id=f"{task_id}.done")
    answer = await bureau.answer_to(again)

    assert answer.type == "command.repeated"
    assert (first.topic, first.partition, first.offset) == tuple(
        answer.data["firstSource"][name] for name in ("topic", "partition", "offset")
    )
    await goes_on(hall, answer.partition)


async def test_task_answered_twice(hall: Router, windows: Party, bureau: Party) -> None:
    """Whoever comes second reads who did the task, and when."""
    case_id, task_id = await opened(windows, bureau)
    await bureau.say("tier.decided", escalate(case_id, task_id))
    again = await bureau.say("tier.decided", escalate(case_id, task_id))
    answer = await bureau.answer_to(again)

    assert ("task_closed", "taskId") == (answer.rejection["code"], answer.rejection["where"])
    assert answer.rejection["details"]["by"] == {"personId": "R-1", "name": "陈宁", "post": "审核岗"}
    assert answer.rejection["details"]["at"]
    await goes_on(hall, answer.partition)


async def test_decision_for_a_closed_case(hall: Router, windows: Party, bureau: Party, committee: Party) -> None:
    """What comes after the end changes nothing, and is answered."""
    case_id, task_id = await opened(windows, bureau)
    await bureau.say("tier.decided", accept(case_id, task_id))
    await committee.tail(case_id)
    late = await bureau.say("tier.decided", refuse(case_id, None))
    answer = await bureau.answer_to(late)

    assert answer.rejection["code"] == "case_closed"
    await goes_on(hall, answer.partition)


async def test_refusal_twice_with_the_same_id(hall: Router, windows: Party, bureau: Party) -> None:
    """The same words again: a repeat, one case."""
    opening = refusal()
    await windows.say("refusal.proposed", opening, event_id=f"{case_of(opening)}.1")
    again = await windows.say("refusal.proposed", opening, event_id=f"{case_of(opening)}.1")
    answer = await windows.answer_to(again)

    assert answer.type == "command.repeated"
    await goes_on(hall, answer.partition)


@pytest.mark.parametrize(
    "changes", [{"reason": "另一个理由。"}, {"applicant": {"name": "另一个人"}}], ids=["a text", "the applicant"]
)
async def test_refusal_twice_with_the_same_id_and_other_content(hall: Router, windows: Party, changes: Data) -> None:
    """The same id for other words is a mistake; the sender reads where the first was."""
    opening = refusal()
    first = await windows.say("refusal.proposed", opening, event_id=f"{case_of(opening)}.1")
    other = await windows.say("refusal.proposed", {**opening, **changes}, event_id=f"{case_of(opening)}.1")
    answer = await windows.answer_to(other)

    assert ("same_id_other_content", "ce_id") == (answer.rejection["code"], answer.rejection["where"])
    assert answer.rejection["details"]["first"]["offset"] == first.offset
    await goes_on(hall, answer.partition)


FORGED = {
    "v": 1,
    "source": {"topic": "x", "partition": 0, "offset": 0, "brokerTime": "2026-11-23T00:00:00Z"},
    "party": "windows",
}


@pytest.mark.parametrize("value", [b"garbage", b"{}", None], ids=["bytes", "JSON", "a null value"])
@pytest.mark.parametrize(
    "headers",
    [
        [],
        [("noveto-origin", b"\xff")],
        [("noveto-origin", as_json({**FORGED, "kind": "said"}))],
        [("noveto-origin", as_json({**FORGED, "kind": "control"}))],
    ],
    ids=["no header", "a header that is no JSON", "a header that claims a command", "a header that claims control"],
)
async def test_somebody_else_writes_commands(
    hall: Router, windows: Party, value: bytes | None, headers: Headers
) -> None:
    """Only intake writes case.commands; what else lies there is put aside, and no lane stops at it."""
    key = f"BUREAU-t{next(NUMBERS)}".encode()
    sent = await windows.write_to(f"{hall.prefix}case.commands", key, value, headers)
    await goes_on(hall, sent.partition)

    assert await original(hall, sent) == ("missing_attribute", list(headers), key, value)


async def test_dead_letter_on_the_command_line(hall: Router, windows: Party) -> None:
    """`noveto dead-letters show --value` gives the bytes and nothing else; without it, all there is to know."""
    value = bytes(range(256)) * 10
    key, _, headers = proper()
    sent = await windows.write("window.refusals", key, value, headers)
    await windows.answer_to(sent)
    letter = f"{sent.topic}/{sent.partition}/{sent.offset}"
    code, out, _ = await hall.command("dead-letters", "show", letter, "--value")
    _, shown, _ = await hall.command("dead-letters", "show", letter)
    _, listed, _ = await hall.command("dead-letters", "list", "--json")
    whole = json.loads(shown)

    assert (0, value) == (code, out)
    assert ("not_json", key.decode()) == (whole["reason"], whole["key"])
    assert [[name, content.decode()] for name, content in headers] == whole["headers"]
    assert letter in [json.loads(line)["id"] for line in listed.splitlines()]


async def test_decision_without_its_task(hall: Router, windows: Party, bureau: Party) -> None:
    """An act that answers a task names it; the sender reads which are open."""
    case_id, task_id = await opened(windows, bureau)
    decision = {"action": "escalate", "opinion": "uphold", "reason": "同意。"}
    sent = await bureau.say("tier.decided", decided(case_id, None, "reviewer", CLERK, decision))
    answer = await bureau.answer_to(sent)

    assert ("task_required", [task_id]) == (answer.rejection["code"], answer.rejection["details"]["openTasks"])
