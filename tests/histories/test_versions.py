"""Old journals are read by new code: what a version once wrote comes to the same as it did then."""

import json
from typing import Any

import pytest

from consumers.derived import Derived
from consumers.reading import replay
from router.case import AtDecisionMaker
from topics import journal, upcasting
from topics.command import read_command
from topics.journal import EventEntry, chained, read_entry
from topics.upcasting import NewerForm

from .journal import KINDS, TYPES, bodies, derived, folder, summary

VERSIONS = range(1, journal.VERSION + 1)


@pytest.mark.rule("R33")
@pytest.mark.parametrize("version", VERSIONS)
def test_a_recorded_journal_comes_to_what_it_came_to_then(version: int) -> None:
    """Cases, known commands, what waits, and the hash over the bytes as they were written."""
    recorded = json.loads((folder(version) / "summary.json").read_text(encoding="utf-8"))

    assert recorded == summary(derived(bodies(version)))


def test_the_newest_recorded_journal_has_every_kind_of_entry_and_fact() -> None:
    """A new one is recorded (`python -m tests.histories.journal`), or, once the version is released, raises it."""
    entries = [json.loads(body) for body in bodies(journal.VERSION)]

    assert {entry["kind"] for entry in entries} == KINDS
    assert {entry["event"]["type"] for entry in entries if "event" in entry} == TYPES


def escalated() -> dict[str, Any]:
    """The first entry of the recorded journal in which a reviewer gave an opinion."""
    entries = [json.loads(body) for body in bodies(1)]
    found: dict[str, Any] = next(entry for entry in entries if entry.get("event", {}).get("type") == "case.escalated")
    return found


def older(entry: dict[str, Any]) -> dict[str, Any]:
    """The same as version 0 would have written it: one text in place of opinion and reason."""
    event = entry["event"]
    said = f"{event['opinion']}: {event['reason']}"
    kept = {name: value for name, value in event.items() if name not in {"opinion", "reason"}}
    return {**entry, "v": 0, "event": {**kept, "said": said}}


def raised(event: dict[str, Any]) -> dict[str, Any]:
    """The step from there."""
    said = event.pop("said")
    opinion, _, reason = said.partition(": ")
    return {**event, "opinion": opinion, "reason": reason}


def test_an_older_fact_is_raised_as_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """And means what it meant; the hash is that of the older bytes."""
    monkeypatch.setitem(upcasting.STEPS, ("case.escalated", 0), raised)
    lines = [
        json.dumps(older(entry)).encode() if entry.get("event", {}).get("type") == "case.escalated" else body
        for body in bodies(1)
        if (entry := json.loads(body))
    ]
    today, then = derived(bodies(1)), derived(lines)

    assert today.cases == then.cases
    assert today.last_hash != then.last_hash
    assert read_entry(json.dumps(escalated()).encode()) == read_entry(json.dumps(older(escalated())).encode())


def test_steps_follow_one_another(monkeypatch: pytest.MonkeyPatch) -> None:
    """An entry two versions behind is raised twice, and a fact may change its very name on the way."""
    monkeypatch.setitem(upcasting.STEPS, ("case.upheld", -1), lambda event: {**event, "type": "case.escalated"})
    monkeypatch.setitem(upcasting.STEPS, ("case.escalated", 0), raised)
    entry = older(escalated())
    oldest = {**entry, "v": -1, "event": {**entry["event"], "type": "case.upheld"}}

    assert read_entry(json.dumps(escalated()).encode()) == read_entry(json.dumps(oldest).encode())


def test_a_case_is_folded_from_older_facts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever looks a case up sees it as it is, whenever its facts were written."""
    monkeypatch.setitem(upcasting.STEPS, ("case.escalated", 0), raised)
    entry = escalated()
    before = [json.loads(body) for body in bodies(1)[: entry["seq"]]]
    facts = [one for one in before if one.get("caseId") == entry["caseId"]] + [older(entry)]
    read = [found for one in facts if isinstance(found := read_entry(json.dumps(one).encode()), EventEntry)]
    case, _ = replay(read)

    assert case is not None
    assert isinstance(case.stage, AtDecisionMaker)


def test_what_a_newer_version_wrote_is_not_guessed_at() -> None:
    """Neither an entry nor a command: whoever reads it stops, and says why."""
    newer = json.dumps({**escalated(), "v": journal.VERSION + 1}).encode()
    command = json.dumps({"v": 2, "kind": "said", "party": "windows"}).encode()
    lane = Derived(3)

    with pytest.raises(NewerForm, match=r"written in version 2 of its form, this code reads up to 1"):
        lane.take(0, newer, chained(bytes(32), newer))
    with pytest.raises(NewerForm, match=r"the command was written in version 2"):
        read_command(command)
