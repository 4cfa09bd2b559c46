"""How much the whole router does, and how soon: `python -m tests.bench.throughput`

On a broker and a database of its own, with parties in this process that know only topics, it prints as JSON:

- cases a second with so many in flight, each proposed, escalated, refused and confirmed as told (four commands, eleven messages
  and more), and what of the processor each part of it took;
- milliseconds from a reviewer's decision sent to the decision-maker's task seen by a `read_committed` reader, at so many decisions
  a second.

`--apart` runs intake, desk and relay as a process each, to see what each takes; `--profile FILE` profiles the worker.
"""

import argparse
import asyncio
import contextlib
import json
import os
import re
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, Self

import psutil
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from deploy.local import LocalStack

from ..parties import Data, as_json, case_of, delivered, escalate, event_headers, refusal, refuse
from ..support import Router, Worker, supervised

LANES = 12
WARM_UP_SECONDS = 5.0
STAGES = ("intake", "desk", "relay")
HISTOGRAM = re.compile(r"^(noveto_\w+)_count(\{[^}]*\}|) ", re.MULTILINE)
PROFILED = """
import cProfile, sys
from consumers.cli.main import main
profile = cProfile.Profile()
try:
    profile.runcall(main, ["worker"])
finally:
    profile.dump_stats(sys.argv[1])
"""


class Parties:
    """Window, unit and committee at once, as quick as a client can be: they answer every task as soon as they read it."""

    def __init__(self, router: Router) -> None:
        self._prefix = router.prefix
        bootstrap = router.stack.bootstrap
        self._producer = AIOKafkaProducer(bootstrap_servers=bootstrap, enable_idempotence=True, linger_ms=2)
        self._consumer = AIOKafkaConsumer(
            bootstrap_servers=bootstrap, isolation_level="read_committed", enable_auto_commit=False
        )
        self._topics = ("tier.tasks.bureau", "applicant.replies.windows", "committee.filings.hall")
        self.opened = 0
        self.closed = 0
        self.tasks: dict[str, str] = {}
        """Case → its review task, where they are kept for later."""
        self.waiting: dict[str, float] = {}
        """Case → when its escalation was sent, until the next task is seen."""
        self.seconds: list[float] = []
        self.on_close: Callable[[], None] = lambda: None
        self.keep = False

    async def __aenter__(self) -> Self:
        await self._producer.start()
        await self._consumer.start()
        self._consumer.assign([TopicPartition(self._prefix + topic, n) for topic in self._topics for n in range(LANES)])
        await self._consumer.seek_to_end()
        self._hearing = asyncio.create_task(self._hear())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._hearing.cancel()
        await asyncio.gather(self._hearing, return_exceptions=True)
        await self._consumer.stop()
        await self._producer.stop()

    async def propose(self) -> None:
        """One more case."""
        opening = refusal()
        self.opened += 1
        await self._say("window.refusals.windows", "refusal.proposed", case_of(opening), opening)

    async def escalate(self, case_id: str) -> None:
        """The reviewer's decision, its time taken."""
        task_id = self.tasks.pop(case_id)
        self.waiting[case_id] = time.perf_counter()
        await self._say("tier.decisions.bureau", "tier.decided", case_id, escalate(case_id, task_id))

    async def _say(self, family: str, event_type: str, case_id: str, data: Data) -> None:
        event_id = f"{case_id}/{event_type}/{data.get('taskId', '')}"
        await self._producer.send(
            self._prefix + family, as_json(data), case_id.encode(), headers=event_headers(event_type, event_id)
        )

    async def _hear(self) -> None:
        while True:
            for records in (await self._consumer.getmany(timeout_ms=1000)).values():
                for record in records:
                    await self._heard(dict(record.headers)["ce_type"], record.key.decode(), record.value)

    async def _heard(self, kind: bytes, case_id: str, value: bytes) -> None:
        match kind:
            case b"task.opened":
                if case_id in self.waiting:
                    self.seconds.append(time.perf_counter() - self.waiting.pop(case_id))
                task = json.loads(value)
                if task["tier"] == "decision_maker":
                    if not self.keep:
                        answer = refuse(case_id, task["taskId"])
                        await self._say("tier.decisions.bureau", "tier.decided", case_id, answer)
                elif self.keep:
                    self.tasks[case_id] = task["taskId"]
                else:
                    await self._say("tier.decisions.bureau", "tier.decided", case_id, escalate(case_id, task["taskId"]))
            case b"reply.issued":
                reply = json.loads(value)
                told = delivered(case_id, reply["replyId"])
                await self._say("window.refusals.windows", "reply.delivered", case_id, told)
            case b"filing.tail":
                self.closed += 1
                self.on_close()


def steps(workers: dict[str, Worker]) -> dict[str, tuple[float, float]]:
    """(sum, count) of each step's histogram, as the workers' metrics have them."""
    found: dict[str, tuple[float, float]] = {}
    for worker in workers.values():
        text = worker.get("/metrics")
        for name, phase in HISTOGRAM.findall(text):
            total = re.search(rf"^{name}_sum{re.escape(phase)} (\S+)$", text, re.MULTILINE)
            count = re.search(rf"^{name}_count{re.escape(phase)} (\S+)$", text, re.MULTILINE)
            if total and count:
                found[f"{name.removeprefix('noveto_')}{phase}"] = float(total[1]), float(count[1])
    return found


def means(before: dict[str, tuple[float, float]], after: dict[str, tuple[float, float]]) -> dict[str, Any]:
    """The mean of each step between two looks: milliseconds, or as many as it took at once."""
    found = {}
    for name, (total, count) in sorted(after.items()):
        earlier = before.get(name, (0.0, 0.0))
        times = count - earlier[1]
        if times:
            scale = 1000 if "seconds" in name else 1
            found[name] = {"mean": round((total - earlier[0]) / times * scale, 2), "times": int(times)}
    return found


def processor_seconds(stack: LocalStack, workers: dict[str, Worker]) -> dict[str, float]:
    """What each process has taken of the processor so far."""
    assert stack.kafka.pid is not None
    assert stack.postgres.pid is not None
    server = psutil.Process(stack.postgres.pid)
    pids = {"broker": [stack.kafka.pid], "parties": [os.getpid()]}
    pids |= {name: [worker.process.pid] for name, worker in workers.items()}
    pids["database"] = [server.pid, *(child.pid for child in server.children())]
    return {name: sum(_of(pid) for pid in of) for name, of in pids.items()}


def _of(pid: int) -> float:
    try:
        times = psutil.Process(pid).cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(times.user + times.system)


@contextlib.asynccontextmanager
async def kept_in_flight(parties: Parties, cases: int) -> AsyncIterator[None]:
    """So many cases open at any time, a new one proposed for each that closes; in the end all are closed."""
    room = asyncio.Semaphore(cases)
    parties.on_close = room.release

    async def propose() -> None:
        while True:
            await room.acquire()
            await parties.propose()

    proposing = asyncio.create_task(propose())
    try:
        yield
    finally:
        proposing.cancel()
    while parties.closed < parties.opened:
        await asyncio.sleep(0.1)


async def throughput(router: Router, workers: dict[str, Worker], in_flight: int, seconds: float) -> dict[str, Any]:
    """Cases a second with so many in flight, after a while of warming up."""
    async with Parties(router) as parties, kept_in_flight(parties, in_flight):
        await asyncio.sleep(WARM_UP_SECONDS)
        seen = steps(workers)
        before, spent, began = parties.closed, processor_seconds(router.stack, workers), time.perf_counter()
        await asyncio.sleep(seconds)
        closed, took = parties.closed - before, time.perf_counter() - began
        after, looked = processor_seconds(router.stack, workers), steps(workers)
        return {
            "in_flight": in_flight,
            "cases_a_second": round(closed / took, 1),
            "processor_milliseconds_a_case": {
                name: round((after[name] - spent[name]) / max(1, closed) * 1000, 2) for name in after
            },
            "steps": means(seen, looked),
        }


async def latency(router: Router, rate: float, seconds: float) -> dict[str, Any]:
    """Milliseconds from decision sent to next task seen, at so many decisions a second."""
    async with Parties(router) as parties:
        parties.keep = True
        count = int(rate * seconds)
        for _ in range(count):
            await parties.propose()
        while len(parties.tasks) < count:
            await asyncio.sleep(0.1)
        began = time.perf_counter()
        for number, case_id in enumerate(list(parties.tasks)):
            await asyncio.sleep(max(0.0, began + number / rate - time.perf_counter()))
            await parties.escalate(case_id)
        while parties.waiting:
            await asyncio.sleep(0.05)
        found = sorted(parties.seconds)
        return {
            "decisions_a_second": rate,
            "decisions": len(found),
            "milliseconds": {f"p{share}": round(found[len(found) * share // 100] * 1000, 1) for share in (50, 90, 99)},
        }


async def measure(given: argparse.Namespace) -> dict[str, Any]:
    """All of it on one stack."""
    with (
        tempfile.TemporaryDirectory(prefix="noveto-bench-") as folder,
        LocalStack() as stack,
        supervised(Path(folder)) as supervisor,
    ):
        router = Router(stack, supervisor, Path(folder), "bench", lanes=LANES)
        await router.prepare()
        launched = [sys.executable, "-c", PROFILED, str(given.profile)] if given.profile else None
        workers = (
            {stage: router.worker(f"bench-{stage}", (stage,)) for stage in STAGES}
            if given.apart
            else {"router": router.worker(launched=launched)}
        )
        await asyncio.gather(*(worker.ready() for worker in workers.values()))
        figures: dict[str, Any] = {"load_average_before": os.getloadavg()[0]}
        figures["throughput"] = [
            await throughput(router, workers, in_flight, given.seconds) for in_flight in given.in_flight
        ]
        figures["latency"] = [await latency(router, rate, given.seconds) for rate in given.rate]
        for worker in workers.values():
            worker.stop()
        return figures


def main() -> None:
    """Print the figures as JSON."""
    parser = argparse.ArgumentParser(prog="tests.bench.throughput", description=__doc__)
    parser.add_argument("--in-flight", type=int, nargs="*", default=[200, 1000])
    parser.add_argument("--rate", type=float, nargs="*", default=[20, 60], help="decisions a second")
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--apart", action="store_true", help="intake, desk and relay as a process each")
    parser.add_argument("--profile", type=Path, help="write the worker's profile (cProfile) there")
    print(json.dumps(asyncio.run(measure(parser.parse_args())), indent=2))


if __name__ == "__main__":
    main()
