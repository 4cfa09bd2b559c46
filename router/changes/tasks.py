"""A case's open tasks: those that a fact answers or makes needless, and those whose due time moves."""

from typing import Any

from router.case import Case, ClosedTask
from topics.events import (
    CaseDecided,
    CaseEscalated,
    CaseReturned,
    GovernmentRuled,
    Limit,
    ProposalSupplied,
    Task,
    TierPassed,
    TierRestored,
)
from topics.parts import Actor
from topics.record import changed
from topics.vocabulary import Tier

# How many closed tasks a case remembers, to answer a late command with what happened meanwhile.
REMEMBERED = 20

Handing = CaseEscalated | CaseDecided | TierPassed | TierRestored | ProposalSupplied | CaseReturned | GovernmentRuled


def handed_on(case: Case, event: Handing, tiers: frozenset[Tier], by: Actor | None) -> dict[str, Any]:
    """Closes the open tasks of some tiers and opens the fact's own; the committee's questions stay till they are answered."""
    kept, closed = [], list(case.closed_tasks)
    for task in case.tasks:
        if task.tier in tiers and task.kind != "answer_instruction":
            closed.append(ClosedTask(task_id=task.task_id, tier=task.tier, at=event.at, by=by, how=event.type))
        else:
            kept.append(task)
    return {"tasks": (*kept, *event.tasks), "closed_tasks": tuple(closed[-REMEMBERED:])}


def moved(case: Case, old: Limit | None, new: Limit | None) -> tuple[Task, ...]:
    """The decision-maker's tasks have the whole limit's due time: they move with it."""
    if old is None or new is None:
        return case.tasks
    return tuple(
        changed(task, {"due_at": new.due_at})
        if task.kind in ("decide", "opinions_in") and task.due_at == old.due_at
        else task
        for task in case.tasks
    )
