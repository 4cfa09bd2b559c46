"""Journals as each version of the contract wrote them: `v1/journal.jsonl` and so on, an entry a line, never changed once released.

`python -m tests.histories.journal` writes that of today's version from the recorded histories: each kind of fact and each kind of entry at
least once. What the entries come to stands beside it, in words that do not depend on how a case is kept.
"""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, get_args

from consumers.derived import Derived
from router.case import Case, Closed
from topics import journal
from topics.events import CommandOrigin, Event, Rejection, Versions
from topics.parts import Source

from .recording import FILES, FOLDER, read, replay

LANE = 3
START = datetime(2026, 11, 24, 2, tzinfo=UTC)
KINDS = {model.model_fields["kind"].default for model in get_args(get_args(journal.AnyEntry)[0])}
TYPES = {fact.type for fact in get_args(get_args(Event)[0])}


def folder(version: int) -> Path:
    """Where the journal of a version is."""
    return FOLDER / f"v{version}"


def bodies(version: int) -> list[bytes]:
    """The entries of that version, byte for byte."""
    return (folder(version) / "journal.jsonl").read_bytes().splitlines()


def derived(lines: list[bytes]) -> Derived:
    """What follows from these entries, one after another in a lane of their own."""
    found = Derived(LANE)
    for seq, body in enumerate(lines):
        found.take(seq, body, journal.chained(found.last_hash, body))
    return found


def summary(found: Derived) -> dict[str, Any]:
    """What the entries come to."""
    return {
        "hash": found.last_hash.hex(),
        "nextOffset": found.next_offset,
        "commands": len(found.commands),
        "parked": len(found.parked),
        "quarantined": len(found.quarantined),
        "erased": sorted(found.erased),
        "cases": {case_id: _standing(case) for case_id, case in sorted(found.cases.items())},
    }


def _standing(case: Case) -> dict[str, Any]:
    return {
        "version": case.version,
        "stage": str(case.stage.name),
        "outcome": str(case.stage.outcome) if isinstance(case.stage, Closed) else None,
        "cards": [str(given.card) for given in case.cards],
        "limits": [str(limit.kind) for limit in case.limits],
    }


def today() -> list[bytes]:
    """Entries of today's version: as few histories as show every kind of fact, and one of each other kind of entry."""
    lines: list[bytes] = []
    missing = set(TYPES)
    for file in FILES:
        history = read(file)
        facts = [fact for step in replay(history)[0] for fact in step if "type" in fact]
        facts += [MOVED] if "limits.moved" in missing else []
        if missing.isdisjoint(fact["type"] for fact in facts):
            continue
        missing -= {fact["type"] for fact in facts}
        case_id = f"{history['case'].split('-')[0]}-{file.stem[:2]}"
        for version, fact in enumerate(facts, 1):
            entry = {**_common(len(lines), case_id), "kind": "event", "version": version, "event": fact}
            lines.append(_written({**entry, "versions": VERSIONS, "origin": _origin(len(lines))}))
    for kind in sorted(KINDS - {"event"}):
        lines.append(_written({**_common(len(lines), "ORG1-99"), "kind": kind, **OTHERS[kind]}))
    return lines


MOVED = {"at": START.isoformat(), "type": "limits.moved", "calendar": "c-2", "limits": [], "previous": []}
"""A calendar that was amended is nobody's command, and in no recorded history."""
VERSIONS = Versions(directory="d-1", calendar="c-1", policy="p-1").model_dump(by_alias=True)
COMMAND = {"offset": 7, "record": {"v": 1, "kind": "said", "party": "windows"}, "value": "e30="}
REJECTED = Rejection(code="bad_field", message="not a code", where="groundCode").model_dump(by_alias=True)


def _source(offset: int) -> dict[str, Any]:
    place = Source(topic="window.refusals.windows", partition=0, offset=offset, broker_time=START)
    return place.model_dump(mode="json", by_alias=True)


def _origin(offset: int) -> dict[str, Any]:
    said = CommandOrigin(
        party="windows", id=f"e-{offset}", type="tier.decided", fingerprint="f" * 64, source=Source(**_source(offset))
    )
    return said.model_dump(mode="json", by_alias=True)


def _common(seq: int, case_id: str) -> dict[str, Any]:
    at = (START + timedelta(seconds=seq)).isoformat()
    return {"lane": LANE, "seq": seq, "recordedAt": at, "offset": seq, "caseId": case_id}


OTHERS: dict[str, dict[str, Any]] = {
    "rejected": {"rejection": REJECTED},
    "repeated": {"firstSource": _source(1)},
    "dead_letter": {"rejection": REJECTED, "party": "windows", "source": _source(900), "sha256": "0" * 64},
    "parked": {"until": START.isoformat(), "command": COMMAND, "origin": _origin(901)},
    "quarantined": {"error": "ValueError: no", "command": COMMAND, "origin": _origin(902)},
    "control": {"reference": "policy", "referenceVersion": "p-1", "sha256": "0" * 64, "content": {"version": "p-1"}},
    "released": {"action": "retry", "commands": 1, "source": _source(903)},
    "erased": {"applicantRef": "a-1", "by": "测试", "reason": "测试", "source": _source(904)},
}


def _written(entry: dict[str, Any]) -> bytes:
    return journal.read_entry(json.dumps({"v": journal.VERSION, **entry}).encode()).wire()


def main() -> None:
    """Write the journal of today's version."""
    lines = today()
    into = folder(journal.VERSION)
    into.mkdir(exist_ok=True)
    (into / "journal.jsonl").write_bytes(b"\n".join(lines) + b"\n")
    text = json.dumps(summary(derived(lines)), ensure_ascii=False, indent=1)
    (into / "summary.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
