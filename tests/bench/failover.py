"""How long lanes stand still when a worker goes: `python -m tests.bench.failover --times 20`.

One of two workers is killed with -9 (or asked to stop), and is not started again until its lanes have had an output elsewhere.
"""

import argparse
import asyncio
import json
import logging
import os
import re
import tempfile
import time
from pathlib import Path
from typing import Any

from deploy.local import LocalStack

from ..chaos.load import Load, first_output, stalls
from ..support import LANES, Router, Worker, supervised

RATE = 20.0
LONGEST_SECONDS = 40.0
OWNED = re.compile(r"noveto_lane_owned\{[^}]*\} 1\.0")


def lanes_of(worker: Worker) -> set[int]:
    """The lanes whose commands this worker decides."""
    owned = [line for line in OWNED.findall(worker.get("/metrics")) if 'stage="desk"' in line]
    return {int(match[1]) for line in owned if (match := re.search(r'lane="(\d+)"', line))}


async def go_and_come(load: Load, workers: list[Worker], how: str, turn: int) -> dict[str, float]:
    """One worker goes; seconds until its lanes had an output for what was asked since, and how long other lanes were silent."""
    worker, other = workers[turn % 2], workers[1 - turn % 2]
    gone, stayed = lanes_of(worker), lanes_of(other)
    began = time.monotonic()
    await asyncio.to_thread(worker.kill if how == "kill" else worker.stop)
    while (moved := first_output(load.outputs, began, gone)) is None:
        if time.monotonic() - began > LONGEST_SECONDS:
            raise TimeoutError(f"lanes {gone} had no output within {LONGEST_SECONDS:.0f} s")
        await asyncio.sleep(0.1)
    silent = stalls(load.outputs, began, time.monotonic(), LANES)
    worker.start()
    await worker.ready()
    await asyncio.sleep(3)
    return {"moved": moved, "others": max((silent[lane] for lane in stayed), default=0.0)}


def summed(found: list[dict[str, float]]) -> dict[str, Any]:
    """p50 and worst of each figure."""
    return {
        name: {
            "p50": round(sorted(one[name] for one in found)[len(found) // 2], 2),
            "worst": round(max(one[name] for one in found), 2),
        }
        for name in ("moved", "others")
    }


async def measure(times: int) -> dict[str, Any]:
    """Both ways of going, so many times each."""
    figures: dict[str, Any] = {"load_average_before": os.getloadavg()[0]}
    with (
        tempfile.TemporaryDirectory(prefix="noveto-failover-") as folder,
        LocalStack() as stack,
        supervised(Path(folder)) as supervisor,
    ):
        router = Router(stack, supervisor, Path(folder), "failover")
        await router.prepare()
        workers = [router.worker(f"failover-{number}") for number in (1, 2)]
        await asyncio.gather(*(worker.ready() for worker in workers))
        async with Load(stack.bootstrap, router.prefix, LANES, RATE) as load:
            await asyncio.sleep(3)
            for how in ("kill", "term"):
                found = [await go_and_come(load, workers, how, turn) for turn in range(times)]
                figures[how] = {"times": len(found), **summed(found)}
            await load.drain(60)
            figures["cases"], figures["closed"] = len(load.proposed), len(load.closed)
        for worker in workers:
            worker.stop()
    return figures


def main() -> None:
    """Print the figures as JSON: seconds."""
    parser = argparse.ArgumentParser(prog="tests.bench.failover", description=__doc__)
    parser.add_argument("--times", type=int, default=20)
    given = parser.parse_args()
    logging.disable(logging.CRITICAL)
    print(json.dumps(asyncio.run(measure(given.times)), indent=2))


if __name__ == "__main__":
    main()
