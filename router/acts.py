"""What each act of an official means, once nothing stands against its doer (R02 to R05, R09 to R12, R21 to R23)."""

from collections.abc import Callable
from typing import Any, NamedTuple

from router import consulting, limits, supervising
from router.case import Case
from router.closing import decided, in_time_corrections
from router.context import Command, Context, WorkingTime
from router.needs import reply_lacking
from router.refusing import answered_in_person, in_person_missing, refusal_problem
from router.rejections import reject
from router.tasks import next_decision, precedents_for, review_task, supply_task
from router.timers import whole_limit
from topics.directory import Unit
from topics.events import CaseDeclared, CaseEscalated, CaseReturned, Event, InterimAnswered, Rejection
from topics.inbound import (
    Accept,
    AcceptWithSupplements,
    ConfirmWithdrawal,
    Consult,
    Decision,
    Declare,
    Escalate,
    Guide,
    Interim,
    Redirect,
    Refer,
    Refuse,
    RequireSupplements,
    Return,
    TierDecided,
)
from topics.vocabulary import LimitKind, MatterClass, Outcome, Situation, Tier

Meaning = list[Event] | Rejection


class Act(NamedTuple):
    """Who did what to which case, and the settled line that the decision departs from (R36)."""

    case: Case
    message: TierDecided
    unit: Unit
    departs_from: Outcome | None
    command: Command
    context: Context

    @property
    def time(self) -> WorkingTime:
        """The working time of the case's centre."""
        return self.context.working_time[self.case.centre]

    def ends(self, outcome: Outcome, **carried: Any) -> list[Event]:
        """The case ends by it."""
        message = self.message
        return decided(
            self.case,
            outcome,
            message.actor,
            self.command,
            self.context,
            tier=message.tier,
            answered_task=message.task_id,
            **carried,
        )


def perform(act: Act) -> Meaning:
    """The facts that follow from an act, or what it lacks."""
    decision = act.message.decision
    return MEANINGS[type(decision)](act, decision)


def _accept(act: Act, decision: Accept) -> Meaning:
    reason = decision.note if act.departs_from else None
    return act.ends(Outcome.ACCEPTED, note=decision.note, departs_from=act.departs_from, departure_reason=reason)


def _accept_with_supplements(act: Act, decision: AcceptWithSupplements) -> Meaning:
    """R12: named supplements by a named date; the clerk only within the matter's list."""
    if act.message.tier is Tier.CLERK:
        allowed = act.unit.policy.supplements_allowed.get(act.case.matter.task_code, ())
        beyond = [supplement.item for supplement in decision.due.supplements if supplement.item not in allowed]
        if beyond:
            return reject(
                "not_on_list",
                f"not on the matter's list: {'、'.join(beyond)}",
                where="decision.due.supplements",
                allowed=list(allowed),
            )
    limit = limits.supplements(decision.due.promise_date, act.context, act.time)
    if limit.due_at <= act.command.received_at:
        return reject("date_passed", "the supplements' date lies in the past", where="decision.due.promiseDate")
    return act.ends(
        Outcome.ACCEPTED_WITH_SUPPLEMENTS,
        note=decision.note,
        supplements=decision.due.supplements,
        promise_date=decision.due.promise_date.isoformat(),
        departs_from=act.departs_from,
        departure_reason=decision.note if act.departs_from else None,
        after=(limit,),
    )


def _guide(act: Act, decision: Guide) -> Meaning:
    """R05: guidance ends a case only with the applicant's confirmation, and never a grey area (R13)."""
    situation = act.case.situation
    if situation is None:
        return reject("situation_missing", "the clerk has not said which situation this is", where="decision")
    if situation is Situation.GREY_AREA:
        return reject("grey_area", "a grey area goes up for study; guidance cannot end it (R13)", where="decision")
    missing = reply_lacking(situation, decision.guidance)
    if missing:
        return reject("guidance_missing", f"guidance of {situation} needs {missing[0]}", where=f"decision.{missing[0]}")
    return act.ends(Outcome.GUIDED, guidance=decision.guidance, confirmation=decision.confirmation)


def _interim(act: Act, decision: Interim) -> Meaning:
    if decision.until <= act.command.received_at:
        return reject("date_passed", "the interim answer promises a time in the past", where="decision.until")
    return [
        InterimAnswered(
            at=act.context.now,
            by=act.message.actor,
            tier=act.message.tier,
            reply_id=f"{act.case.case_id}.{act.case.version + 1}.reply",
            who=decision.who,
            what=decision.what,
            until=decision.until,
        )
    ]


def _escalate(act: Act, decision: Escalate) -> Meaning:
    return [
        CaseEscalated(
            at=act.context.now,
            by=act.message.actor,
            answered_task=act.message.task_id,
            opinion=decision.opinion,
            reason=decision.reason,
            tasks=(next_decision(act.case, act.context),),
        )
    ]


def _return(act: Act, decision: Return) -> Meaning:
    case, message, context = act.case, act.message, act.context
    version = case.version + 1
    if message.tier is Tier.REVIEWER or act.unit.without_reviewer:
        to_tier = Tier.CLERK
        task, budget = supply_task(case.case_id, version, case.lacking, act.unit, context, act.time, decision.question)
    else:
        to_tier = Tier.REVIEWER
        precedents = precedents_for(case, context)
        task, budget = review_task(
            case.case_id, version, whole_limit(case.limits), precedents, act.unit, context, act.time, decision.question
        )
    return [
        CaseReturned(
            at=context.now,
            by=message.actor,
            from_tier=message.tier,
            to_tier=to_tier,
            answered_task=message.task_id,
            question=decision.question,
            limits=(budget,),
            tasks=(task,),
        )
    ]


def _confirm_withdrawal(act: Act, decision: ConfirmWithdrawal) -> Meaning:
    """R09: the reviewer has checked what the window says of the applicant."""
    asked = act.case.withdrawal_asked
    if asked is None:
        return reject("withdrawal_not_asked", "the window has not said that the applicant withdraws", where="decision")
    return act.ends(Outcome.WITHDRAWN, reason=asked, note=decision.how_checked)


def _consult(act: Act, decision: Consult) -> Meaning:
    return consulting.ask(act.case, decision, act.message, act.context, act.time)


def _refuse(act: Act, decision: Refuse) -> Meaning:
    problem = refusal_problem(act.case, decision)
    if problem is not None:
        return problem
    return act.ends(
        Outcome.REFUSED,
        legal_basis=decision.legal_basis,
        explanation=decision.explanation,
        in_person=decision.in_person,
        document_number=decision.document_number,
        remedies=decision.remedies,
        guidance=decision.guidance or act.case.guidance,
        departs_from=act.departs_from,
        departure_reason=decision.departure_reason,
    )


def _redirect(act: Act, decision: Redirect) -> Meaning:
    """R10: who handles it, how and where."""
    if _nobody_named(decision):
        return in_person_missing()
    if decision.guidance.competent_unit is None:
        return reject(
            "guidance_missing", "say who handles it, how and where (R10)", where="decision.guidance.competentUnit"
        )
    return _told(act, Outcome.REDIRECTED, decision)


def _require_supplements(act: Act, decision: RequireSupplements) -> Meaning:
    """R11: everything missing at once."""
    if _nobody_named(decision):
        return in_person_missing()
    missing = reply_lacking(Situation.CONDITIONS_NOT_MET, decision.guidance)
    if missing:
        return reject(
            "guidance_missing",
            "list everything missing at once, with a guide, sample or standard (R11)",
            where=f"decision.{missing[0]}",
        )
    return _told(act, Outcome.SUPPLEMENTS_REQUIRED, decision)


def _nobody_named(decision: Redirect | RequireSupplements) -> bool:
    return decision.in_person is not None and not answered_in_person(decision.in_person)


def _told(act: Act, outcome: Outcome, decision: Redirect | RequireSupplements) -> Meaning:
    return act.ends(
        outcome,
        guidance=decision.guidance,
        in_person=decision.in_person,
        departs_from=act.departs_from,
        departure_reason=decision.departure_reason,
    )


def _refer(act: Act, decision: Refer) -> Meaning:
    return supervising.refer(act.case, decision, act.message, act.unit, act.context)


def _declare(act: Act, decision: Declare) -> Meaning:
    """R21, R22: a declaration moves the limits; a breach that was stays in the record."""
    case, context = act.case, act.context
    major = decision.matter_class is MatterClass.MAJOR
    if decision.matter_class is case.matter_class and not major:
        return reject("class_unchanged", f"the case is {case.matter_class} already", where="decision.matterClass")
    if major and (decision.ground is None or decision.promise_date is None):
        return reject(
            "ground_missing",
            "a major and difficult matter needs its ground and a promised date (R22)",
            where="decision.ground",
        )
    if major and decision.promise_date is not None:
        limit = limits.promised(decision.promise_date, context, act.time, context.now)
        if limit.due_at <= context.now:
            return reject("date_passed", "the promised date lies in the past", where="decision.promiseDate")
    else:
        limit = limits.approval(case.clock_start, decision.matter_class, act.unit, context, act.time, needs_study=True)
    return [
        *in_time_corrections(case, LimitKind.APPROVAL, act.command.received_at, context),
        CaseDeclared(
            at=context.now,
            by=act.message.actor,
            matter_class=decision.matter_class,
            ground=decision.ground,
            reason=decision.reason,
            limits=(limit,),
        ),
    ]


# By the kind of act; only the answer to a committee's question is missing, which is given after the end too.
MEANINGS: dict[type[Decision], Callable[[Act, Any], Meaning]] = {
    Accept: _accept,
    AcceptWithSupplements: _accept_with_supplements,
    Guide: _guide,
    Interim: _interim,
    Escalate: _escalate,
    Return: _return,
    ConfirmWithdrawal: _confirm_withdrawal,
    Consult: _consult,
    Refuse: _refuse,
    Redirect: _redirect,
    RequireSupplements: _require_supplements,
    Refer: _refer,
    Declare: _declare,
}
