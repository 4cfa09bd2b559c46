"""`python -m deploy.demo.party --lines FILE --bootstrap HOST:PORT [--login FILE --ca FILE]`: one party, until SIGTERM."""

import argparse
import asyncio
import signal
from pathlib import Path

from deploy.demo.party.lines import Lines
from deploy.demo.party.login import connection
from deploy.demo.party.software import Software


async def work(lines: Lines, bootstrap: str, login: Path | None, ca: Path | None) -> None:
    """Work until somebody says stop."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await Software(lines, connection(bootstrap, login, ca)).run(stop)


def main() -> None:
    """Read the command line and work."""
    parser = argparse.ArgumentParser(prog="deploy.demo.party", description=__doc__)
    parser.add_argument("--lines", type=Path, required=True, help="what this party's people will say (JSON)")
    parser.add_argument("--bootstrap", required=True, help="the broker's address")
    parser.add_argument("--login", type=Path, help="this party's name and password, in a file of its own")
    parser.add_argument("--ca", type=Path, help="the certificate of the authority that the broker's is checked by")
    given = parser.parse_args()
    asyncio.run(work(Lines.load(given.lines), given.bootstrap, given.login, given.ca))


if __name__ == "__main__":
    main()
