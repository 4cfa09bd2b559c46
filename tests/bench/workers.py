"""What two, then four workers do, and how long a lane stands still while they come and go: `python -m tests.bench.workers`.

A lane stands still while commands lie on `case.commands` for it and nothing committed comes of them on `case.events`.
"""

import argparse
import asyncio
import json
import os
import tempfile
import time
from pathlib import Path
from typing import Any, Self

from aiokafka import AIOKafkaConsumer, TopicPartition

from deploy.local import LocalStack

from ..support import Router, Worker, supervised
from .throughput import LANES, WARM_UP_SECONDS, Parties, kept_in_flight, throughput

LOOK_SECONDS = 0.2


class LaneWatch:
    """Reads `case.events` from outside, and remembers each lane's longest silence while there was work for it, in seconds."""

    def __init__(self, router: Router) -> None:
        self._events = [TopicPartition(f"{router.prefix}case.events", lane) for lane in range(LANES)]
        self._commands = [TopicPartition(f"{router.prefix}case.commands", lane) for lane in range(LANES)]
        self._consumer = AIOKafkaConsumer(
            bootstrap_servers=router.stack.bootstrap, isolation_level="read_committed", enable_auto_commit=False
        )
        self.longest = dict.fromkeys(range(LANES), 0.0)

    async def __aenter__(self) -> Self:
        await self._consumer.start()
        self._consumer.assign(self._events)
        await self._consumer.seek_to_beginning()
        self._watching = asyncio.create_task(self._watch())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._watching.cancel()
        await asyncio.gather(self._watching, return_exceptions=True)
        await self._consumer.stop()

    async def _watch(self) -> None:
        decided = dict.fromkeys(range(LANES), 0)
        heard = dict.fromkeys(range(LANES), time.monotonic())
        while True:
            found = await self._consumer.getmany(timeout_ms=int(LOOK_SECONDS * 1000))
            ends = {tp.partition: end for tp, end in (await self._consumer.end_offsets(self._commands)).items()}
            now = time.monotonic()
            for tp, records in found.items():
                offsets = [json.loads(record.value).get("offset", -1) for record in records]
                decided[tp.partition] = max(decided[tp.partition], max(offsets) + 1)
                self._silent(tp.partition, now - heard[tp.partition])
                heard[tp.partition] = now
            for lane in range(LANES):
                if ends[lane] <= decided[lane]:
                    heard[lane] = now
                self._silent(lane, now - heard[lane])

    def _silent(self, lane: int, seconds: float) -> None:
        self.longest[lane] = max(self.longest[lane], seconds)


async def come_and_go(router: Router, guests: list[Worker], in_flight: int, moves: int) -> dict[str, Any]:
    """Under load these workers in turn are asked to stop, or killed, and come back; how long each lane stood still."""
    async with Parties(router) as parties, kept_in_flight(parties, in_flight), LaneWatch(router) as watch:
        await asyncio.sleep(WARM_UP_SECONDS)
        for move in range(moves):
            guest = guests[move % len(guests)]
            await asyncio.to_thread(guest.kill if move % 2 else guest.stop)
            await asyncio.sleep(WARM_UP_SECONDS)
            guest.start()
            await guest.ready()
        longest = {lane: round(found, 1) for lane, found in watch.longest.items()}
    return {"moves": moves, "longest_silence_of_a_lane_seconds": longest}


async def measure(given: argparse.Namespace) -> dict[str, Any]:
    """All of it on one stack."""
    with (
        tempfile.TemporaryDirectory(prefix="noveto-workers-") as folder,
        LocalStack() as stack,
        supervised(Path(folder)) as supervisor,
    ):
        router = Router(stack, supervisor, Path(folder), "workers", lanes=LANES)
        await router.prepare()
        figures: dict[str, Any] = {"load_average_before": os.getloadavg()[0], "throughput": {}}
        workers: dict[str, Worker] = {}
        for count in given.workers:
            for number in range(len(workers) + 1, count + 1):
                workers[f"worker-{number}"] = router.worker(f"workers-{number}")
            await asyncio.gather(*(worker.ready() for worker in workers.values()))
            found = await throughput(router, workers, given.in_flight, given.seconds)
            figures["throughput"][count] = found["cases_a_second"]
        figures["come_and_go"] = await come_and_go(
            router, list(workers.values())[1:], given.in_flight // 10, given.moves
        )
        for worker in workers.values():
            worker.stop()
        return figures


def main() -> None:
    """Print the figures as JSON."""
    parser = argparse.ArgumentParser(prog="tests.bench.workers", description=__doc__)
    parser.add_argument("--workers", type=int, nargs="*", default=[1, 2, 4], help="how many at a time, growing")
    parser.add_argument("--in-flight", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--moves", type=int, default=10, help="how often one goes and comes back")
    print(json.dumps(asyncio.run(measure(parser.parse_args())), indent=2))


if __name__ == "__main__":
    main()
