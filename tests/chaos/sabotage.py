"""A worker with one thing broken on purpose: `python -m tests.chaos.sabotage <plan as JSON> -- worker`.

The plan names where it kills itself (`kill`: a label and the how-manieth passage), what it drops or repeats between delivery and desk
(`drop`, `repeat`: shares), or which guard it lacks (`without`): to see whether the checker catches that.
"""

import asyncio
import json
import os
import random
import signal
import sys
from collections.abc import Callable
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from consumers import intake, ledger, publishing, relay
from consumers.desk import Desk

LABELS = (
    "before load",
    "after load",
    "before append",
    "after append",
    "before publish",
    "after publish",
    "before kafka commit",
    "after kafka commit",
    "before forward",
    "after forward",
    "before acknowledge",
    "after acknowledge",
)


class Killer:
    """Counts passages of one label, and ends the process at the chosen one as a power cut would."""

    def __init__(self, label: str, passage: int) -> None:
        self._label = label
        self._left = passage

    def passes(self, label: str) -> None:
        """The process passes a place."""
        if label == self._label:
            self._left -= 1
            if self._left == 0:
                os.kill(os.getpid(), signal.SIGKILL)


def install_killer(killer: Killer) -> None:
    """Put the labels around the steps of intake, desk and relay."""
    _around(ledger, "load", "load", killer)
    _around(ledger, "append", "append", killer)
    _around(publishing.Publisher, "_send", "publish", killer)
    _around(AIOKafkaProducer, "commit_transaction", "kafka commit", killer)
    _around(intake.Intake, "_send", "forward", killer)
    _around(AIOKafkaConsumer, "commit", "acknowledge", killer)


def _around(owner: Any, name: str, label: str, killer: Killer) -> None:
    inner = getattr(owner, name)

    async def wrapped(*arguments: Any, **named: Any) -> Any:
        killer.passes(f"before {label}")
        result = await inner(*arguments, **named)
        killer.passes(f"after {label}")
        return result

    setattr(owner, name, wrapped)


def install_noise(drop: float, repeat: float, seed: int) -> None:
    """Lose and repeat deliveries between Faust and the desk: the next-offset rule has to heal both."""
    chance = random.Random(seed)
    put = Desk.put

    async def noisy(self: Desk, lane: int, delivered: Any) -> None:
        if chance.random() < drop:
            return
        await put(self, lane, delivered)
        if chance.random() < repeat:
            await put(self, lane, delivered)

    Desk.put = noisy  # type: ignore[method-assign]


def remove_fencing() -> None:
    """Nobody notices that another has the lane: epochs are not compared, and no transactional id is shared."""
    inner = ledger.apply

    async def unfenced(connection: Any, state: Any, *rest: Any, **named: Any) -> Any:
        row = await connection.fetchrow("select epoch, next_seq, last_hash from lanes where lane = $1", state.lane)
        state.epoch, state.next_seq, state.last_hash = row["epoch"], row["next_seq"], row["last_hash"]
        await connection.execute("update lanes set next_offset = $2 where lane = $1", state.lane, state.next_offset)
        return await inner(connection, state, *rest, **named)

    ledger.apply = unfenced
    start = AIOKafkaProducer.__init__

    def unshared(self: Any, *arguments: Any, **named: Any) -> None:
        if named.get("transactional_id"):
            named["transactional_id"] += f".{os.getpid()}"
        start(self, *arguments, **named)

    AIOKafkaProducer.__init__ = unshared

    async def ours(self: Any, number: int, epoch: int) -> None:
        return None

    relay.Relay._still_ours = ours  # type: ignore[method-assign]
    slow_loser()


def slow_loser() -> None:
    """A worker that has lost its session goes on for a while before it lets its lanes go: harmless, as long as it is fenced."""
    inner = relay.Relay._let_everything_go

    async def later(self: relay.Relay) -> None:
        await asyncio.sleep(3)
        await inner(self)

    relay.Relay._let_everything_go = later  # type: ignore[method-assign]


def remove_next_offset() -> None:
    """Whatever is delivered is taken, whether or not it follows."""

    def accept(next_offset: int, delivered: Any) -> Any:
        last = max((one.offset for one in delivered), default=next_offset - 1)
        return list(delivered), max(next_offset, last + 1), False

    ledger.accept = accept
    ledger._without_replays = lambda known, accepted: (list(accepted), {})


def remove_position_from_transaction() -> None:
    """The position goes to the broker before the messages, by itself."""
    send = AIOKafkaProducer.send_offsets_to_transaction
    commit = AIOKafkaProducer.commit_transaction

    async def later(self: Any, offsets: Any, group: str) -> None:
        self._kept_for_later = (offsets, group)

    async def commit_then_position(self: Any) -> None:
        await commit(self)
        kept = getattr(self, "_kept_for_later", None)
        if kept is not None:
            self._kept_for_later = None
            await asyncio.sleep(0.2)
            await self.begin_transaction()
            await send(self, *kept)
            await commit(self)

    AIOKafkaProducer.send_offsets_to_transaction = later
    AIOKafkaProducer.commit_transaction = commit_then_position


def remove_durable_before_commit() -> None:
    """Intake commits what it has read before its commands are on the log."""
    getmany = AIOKafkaConsumer.getmany

    async def hasty(self: Any, *partitions: Any, **named: Any) -> Any:
        found = await getmany(self, *partitions, **named)
        if found and self._group_id and self._group_id.endswith(intake.GROUP):
            await self.commit({tp: records[-1].offset + 1 for tp, records in found.items()})
            await asyncio.sleep(0.05)
        return found

    AIOKafkaConsumer.getmany = hasty


def remove_looking_at_futures() -> None:
    """Sends that fail are not noticed: every 200th message is larger than the producer may send."""
    send_batches = publishing.Publisher._send_batches
    count = {"n": 0}

    async def blind(self: Any, lane: Any, topic: str, records: Any) -> list[Any]:
        count["n"] += 1
        if count["n"] % 50 == 0 and ".filings." in topic:
            return []
        return await send_batches(self, lane, topic, records)

    publishing.Publisher._send_batches = blind  # type: ignore[method-assign]


MUTATE: dict[str, Callable[[], None]] = {
    "promptness": slow_loser,
    "fencing": remove_fencing,
    "next offset": remove_next_offset,
    "position in transaction": remove_position_from_transaction,
    "durable before commit": remove_durable_before_commit,
    "looking at futures": remove_looking_at_futures,
}


def main() -> None:
    """Install the plan and run the command."""
    plan = json.loads(sys.argv[1])
    if plan.get("kill"):
        install_killer(Killer(*plan["kill"]))
    if plan.get("drop") or plan.get("repeat"):
        install_noise(plan.get("drop", 0.0), plan.get("repeat", 0.0), plan.get("seed", 0))
    for guard in plan.get("without", ()):
        MUTATE[guard]()
    from consumers.cli.main import main as noveto

    sys.argv = ["noveto", *sys.argv[3:]]
    noveto()


if __name__ == "__main__":
    main()
