"""A tier that was passed over has the case again when it turns out to have acted in time (R24, R29).

Timers wait for what was received before them, but not for ever: a router that is far behind moves the case up, and may then read an
act that had been received while the tier's budget ran.
"""

from collections.abc import Callable

from router.case import Case
from router.context import Command, Context
from router.evolve import evolve
from topics.events import Event, Rejection, TierRestored
from topics.vocabulary import Tier


def in_time(
    act: Callable[[Case], list[Event] | Rejection],
    case: Case,
    tier: Tier,
    task_id: str | None,
    command: Command,
    context: Context,
) -> list[Event] | Rejection:
    """What the act means: for the case as it stands or, if the tier acted in time, as it stood before it was passed over."""
    passing = case.passing
    if passing is None or passing.tier is not tier or command.received_at > passing.limit.due_at:
        return act(case)
    if task_id not in (None, passing.task.task_id):
        return act(case)
    restored = TierRestored(
        at=context.now,
        tier=tier,
        received_at=command.received_at,
        limits=(passing.limit,),
        tasks=(passing.task,),
    )
    result = act(evolve(case, case.case_id, restored))
    return result if isinstance(result, Rejection) else [restored, *result]
