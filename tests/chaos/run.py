"""The chaos suite as a program: `python -m tests.chaos.run --minutes 20 --seed 7`. What it does follows from the seed.

While cases are proposed and answered, faults come one after another, some to the workers and some around them; afterwards every stage has to come to rest, and the
checker counts on the topics, from outside. The exit code is 0 only if nothing was lost, doubled, or out of order.
"""

import argparse
import asyncio
import json
import logging
import random
import tempfile
import time
from pathlib import Path
from typing import Any

from deploy.local.ports import HOST
from deploy.local.stack import say_on_stderr

from ..support import LANES, Router, supervised
from . import checker
from .faults import AROUND, EVERY, OFTEN, ON_DISK, WORKERS, Fault, Scene
from .load import Load, stalls
from .proxy import Proxy
from .stack import Breakable, breakable

CALM_SECONDS = 4.0
DRAIN_SECONDS = 120.0


async def chaos(
    broken: Breakable,
    folder: Path,
    *,
    seed: int,
    seconds: float,
    rate: float,
    faults: tuple[Fault, ...] = EVERY,
    workers: int = 2,
    without: tuple[str, ...] = (),
    name: str = "chaos",
) -> dict[str, Any]:
    """One run; the findings of the checker, and the longest silence of a lane around each kind of fault."""
    stack = broken.stack
    with supervised(folder) as supervisor:
        router = Router(stack, supervisor, folder, name)
        await router.prepare()
        async with (
            Proxy(HOST, broken.behind, broken.door) as broker,
            Proxy(HOST, *stack.postgres.ports) as database,
        ):
            scene = Scene(router, broker, database, broken.disk, random.Random(seed), without=without)
            for number in range(1, workers + 1):
                scene.start(f"{name}-{number}")
            await asyncio.gather(*(worker.ready() for worker in scene.workers))
            async with Load(stack.bootstrap, router.prefix, LANES, rate) as load:
                done = await _break_things(scene, load, seed, seconds, possible(faults, broken))
                scene.ensure_alive()
                drained = await load.drain(DRAIN_SECONDS)
            findings = await _findings(router, load)
        return {
            "seed": seed,
            "faults": sum(len(found) for found in done.values()),
            "kinds": {kind: _summed(found) for kind, found in sorted(done.items())},
            "cases": len(load.proposed),
            "closed": len(load.closed),
            "drain_seconds": round(drained, 1),
            **findings,
        }


def possible(faults: tuple[Fault, ...], broken: Breakable) -> tuple[Fault, ...]:
    """Those that can be made here; says which cannot, and why."""
    if broken.disk is None and not ON_DISK.isdisjoint(faults):
        say_on_stderr("a full disk is left out: only root may mount a file system of its own size")
        return tuple(fault for fault in faults if fault not in ON_DISK)
    return faults


def _summed(silences: list[float]) -> dict[str, float]:
    return {
        "times": len(silences),
        "p50": round(sorted(silences)[len(silences) // 2], 1),
        "worst": round(max(silences), 1),
    }


async def _break_things(
    scene: Scene, load: Load, seed: int, seconds: float, faults: tuple[Fault, ...]
) -> dict[str, list[float]]:
    """Both rows of faults at once; for each kind the longest silences of a lane."""
    done: dict[str, list[float]] = {}
    rows = [[fault for fault in row if fault in faults] for row in (WORKERS, AROUND)]
    async with asyncio.TaskGroup() as group:
        for number, row in enumerate(rows):
            if row:
                group.create_task(_one_after_another(scene, load, random.Random(seed + number), seconds, row, done))
    return done


async def _one_after_another(
    scene: Scene, load: Load, chance: random.Random, seconds: float, faults: list[Fault], done: dict[str, list[float]]
) -> None:
    """Each kind once in a shuffled order, then by chance, some more often than others."""
    started = time.monotonic()
    by_chance = faults + [fault for fault in faults if fault in OFTEN] * 2
    waiting = chance.sample(faults, len(faults))
    while time.monotonic() - started < seconds:
        if not waiting:
            waiting = chance.sample(by_chance, len(by_chance))
        fault = waiting.pop()
        began = time.monotonic()
        await fault(scene)
        if fault in WORKERS:
            scene.ensure_alive()
        await asyncio.sleep(CALM_SECONDS * chance.uniform(0.5, 1.5))
        load.check()
        silent = max(stalls(load.outputs, began, time.monotonic(), LANES).values())
        done.setdefault(fault.__name__, []).append(silent)
        say_on_stderr(
            f"{time.monotonic() - started:7.1f} s  {fault.__name__}: longest silence of a lane {silent:.1f} s"
        )


async def _findings(router: Router, load: Load) -> dict[str, Any]:
    problems: list[str] = []
    try:
        await router.settled()
    except TimeoutError:
        problems.append("the router did not come to rest")
    problems += [
        f"{case_id}: proposed and acknowledged, never closed" for case_id in load.proposed if case_id not in load.closed
    ][:20]
    problems += await checker.check(router.stack.bootstrap, router.prefix, load.proposed)
    code, out, err = await router.command("verify", "--json", timeout=120)
    verdict = json.loads(out) if out else {"differences": [err]}
    problems += [f"verify: {difference}" for difference in verdict["differences"][:20]]
    return {
        "problems": problems,
        "verify_code": code,
        "entries": verdict.get("entries"),
        "heads": verdict.get("heads"),
        "tails": verdict.get("tails"),
    }


def main() -> None:
    """Run as the command line says."""
    parser = argparse.ArgumentParser(prog="tests.chaos.run", description=__doc__)
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--rate", type=float, default=10, help="cases a second")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument(
        "--without", action="append", default=[], help="a guard that every worker lacks, to see the checker catch it"
    )
    parser.add_argument("--only", action="append", default=[], help="a fault's name; may be repeated")
    given = parser.parse_args()
    # The load's clients say of every fault what they cannot reach; the findings are what counts.
    logging.disable(logging.CRITICAL)
    faults = tuple(fault for fault in EVERY if fault.__name__ in given.only) or EVERY
    with tempfile.TemporaryDirectory(prefix="noveto-chaos-") as folder, breakable(say_on_stderr) as broken:
        found = asyncio.run(
            chaos(
                broken,
                Path(folder),
                seed=given.seed,
                seconds=given.minutes * 60,
                rate=given.rate,
                workers=given.workers,
                faults=faults,
                without=tuple(given.without),
            )
        )
    print(json.dumps(found, ensure_ascii=False, indent=2))
    raise SystemExit(1 if found["problems"] else 0)


if __name__ == "__main__":
    main()
