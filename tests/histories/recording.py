"""Recorded histories: whole cases as commands and facts, replayed by every run.

A file has a Chinese title, the rules it shows, and steps: what was said (or that time passed), when, and the facts that came of
it. `python -m tests.histories.recording` writes the facts anew, from the commands in the files; what it changes is then read
by a person before it is committed. Tests never write.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import yaml

from router.case import Case
from router.context import Command, Context, LimitsDue, PrecedentKey
from router.decide import decide
from router.evolve import evolve
from router.messages.message import Message
from router.rendering import render
from topics.events import Rejection
from topics.inbound import INBOUND, Inbound
from topics.parts import Precedents
from topics.vocabulary import Situation

from ..unit.router import world
from ..unit.router.specification import ANY_EVENT

FOLDER = Path(__file__).parent
FILES = sorted(FOLDER.glob("*.yaml"))


def read(file: Path) -> dict[str, Any]:
    """A history as its file has it."""
    return cast("dict[str, Any]", yaml.safe_load(file.read_text(encoding="utf-8")))


def replay(history: dict[str, Any]) -> tuple[list[list[Any]], Case | None, list[Message]]:
    """What each step leads to now: facts, or the code of a rejection; the case at the end, and all that was said to others."""
    case: Case | None = None
    outcomes: list[list[Any]] = []
    messages: list[Message] = []
    for command, context in commands(history):
        result = decide(case, command, context)
        if isinstance(result, Rejection):
            outcomes.append([{"rejected": result.code}])
            continue
        facts = []
        for event in result:
            before, case = case, evolve(case, history["case"], event)
            messages += render(before, case, event, context)
            facts.append(ANY_EVENT.dump_python(event, mode="json", by_alias=True, exclude_none=True))
        outcomes.append(facts)
    return outcomes, case, messages


def commands(history: dict[str, Any]) -> Iterator[tuple[Command, Context]]:
    """Each step as the core gets it."""
    precedents = _precedents(history)
    for step in history["steps"]:
        now = datetime.fromisoformat(step["at"]).astimezone(UTC)
        received = datetime.fromisoformat(step.get("received", step["at"])).astimezone(UTC)
        command = Command(history["case"], _said(step, now), received, step.get("party", "windows"))
        yield command, world.context(now, precedents=precedents)


def _said(step: dict[str, Any], now: datetime) -> Inbound | LimitsDue:
    if "said" not in step:
        return LimitsDue(now)
    return INBOUND[step["said"]].model_validate_json(json.dumps(step["content"], ensure_ascii=False, default=str))


def _precedents(history: dict[str, Any]) -> dict[PrecedentKey, Precedents]:
    known = history.get("precedents")
    if known is None:
        return {}
    key = PrecedentKey(known["taskCode"], Situation(known["situation"]), known["groundCode"])
    return {key: Precedents.model_validate({"counts": known["counts"]})}


def write(file: Path, history: dict[str, Any]) -> None:
    """A history to its file, for a person to read."""
    text = yaml.safe_dump(history, allow_unicode=True, sort_keys=False, width=120)
    file.write_text(text, encoding="utf-8")


def record(file: Path) -> bool:
    """Writes the facts of a file anew; whether anything changed."""
    history = read(file)
    outcomes, _, _ = replay(history)
    before = json.dumps(history, ensure_ascii=False, default=str)
    for step, facts in zip(history["steps"], outcomes, strict=True):
        step["facts"] = facts
    if json.dumps(history, ensure_ascii=False, default=str) == before:
        return False
    write(file, history)
    return True


if __name__ == "__main__":
    for changed in [file.name for file in FILES if record(file)]:
        print(f"written anew: {changed}")
