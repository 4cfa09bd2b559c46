"""`python -m tests.bench.fuzz`: 100,000 messages against intake; nothing crashes, nothing is lost, memory stays flat."""

import argparse
import gc
import time
from collections import Counter
from random import Random

import psutil

from consumers.sealing import KeyRing

from ..fuzz import account_for, messages, reference

MIB = 1024 * 1024


def main() -> None:
    """Run, and print what was found; an error ends it with the message's number."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=2016224)
    given = parser.parse_args()
    keys = KeyRing((("k1", bytes(32)),))
    process = psutil.Process()
    verdicts: Counter[str] = Counter()
    resident: list[float] = []
    started = time.perf_counter()
    for offset, message in enumerate(messages(Random(given.seed), given.messages)):
        try:
            verdicts[account_for(message, offset, keys, reference())] += 1
        except Exception as error:
            raise SystemExit(f"message {offset} of seed {given.seed}: {type(error).__name__}: {error}") from error
        if offset % (given.messages // 10) == 0:
            gc.collect()
            resident.append(process.memory_info().rss / MIB)
    seconds = time.perf_counter() - started
    print(f"{verdicts.total()} messages in {seconds:.0f} s, none lost, none crashed")
    for verdict, count in verdicts.most_common():
        print(f"  {verdict:20}{count:8}")
    print("resident MiB, ten times along the way:", *(f"{size:.0f}" for size in resident))


if __name__ == "__main__":
    main()
