"""What the database will not have is cornered down to its case; the lane goes on, and an operator lets the case go on too."""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import asyncpg
import pytest

from deploy.local import LocalStack
from deploy.local.supervisor import Supervisor

from ..parties import Heard, Party, case_of, refusal
from ..support import Router

pytestmark = pytest.mark.kafka

POISON = "BUREAU-poison"
NUMBERS = itertools.count(1)


@pytest.fixture
async def router(stack: LocalStack, supervisor: Supervisor, folder: Path) -> AsyncIterator[Router]:
    """A router whose database refuses one case, as it would refuse data that no column can hold."""
    router = Router(stack, supervisor, folder, f"poison{next(NUMBERS)}")
    await router.prepare()
    database = await asyncpg.connect(router.superuser_dsn)
    await database.execute(f"alter table cases add constraint no_poison check (case_id <> '{POISON}')")
    await database.close()
    worker = await router.worker().ready()
    yield router
    worker.stop()


def head_of(case_id: str) -> Callable[[Heard], bool]:
    """A case's head filing."""
    return lambda heard: heard.type == "filing.head" and heard.data["caseId"] == case_id


async def cure(router: Router) -> None:
    """The cause is mended."""
    database = await asyncpg.connect(router.superuser_dsn)
    await database.execute("alter table cases drop constraint no_poison")
    await database.close()


async def quarantined(router: Router) -> list[dict[str, object]]:
    """What `noveto quarantine list` shows."""
    _, out, _ = await router.command("quarantine", "list", "--json")
    return [json.loads(line) for line in out.splitlines()]


async def propose_around_the_poison(router: Router, windows: Party) -> list[str]:
    """The poisoned case in the middle of twenty good ones, all at once."""
    openings = [refusal(refusal_id="poison" if number == 10 else f"good{number}") for number in range(21)]
    await asyncio.gather(*(windows.say("refusal.proposed", opening) for opening in openings))
    return [case_of(opening) for opening in openings if opening["refusalId"] != "poison"]


@pytest.mark.timeout(120)
async def test_one_poisoned_case_is_quarantined_and_its_lane_goes_on(router: Router) -> None:
    """Bad data hold nobody else up; after the cure a retry opens the case with exactly one head."""
    bootstrap = router.stack.bootstrap
    async with (
        Party(bootstrap, router.prefix, "windows") as windows,
        Party(bootstrap, router.prefix, "committee") as committee,
    ):
        good = await propose_around_the_poison(router, windows)
        for case_id in good:
            await committee.hear(head_of(case_id))
        held = await quarantined(router)

        assert [(POISON, 1)] == [(one["case"], one["commands"]) for one in held]
        assert "CheckViolation" in str(held[0]["error"])

        await cure(router)
        code, _, err = await router.command("quarantine", "retry", POISON)
        await committee.hear(head_of(POISON))
        await router.settled()

        assert (0, "") == (code, err)
        assert [] == await quarantined(router)
        assert (0, []) == await verified(router)


@pytest.mark.timeout(120)
async def test_a_released_case_gives_its_commands_back(router: Router) -> None:
    """Without a retry the senders are told to send again, and what they send again is taken."""
    async with Party(router.stack.bootstrap, router.prefix, "windows") as windows:
        opening = refusal(refusal_id="poison")
        sent = await windows.say("refusal.proposed", opening, event_id="once")
        while not await quarantined(router):
            await asyncio.sleep(0.1)
        await cure(router)
        await router.command("quarantine", "release", POISON)
        answer = await windows.answer_to(sent)
        again = await windows.say("refusal.proposed", opening, event_id="once")
        await router.settled()
        code, _, _ = await router.command("case", "show", POISON)

        assert "quarantine_released" == answer.rejection["code"]
        assert again.offset >= 0
        assert 0 == code
        assert (0, []) == await verified(router)


async def test_a_case_that_is_not_quarantined_is_named(router: Router) -> None:
    """An operator's slip is answered, and nothing happens."""
    code, _, err = await router.command("quarantine", "retry", "BUREAU-none")

    assert 1 == code
    assert "BUREAU-none is not quarantined" in err


async def verified(router: Router) -> tuple[int, list[str]]:
    """What `noveto verify` finds."""
    code, out, err = await router.command("verify", "--json", timeout=120)
    return code, json.loads(out)["differences"] if out else [err]
