"""The committee and the government: the one follows and asks (R37), the other decides what it is referred (R15)."""

from functools import partial

from router import limits
from router.case import AtGovernment, Case
from router.closing import already_closed, decided, in_time_corrections
from router.context import Command, Context
from router.refusing import refusal_problem, same_person
from router.rejections import reject
from router.tasks import next_decision
from topics.directory import Unit
from topics.events import (
    CaseReferred,
    Event,
    GovernmentRuled,
    InstructionAnswered,
    InstructionGiven,
    Rejection,
    Task,
)
from topics.inbound import (
    Accept,
    AnswerInstruction,
    CommitteeInstructed,
    Direct,
    GovernmentDecided,
    Refer,
    Refuse,
    TierDecided,
)
from topics.record import changed
from topics.vocabulary import LimitKind, Outcome, Tier


def instruct(case: Case, message: CommitteeInstructed, command: Command, context: Context) -> list[Event] | Rejection:
    """催办、督办、协调: the unit owes an answer by a limit; nothing is decided by it."""
    instruction_id = f"{case.case_id}.{case.version + 1}.instruction"
    limit = limits.instruction(instruction_id, context, context.working_time[case.centre])
    task = Task(
        task_id=instruction_id,
        tier=case.holder if case.open else Tier.DECISION_MAKER,
        kind="answer_instruction",
        opened_at=context.now,
        due_at=limit.due_at,
        question=message.text,
    )
    return [
        InstructionGiven(
            at=context.now,
            instruction_id=instruction_id,
            kind=message.kind,
            by=message.actor,
            text=message.text,
            limits=(limit,),
            tasks=(task,),
        )
    ]


def answer(
    case: Case, decision: AnswerInstruction, message: TierDecided, command: Command, context: Context
) -> list[Event] | Rejection:
    """The unit answers, also after the case has ended."""
    instruction = next((i for i in case.instructions if i.instruction_id == decision.instruction_id), None)
    if instruction is None:
        return reject(
            "unknown_instruction", f"there is no instruction {decision.instruction_id}", where="decision.instructionId"
        )
    if instruction.answered:
        return reject("instruction_answered", "the instruction has been answered", where="decision.instructionId")
    return [
        *in_time_corrections(case, LimitKind.INSTRUCTION, command.received_at, context, about=decision.instruction_id),
        InstructionAnswered(
            at=context.now,
            instruction_id=decision.instruction_id,
            by=message.actor,
            tier=message.tier,
            answer=decision.answer,
        ),
    ]


def refer(case: Case, decision: Refer, message: TierDecided, unit: Unit, context: Context) -> list[Event] | Rejection:
    """The decision-maker refers the case; no limit is lifted by that."""
    centre = context.directory.centre(case.centre)
    area = centre.area_code if centre else unit.area_code
    if centre is None or context.directory.government_party(area) is None:
        return reject("no_government", f"no party speaks for the government of {area}", where="decision")
    return [
        CaseReferred(
            at=context.now,
            by=message.actor,
            referral_id=f"{case.case_id}.{case.version + 1}.referral",
            government=centre.government,
            area_code=area,
            question=decision.question,
            proposal=decision.proposal,
        )
    ]


def rule(case: Case, message: GovernmentDecided, command: Command, context: Context) -> list[Event] | Rejection:
    """The government's decision closes the case or directs the unit; its refusal needs all that any refusal needs."""
    if not case.open:
        return already_closed(case)
    if not isinstance(case.stage, AtGovernment) or case.stage.referral_id != message.referral_id:
        return reject("unknown_referral", f"there is no open referral {message.referral_id}", where="referralId")
    if isinstance(message.ruling, Refuse):
        problem = same_person(case, message.actor, "refuse", reviewed=True) or refusal_problem(case, message.ruling)
        if problem is not None:
            return problem
    tasks: tuple[Task, ...] = ()
    if isinstance(message.ruling, Direct):
        tasks = (next_decision(case, context, message.ruling.direction),)
    ruled = GovernmentRuled(
        at=context.now,
        referral_id=message.referral_id,
        by=message.actor,
        minutes_number=message.minutes_number,
        ruling=message.ruling,
        tasks=tasks,
    )
    after = changed(case, {"version": case.version + 1})
    ends = partial(decided, by=message.actor, command=command, context=context, by_government=message.minutes_number)
    match message.ruling:
        case Accept(note=note):
            return [ruled, *ends(after, Outcome.ACCEPTED, note=note)]
        case Refuse() as refusal:
            return [
                ruled,
                *ends(
                    after,
                    Outcome.REFUSED,
                    legal_basis=refusal.legal_basis,
                    explanation=refusal.explanation,
                    in_person=refusal.in_person,
                    document_number=refusal.document_number,
                    remedies=refusal.remedies,
                    guidance=refusal.guidance or case.guidance,
                ),
            ]
        case Direct():
            return [ruled]
