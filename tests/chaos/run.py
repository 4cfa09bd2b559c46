"""The chaos suite as a program: `python -m tests.chaos.run --minutes 20 --seed 7`. What it does follows from the seed.

While cases are proposed and answered, faults come one after another; afterwards every stage has to come to rest, and the
checker counts on the topics, from outside. The exit code is 0 only if nothing was lost, doubled, or out of order.
"""

import argparse
import asyncio
import json
import logging
import random
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from deploy.local import LocalStack

from ..support import LANES, Router, supervised
from . import checker
from .faults import EVERY, QUICK, SLOW, Fault, Scene
from .load import Load, stalls
from .proxy import Proxy

CALM_SECONDS = 4.0
DRAIN_SECONDS = 120.0


async def chaos(
    stack: LocalStack,
    folder: Path,
    *,
    seed: int,
    seconds: float,
    rate: float,
    faults: tuple[Fault, ...] | None = None,
    workers: int = 2,
    without: tuple[str, ...] = (),
    name: str = "chaos",
) -> dict[str, Any]:
    """One run; the findings of the checker, and the longest stall after each kind of fault."""
    chance = random.Random(seed)
    with supervised(folder) as supervisor:
        router = Router(stack, supervisor, folder, name)
        await router.prepare()
        address = stack.postgres_dsn.rsplit("@", 1)[1].split("/", 1)[0]
        host, port = address.split(":")
        async with Proxy(host, int(port)) as proxy:
            scene = Scene(router, proxy, chance, without=without)
            for number in range(1, workers + 1):
                scene.start(f"{name}-{number}")
            await asyncio.gather(*(worker.ready() for worker in scene.workers))
            async with Load(stack.bootstrap, router.prefix, LANES, rate) as load:
                done = await _break_things(scene, load, chance, seconds, faults)
                scene.ensure_alive()
                drained = await load.drain(DRAIN_SECONDS)
            findings = await _findings(router, load)
            worst = {
                kind: {
                    "times": len(found),
                    "worst": round(max(found), 1),
                    "p50": round(sorted(found)[len(found) // 2], 1),
                }
                for kind, found in done.items()
            }
            return {
                "seed": seed,
                "faults": sum(len(found) for found in done.values()),
                "stalls": worst,
                "cases": len(load.proposed),
                "closed": len(load.closed),
                "drain_seconds": round(drained, 1),
                **findings,
            }


async def _break_things(
    scene: Scene, load: Load, chance: random.Random, seconds: float, faults: tuple[Fault, ...] | None
) -> dict[str, list[float]]:
    """Faults, one after another: each kind once in a shuffled order, then by chance, quick ones more often."""
    done: dict[str, list[float]] = {}
    started = time.monotonic()
    waiting = list(faults if faults is not None else EVERY)
    chance.shuffle(waiting)
    while time.monotonic() - started < seconds:
        if not waiting:
            waiting = (
                [chance.choice(QUICK) for _ in range(6)] + [chance.choice(SLOW)] if faults is None else list(faults)
            )
            chance.shuffle(waiting)
        fault = waiting.pop()
        began = time.monotonic()
        await fault(scene)
        scene.ensure_alive()
        await asyncio.sleep(CALM_SECONDS * chance.uniform(0.5, 1.5))
        scene.ensure_alive()
        load.check()
        stalled = max(stalls(load.outputs, began, time.monotonic(), LANES).values())
        done.setdefault(fault.__name__, []).append(stalled)
        sys.stderr.write(
            f"{time.monotonic() - started:7.1f} s  {fault.__name__}: longest silence of a lane {stalled:.1f} s\n"
        )
        sys.stderr.flush()
    return done


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
    parser.add_argument("--rate", type=float, default=20, help="cases a second")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument(
        "--without", action="append", default=[], help="a guard that every worker lacks, to see the checker catch it"
    )
    parser.add_argument("--only", action="append", default=[], help="a fault's name; may be repeated")
    given = parser.parse_args()
    # The load's clients say of every fault what they cannot reach; the findings are what counts.
    logging.disable(logging.CRITICAL)
    faults = tuple(fault for fault in EVERY if fault.__name__ in given.only) or None
    with tempfile.TemporaryDirectory(prefix="noveto-chaos-") as folder, LocalStack() as stack:
        found = asyncio.run(
            chaos(
                stack,
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
