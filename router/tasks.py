"""What a tier is asked to do: its task, and the budget after which the case moves on without it (R24)."""

from router import limits
from router.case import Case
from router.context import Context, PrecedentKey, WorkingTime
from router.timers import whole_limit
from topics.directory import Unit
from topics.events import Limit, Task
from topics.parts import Precedents
from topics.vocabulary import Situation, Tier

NO_PRECEDENTS = Precedents()


def precedents_of(
    task_code: str, situation: Situation | None, ground_code: str | None, context: Context
) -> Precedents | None:
    """How earlier cases of the same kind ended (R36); None while the case does not yet say of which kind it is."""
    if situation is None or ground_code is None:
        return None
    return context.precedents.get(PrecedentKey(task_code, situation, ground_code), NO_PRECEDENTS)


def precedents_for(case: Case, context: Context) -> Precedents | None:
    """How earlier cases of the case's own kind ended."""
    return precedents_of(case.matter.task_code, case.situation, case.ground_code, context)


def supply_task(
    case_id: str,
    version: int,
    lacking: tuple[str, ...],
    unit: Unit,
    context: Context,
    time: WorkingTime,
    question: str | None = None,
) -> tuple[Task, Limit]:
    """The clerk's task: what is lacking, or a question from above."""
    task_id = f"{case_id}.{version}.supply"
    budget = limits.clerk_budget(task_id, unit, context, time)
    task = Task(
        task_id=task_id,
        tier=Tier.CLERK,
        kind="supply",
        opened_at=context.now,
        due_at=budget.due_at,
        question=question,
        lacking=lacking,
    )
    return task, budget


def review_task(
    case_id: str,
    version: int,
    whole: Limit | None,
    precedents: Precedents | None,
    unit: Unit,
    context: Context,
    time: WorkingTime,
    question: str | None = None,
) -> tuple[Task, Limit]:
    """The reviewer's task: an opinion."""
    task_id = f"{case_id}.{version}.review"
    budget = limits.reviewer_budget(task_id, unit, whole, context, time)
    task = Task(
        task_id=task_id,
        tier=Tier.REVIEWER,
        kind="review",
        opened_at=context.now,
        due_at=budget.due_at,
        question=question,
        precedents=precedents,
    )
    return task, budget


def decision_task(
    case_id: str,
    version: int,
    whole: Limit | None,
    precedents: Precedents | None,
    context: Context,
    question: str | None = None,
) -> Task:
    """The decision-maker's task: theirs is the rest of the whole limit."""
    return Task(
        task_id=f"{case_id}.{version}.decide",
        tier=Tier.DECISION_MAKER,
        kind="decide",
        opened_at=context.now,
        due_at=whole.due_at if whole else None,
        question=question,
        precedents=precedents,
    )


def next_decision(case: Case, context: Context, question: str | None = None) -> Task:
    """The decision-maker's task that comes with the case's next fact."""
    return decision_task(
        case.case_id, case.version + 1, whole_limit(case.limits), precedents_for(case, context), context, question
    )
