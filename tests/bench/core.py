"""How many steps a second the core does on one core: `python -m tests.bench.core [cases]`.

A step is `decide` and `evolve` for one command. The mix is the straight path, proposed, reviewed, decided and told, with every
third case accepted instead of refused. Messages are made beforehand, as intake does; time moves a second from case to case.
Seconds are those of the processor, so that others on the machine do not count.

The last line is for comparison: the recorded histories (`tests/histories`), one case of every kind with its side paths, rejections
and timers.
"""

import sys
import time
from datetime import timedelta

from router.case import Case
from router.context import Command, Context
from router.decide import decide
from router.evolve import evolve
from topics.events import Rejection
from topics.inbound import Inbound

from ..histories import recording
from ..unit.router import world

STEPS = ("propose", "escalate", "decide", "deliver")
ROUNDS = 100
"""How often the recorded histories are gone through."""
BATCH = 500
"""Cases in hand at a time, as the desk takes them."""


def said(number: int) -> tuple[str, list[Inbound]]:
    """A case's id and all that is said about it."""
    refusal = f"{number:07}"
    case_id = f"{world.BUREAU}-{refusal}"
    decision = world.accept() if number % 3 == 0 else world.refuse()
    return case_id, [
        world.proposed(refusal_id=refusal, asked_at=world.MORNING + timedelta(seconds=number)),
        world.by_reviewer(world.escalate(), f"{case_id}.1.review", case_id=case_id),
        world.by_decider(decision, f"{case_id}.2.decide", case_id=case_id),
        world.told(f"{case_id}.3.reply", at=world.MORNING + timedelta(seconds=number), case_id=case_id),
    ]


def play(cases: list[tuple[str, list[Inbound]]], contexts: list[Context]) -> list[float]:
    """All cases step by step together; the processor's seconds of each step."""
    states: list[Case | None] = [None] * len(cases)
    spent = []
    for place in range(len(STEPS)):
        begun = time.process_time()
        for number, ((case_id, messages), context) in enumerate(zip(cases, contexts, strict=True)):
            case = states[number]
            events = decide(case, Command(case_id, messages[place], context.now, "windows"), context)
            if isinstance(events, Rejection):
                raise AssertionError(events)
            for event in events:
                case = evolve(case, case_id, event)
            states[number] = case
        spent.append(time.process_time() - begun)
    return spent


def every_kind() -> tuple[int, float]:
    """How many steps the recorded histories took, and the processor's seconds."""
    histories = [list(recording.commands(recording.read(file))) for file in recording.FILES]
    begun = time.process_time()
    for _ in range(ROUNDS):
        for history in histories:
            case: Case | None = None
            for command, context in history:
                events = decide(case, command, context)
                if not isinstance(events, Rejection):
                    for event in events:
                        case = evolve(case, command.case_id, event)
    return ROUNDS * sum(map(len, histories)), time.process_time() - begun


def main(count: int) -> float:
    """Prints the figures; returns steps a second."""
    spent = [0.0] * len(STEPS)
    for first in range(0, count, BATCH):
        numbers = range(first, min(first + BATCH, count))
        cases = [said(number) for number in numbers]
        contexts = [world.context(world.MORNING + timedelta(seconds=number + 1)) for number in numbers]
        spent = [before + seconds for before, seconds in zip(spent, play(cases, contexts), strict=True)]
    steps, whole = count * len(STEPS), sum(spent)
    print(f"{steps:,} steps of decide and evolve in {whole:.2f} s: {steps / whole:,.0f} a second on one core")
    for name, seconds in zip(STEPS, spent, strict=True):
        print(f"  {name:8} {seconds / count * 1e6:6.1f} µs")
    of_every_kind, seconds = every_kind()
    print(f"{of_every_kind:,} steps of every kind in {seconds:.2f} s: {of_every_kind / seconds:,.0f} a second")
    return steps / whole


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
