"""The restore drill: a dump, more traffic, a crash, the older dump restored, and the database made whole from `case.events`.

`python -m tests.chaos.restore` prints each step and how long it took; docs/restore.md tells an operator the same.
"""

import asyncio
import json
import logging
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import asyncpg

from deploy.local import LocalStack
from deploy.local.account import reachable_installation

from ..support import LANES, Router, supervised, wait_until
from . import checker
from .load import Load

PG_BIN = reachable_installation(None) / "bin"
RATE = 15.0


def say(started: float, what: str) -> None:
    """One step, and when."""
    sys.stderr.write(f"{time.monotonic() - started:6.1f} s  {what}\n")
    sys.stderr.flush()


def dump(router: Router, file: Path) -> None:
    """pg_dump, as an operator would take one."""
    subprocess.run(
        [PG_BIN / "pg_dump", "--format=custom", f"--file={file}", router.settings.postgres_dsn.get_secret_value()],
        check=True,
    )


async def restore(router: Router, file: Path) -> None:
    """The older dump into a new database of the same name."""
    connection = await asyncpg.connect(router.stack.postgres.superuser_dsn)
    await connection.execute(f'drop database "{router.database}" with (force)')
    await connection.execute(f'create database "{router.database}" owner noveto')
    await connection.close()
    target = f"--dbname={router.settings.postgres_dsn.get_secret_value()}"
    await asyncio.to_thread(subprocess.check_call, [PG_BIN / "pg_restore", "--no-owner", target, file])


async def drill(stack: LocalStack, folder: Path, seconds: float = 6.0) -> dict[str, Any]:
    """The whole drill; what it found, and how long the rebuilding took."""
    started = time.monotonic()
    with supervised(folder) as supervisor:
        router = Router(stack, supervisor, folder, "restore")
        await router.prepare()
        worker = await router.worker().ready()
        file = folder / "older.dump"
        async with Load(stack.bootstrap, router.prefix, LANES, RATE) as load:
            await asyncio.sleep(seconds)
            await asyncio.to_thread(dump, router, file)
            say(started, f"dumped, {len(load.closed)} cases closed so far")
            await asyncio.sleep(seconds)
            worker.kill()
            say(started, f"the worker was killed, {len(load.closed)} cases closed; the database is lost")
            await restore(router, file)
            say(started, "the older dump is restored; the worker starts")
            worker.start()
            # Lanes whose journal lacks what was published stop, and say so, instead of publishing it a second time.
            await asyncio.to_thread(
                wait_until, lambda: "older database was restored" in worker.log.read_text(), 60, "no lane stopped"
            )
            say(started, "lanes stopped: the journal is older than case.events")
            began = time.monotonic()
            code, out, err = await router.command("rebuild", "--from-events", timeout=300)
            rebuilt = time.monotonic() - began
            say(started, f"rebuilt in {rebuilt:.1f} s: {out.decode().splitlines()[-1] if out else err}")
            await load.drain(120)
            say(started, f"{len(load.closed)} of {len(load.proposed)} cases closed")
        await router.settled()
        verify, verdict, _ = await router.command("verify", "--json", timeout=120)
        problems = await checker.check(stack.bootstrap, router.prefix, load.proposed)
        worker.stop()
        return {
            "cases": len(load.proposed),
            "closed": len(load.closed),
            "rebuild_code": code,
            "rebuild_seconds": round(rebuilt, 1),
            "verify_code": verify,
            "differences": json.loads(verdict)["differences"][:10],
            "problems": problems,
        }


def main() -> None:
    """Run the drill on a stack of its own."""
    logging.disable(logging.CRITICAL)
    with tempfile.TemporaryDirectory(prefix="noveto-restore-") as folder, LocalStack() as stack:
        found = asyncio.run(drill(stack, Path(folder)))
    print(json.dumps(found, ensure_ascii=False, indent=2))
    raise SystemExit(
        0 if not found["problems"] and not found["differences"] and found["cases"] == found["closed"] else 1
    )


if __name__ == "__main__":
    main()
