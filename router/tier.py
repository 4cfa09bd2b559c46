"""Who may do what with a case, and when: everything that can turn an official's act away (R01, R02, R07, R15, R24, R36)."""

from typing import Any

from router import supervising
from router.acts import Act, perform
from router.case import Case
from router.closing import already_closed
from router.context import Command, Context
from router.policy import HARMLESS
from router.refusing import same_person
from router.rejections import reject
from topics.events import Event, Rejection, Task
from topics.inbound import AnswerInstruction, Redirect, Refuse, RequireSupplements, TierDecided
from topics.vocabulary import Outcome, StageName, Tier

# Acts open to their tier wherever the case is: they are a yes, or take nothing from the applicant.
ANYWHERE = HARMLESS | {"confirm_withdrawal"}
# Acts that a tier may do without naming one of its tasks: they answer no question.
WITHOUT_TASK = ANYWHERE | {"declare"}
# The tasks that are answered by an act on the case; the others (a committee's question, a follow-up) are answered by their own.
ON_THE_CASE = frozenset({"review", "decide", "opinions_in"})
# What must not come before the government's answer: there is nothing left to ask, and nobody else to say no (R15).
NOT_AT_GOVERNMENT = frozenset({"refuse", "redirect", "require_supplements", "return", "consult", "refer"})


def act(case: Case, message: TierDecided, command: Command, context: Context) -> list[Event] | Rejection:
    """One act of one official; everything that could turn it away stands here, before what it means."""
    unit = context.directory.unit(case.org_code)
    if unit is None:
        return reject("unknown_unit", f"unit {case.org_code} is not in the directory any more", where="caseId")
    act_name = message.decision.action
    if act_name not in context.policy.powers(message.tier, unit):
        return reject("beyond_power", f"a {message.tier} may not {act_name}", where="decision.action")
    if act_name == "answer_instruction":
        assert isinstance(message.decision, AnswerInstruction)
        return supervising.answer(case, message.decision, message, command, context)
    task = None if message.task_id is None else case.task(message.task_id)
    problem = _out_of_turn(case, message, task) or _same_person(case, message)
    if problem is not None:
        return problem
    departs_from = _departure(case, message, task, context)
    if isinstance(departs_from, Rejection):
        return departs_from
    return perform(Act(case, message, unit, departs_from, command, context))


def _out_of_turn(case: Case, message: TierDecided, task: Task | None) -> Rejection | None:
    """What keeps the act from its tier now: its task, the case's end, or whoever holds the case."""
    act_name, tier = message.decision.action, message.tier
    late_opinion = act_name == "escalate" and _opinion_still_needed(case)
    if message.task_id is not None and not late_opinion and (task is None or task.tier is not tier):
        return _no_such_task(case, message.task_id)
    if not case.open:
        return already_closed(case)
    if late_opinion:
        return None
    if act_name not in ANYWHERE and case.holder is not tier:
        return reject(
            "not_at_this_tier",
            f"the case is with the {case.holder}",
            where="tier",
            holder=str(case.holder),
            stage=str(case.stage.name),
        )
    if (task is None or task.kind not in ON_THE_CASE) and act_name not in WITHOUT_TASK:
        return reject(
            "task_required",
            "name the taskId that this answers",
            where="taskId",
            openTasks=[open_task.task_id for open_task in case.tasks if open_task.tier is tier],
        )
    if act_name in NOT_AT_GOVERNMENT and case.stage.name is StageName.AT_GOVERNMENT:
        return reject(
            "at_government",
            "the government has the question: only a yes can come before its answer (R15)",
            where="decision.action",
            stage=str(case.stage.name),
        )
    return None


def _opinion_still_needed(case: Case) -> bool:
    """Whether the case moved on without its reviewer, who may still give the opinion that a refusal needs (R24)."""
    return (
        case.open and case.review is None and Tier.REVIEWER in case.passed_over and case.holder is Tier.DECISION_MAKER
    )


def _no_such_task(case: Case, task_id: str) -> Rejection:
    """Answers a late command with what happened meanwhile: who did what, when."""
    closed = next((done for done in case.closed_tasks if done.task_id == task_id), None)
    meanwhile: dict[str, Any] = {"stage": str(case.stage.name), "openTasks": [task.task_id for task in case.tasks]}
    if not case.open:
        meanwhile["outcome"] = str(getattr(case.stage, "outcome", ""))
    if closed is None:
        return reject("task_closed", f"this case has no open task {task_id} for that tier", where="taskId", **meanwhile)
    who = f"{closed.by.name}（{closed.by.post}）" if closed.by else "the clock (R24)"
    return reject(
        "task_closed",
        f"the task was closed by {closed.how}: {who}, {closed.at.isoformat()}",
        where="taskId",
        closedBy=closed.how,
        by=closed.by.model_dump(mode="json", by_alias=True, exclude_none=True) if closed.by else None,
        at=closed.at.isoformat(),
        **meanwhile,
    )


def _same_person(case: Case, message: TierDecided) -> Rejection | None:
    """R07: whoever proposed cannot review, whoever proposed or reviewed cannot decide; a deputy stands for both persons."""
    if message.decision.action in HARMLESS:
        return None
    return same_person(case, message.actor, message.decision.action, reviewed=message.tier is Tier.DECISION_MAKER)


OUTCOME_OF = {
    "accept": Outcome.ACCEPTED,
    "accept_with_supplements": Outcome.ACCEPTED_WITH_SUPPLEMENTS,
    "refuse": Outcome.REFUSED,
    "redirect": Outcome.REDIRECTED,
    "require_supplements": Outcome.SUPPLEMENTS_REQUIRED,
}


def _departure(case: Case, message: TierDecided, task: Task | None, context: Context) -> Outcome | Rejection | None:
    """R36: a decision that departs from the settled line which its task showed says why, whether it names the task or not."""
    outcome = OUTCOME_OF.get(message.decision.action)
    if outcome is None:
        return None
    if task is None or task.precedents is None:
        task = next((shown for shown in case.tasks if shown.tier is message.tier and shown.precedents), None)
    if task is None or task.precedents is None:
        return None
    settled = task.precedents.settled(context.policy.settled_least, context.policy.settled_share)
    if settled is None or settled is outcome:
        return None
    decision = message.decision
    if isinstance(decision, Refuse | Redirect | RequireSupplements):
        given, where = decision.departure_reason, "decision.departureReason"
    else:
        given, where = getattr(decision, "note", None), "decision.note"
    if given is None:
        return reject(
            "departure_unexplained",
            f"earlier cases of this kind ended with {settled}: say why this one does not (R36)",
            where=where,
            precedents=task.precedents.model_dump(mode="json", by_alias=True),
        )
    return settled
