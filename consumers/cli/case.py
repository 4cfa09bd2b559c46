"""`noveto case`: a case from the record."""

import json
from typing import Any

import click

from consumers.cli import running
from consumers.explaining import as_objects, explanations, working_times
from consumers.reading import case_entries, open_cases, replay
from consumers.telling import told
from router.case import Case
from topics.vocabulary import CHINESE


@click.group()
def case() -> None:
    """Cases, from the record."""


@case.command("list")
@click.option("--unit", metavar="ORGCODE", help="Only this unit's.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def list_(unit: str | None, as_json: bool) -> None:
    """Every open case, and the tasks that wait for an answer: what a party takes over with a unit."""
    settings = running.settings_from_environment()

    async def work() -> None:
        async for found in open_cases(settings, unit):
            click.echo(json.dumps(_summary(found), ensure_ascii=False) if as_json else _line(found))

    running.run(settings, work())


def _summary(found: Case) -> dict[str, Any]:
    return {
        "caseId": found.case_id,
        "orgCode": found.org_code,
        "stage": found.stage.name,
        "holder": found.holder,
        "openedAt": found.opened_at.isoformat(),
        "tasks": [
            {
                "taskId": task.task_id,
                "tier": task.tier,
                "kind": task.kind,
                "dueAt": task.due_at and task.due_at.isoformat(),
            }
            for task in found.tasks
        ],
    }


def _line(found: Case) -> str:
    tasks = "、".join(task.task_id for task in found.tasks)
    return f"{found.case_id}\t{found.unit_name}\t{CHINESE[found.stage.name]}\t{found.opened_at.isoformat()}\t{tasks}"


@case.command("show")
@click.argument("case_id")
@click.option("--json", "as_json", is_flag=True, help="For machines: the case and its entries as one JSON object.")
def show(case_id: str, as_json: bool) -> None:
    """Tell a case step by step: who did what, in what post, when and why; and where each running limit comes from."""
    settings = running.settings_from_environment()
    entries = running.run(settings, case_entries(settings, case_id))
    found, _ = replay(entries)
    if found is None:
        raise click.ClickException(
            f"no case {case_id} is in the record (database {running.database_address(settings)})"
        )
    times = running.run(settings, working_times(settings, found.centre)) if found.limits else {}
    if as_json:
        whole = {
            "case": json.loads(found.wire()),
            "limits": as_objects(found, times),
            "entries": [json.loads(entry.wire()) for entry in entries],
        }
        click.echo(json.dumps(whole, ensure_ascii=False))
        return
    for line in (*told(found, [entry.event for entry in entries]), *explanations(found, times)):
        click.echo(line)
