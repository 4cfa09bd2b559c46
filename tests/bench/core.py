"""How many steps a second the core does on one core: `python -m tests.bench.core [cases]`.

A step is `decide` and `evolve` for one command. The mix is the straight path, proposed, reviewed, decided and told, with every
third case accepted instead of refused. Messages are made beforehand, as intake does; time moves a second from case to case.
The last line is for comparison: the recorded histories (`tests/histories`), one case of every kind with its side paths, rejections
and timers.

Seconds are those of the processor, so that others who wait for it do not count; but others who share its caches and its clock do. So each
figure is the median of several rounds, with the slowest and the fastest round beside it: how far these lie apart is the machine's.
"""

import statistics
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
ROUNDS = 9
"""How often everything is measured, each time with cases of its own."""
REPEATS = 10
"""How often the recorded histories are gone through in a round."""
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


def straight_path(numbers: range) -> list[float]:
    """The processor's seconds of each step, for the cases of these numbers."""
    spent = [0.0] * len(STEPS)
    for first in range(numbers.start, numbers.stop, BATCH):
        batch = range(first, min(first + BATCH, numbers.stop))
        cases = [said(number) for number in batch]
        contexts = [world.context(world.MORNING + timedelta(seconds=number + 1)) for number in batch]
        spent = [before + seconds for before, seconds in zip(spent, play(cases, contexts), strict=True)]
    return spent


def every_kind(histories: list[list[tuple[Command, Context]]]) -> float:
    """The processor's seconds of the recorded histories."""
    begun = time.process_time()
    for _ in range(REPEATS):
        for history in histories:
            case: Case | None = None
            for command, context in history:
                events = decide(case, command, context)
                if not isinstance(events, Rejection):
                    for event in events:
                        case = evolve(case, command.case_id, event)
    return time.process_time() - begun


def rates(steps: int, seconds: list[float]) -> str:
    """Steps a second: the median of the rounds, the slowest and the fastest."""
    median = steps / statistics.median(seconds)
    return f"{median:,.0f} a second on one core ({steps / max(seconds):,.0f} to {steps / min(seconds):,.0f})"


def main(count: int) -> None:
    """Prints the figures of so many cases, in `ROUNDS` rounds."""
    histories = [list(recording.commands(recording.read(file))) for file in recording.FILES]
    cases = count // ROUNDS
    rounds = [straight_path(range(first * cases, (first + 1) * cases)) for first in range(ROUNDS)]
    print(f"{ROUNDS} rounds of {cases * len(STEPS):,} steps of decide and evolve: ", end="")
    print(rates(cases * len(STEPS), [sum(spent) for spent in rounds]))
    for name, seconds in zip(STEPS, zip(*rounds, strict=True), strict=True):
        print(f"  {name:8} {statistics.median(seconds) / cases * 1e6:6.1f} µs")
    steps = REPEATS * sum(map(len, histories))
    print(
        f"{ROUNDS} rounds of {steps:,} steps of every kind: {rates(steps, [every_kind(histories) for _ in range(ROUNDS)])}"
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20_000)
