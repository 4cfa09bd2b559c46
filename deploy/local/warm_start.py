"""Java's start-up cache: what the broker loads each time, loaded once and kept; it halves the work of a start."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import time
from pathlib import Path

from deploy.local.errors import LocalStackError
from deploy.local.identity import Identity
from deploy.local.installation import Installation
from deploy.local.jars import Say
from deploy.local.kafka import KafkaServer
from deploy.local.locks import exclusive
from deploy.local.supervisor import Supervisor

OLDEST_JAVA = 25  # the first whose cache needs no other archive and is made in one run
STOP_SECONDS = 180.0


def warmed(installation: Installation, cache_dir: Path, supervisor: Supervisor, say: Say) -> Installation:
    """The installation with its start-up cache, made now if this is the first time; as it is where Java has none.

    Java checks the cache against itself and the jars, and does without one that does not fit.
    """
    if installation.java.major < OLDEST_JAVA:
        return installation
    cache = cache_dir / f"start-{installation.java.version}.aot"
    failure = cache.with_suffix(".failed")
    with exclusive(cache.with_suffix(".lock"), say):
        if not cache.exists() and not failure.exists():
            say("preparing Kafka's quick start ... about 15 s, once")
            started = time.monotonic()
            try:
                _record(installation, cache, supervisor)
                say(f"prepared Kafka's quick start in {time.monotonic() - started:.0f} s")
            except LocalStackError as error:
                # the broker starts without it, only slower: say so once and go on
                failure.write_text(str(error))
                say(f"Kafka starts without a quick start; why is in {failure}")
    return installation.with_option(f"-XX:AOTCache={cache}") if cache.exists() else installation


def _record(installation: Installation, cache: Path, supervisor: Supervisor) -> None:
    home = Path(tempfile.mkdtemp(prefix="noveto-warm-start-"))
    draft = cache.with_suffix(".part")
    try:
        log_path = home / "kafka.log"
        broker = KafkaServer(supervisor, installation, home, log_path, Identity.of(home), {})
        try:
            process = broker.rehearse(installation.with_option(f"-XX:AOTCacheOutput={draft}"))
            process.signal(signal.SIGTERM)  # Java writes the cache as it ends
            if not process.wait(STOP_SECONDS):
                raise LocalStackError("prepare Kafka's quick start", f"not done in {STOP_SECONDS:.0f} s", log_path)
        finally:
            broker.kill()
        if not draft.exists():
            raise LocalStackError("prepare Kafka's quick start", "Java wrote no cache", log_path)
        os.replace(draft, cache)
    finally:
        draft.unlink(missing_ok=True)
        shutil.rmtree(home, ignore_errors=True)
