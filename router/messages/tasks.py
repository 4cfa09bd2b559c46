"""What the tiers are told: what they have to do, what they need not do any more, and what departments answered them."""

from collections.abc import Iterator

from router import wording
from router.case import Case
from router.consulting import in_conflict
from router.context import Context
from router.messages.message import Message, about, opinions
from topics.events import Event, OpinionGiven, Task
from topics.fields import trusted
from topics.outbound import OpinionForwarded, TaskClosed, TierTask
from topics.registry import Family
from topics.vocabulary import CHINESE, LimitKind


def opened(case: Case, event: Event, context: Context) -> Iterator[Message]:
    """What a fact gives the tiers to do."""
    tasks: tuple[Task, ...] = getattr(event, "tasks", ())
    for task in tasks:
        party = context.directory.speaker(case.org_code, task.tier)
        if party is not None:
            yield Message(Family.TIER_TASKS, party, _task(case, task))


def _task(case: Case, task: Task) -> TierTask:
    whole = case.limit(LimitKind.APPROVAL)
    return trusted(
        TierTask,
        **about(case),
        text=wording.task(case, task),
        task_id=task.task_id,
        tier=task.tier,
        kind=task.kind,
        matter_class=case.matter_class,
        opened_at=task.opened_at,
        due_at=task.due_at,
        approval_due_at=whole and whole.due_at,
        provisional=bool(whole and whole.provisional),
        ground_code=case.ground_code,
        reason=case.reason,
        legal_basis=case.legal_basis,
        guidance=case.guidance,
        fast_response_grounds=case.fast_response_grounds,
        first_asked=case.first_asked,
        proposed_by=case.proposed_by,
        reviewed_by=case.review and case.review.by,
        reviewer_opinion=case.review and case.review.opinion,
        reviewer_reason=case.review and case.review.reason,
        question=task.question,
        lacking=task.lacking,
        passed_over=case.passed_over,
        precedents=task.precedents,
        opinions=opinions(case),
        opinions_conflict=in_conflict(case),
        linked_case=case.linked_case,
    )


def closed(before: Case | None, after: Case, event: Event, context: Context) -> Iterator[Message]:
    """Tasks that somebody else made needless; whoever did their own knows it."""
    if before is None:
        return
    answered = getattr(event, "answered_task", None)
    still_open = {task.task_id for task in after.tasks}
    for task in before.tasks:
        if task.task_id in still_open or task.task_id == answered or task.kind == "answer_instruction":
            continue
        party = context.directory.speaker(after.org_code, task.tier)
        if party is not None:
            body = trusted(
                TaskClosed,
                case_id=after.case_id,
                task_id=task.task_id,
                tier=task.tier,
                why=event.type,
                text=f"“{after.matter.task_name}”的该项任务已无需办理。",
            )
            yield Message(Family.TIER_TASKS, party, body)


def opinion(case: Case, event: OpinionGiven, context: Context) -> Iterator[Message]:
    """A department's answer, as it arrives, for whoever asked (R14)."""
    consulted = next(c for c in case.consultations if c.request.request_id == event.request_id)
    # Who asked may have lost the case upward meanwhile (R24): the answer goes to whoever holds it.
    tier = case.holder if consulted.asked_by in case.passed_over else consulted.asked_by
    party = context.directory.speaker(case.org_code, tier)
    if party is None:
        return
    given = next(o for o in opinions(case) if o.request_id == event.request_id)
    body = trusted(
        OpinionForwarded,
        **about(case),
        text=f"{event.unit_name}答复征询：{CHINESE[event.answer]}。{wording.sentence(event.reason)}",
        tier=tier,
        opinion=given,
        corrected=event.corrected,
        awaited=sum(1 for c in case.consultations if c.answer is None and not c.silent),
    )
    yield Message(Family.TIER_TASKS, party, body)
