"""The broker's jars: resolved once from Maven Central, checked, and kept in the user's cache."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import platformdirs

from deploy.local.errors import LocalStackError
from deploy.local.locks import exclusive

KAFKA_VERSION = "4.3.1"
# Without the pin of kafka-clients the resolver picks an old one.
COORDINATES = (
    f"org.apache.kafka:kafka_2.13:{KAFKA_VERSION}",
    f"org.apache.kafka:kafka-clients:{KAFKA_VERSION}",
    f"org.apache.kafka:kafka-tools:{KAFKA_VERSION}",
    "org.apache.logging.log4j:log4j-slf4j-impl:2.24.3",
)
MANIFEST = "manifest.json"
ATTEMPTS = 3

Say = Callable[[str], None]


def kafka_jars(say: Say, cache_dir: Path | None = None) -> tuple[Path, tuple[Path, ...]]:
    """The cache's directory and the broker's jars, from the cache or, the first time, from Maven Central.

    A cache counts only once its manifest is written, which happens last, and only while every jar still has the size
    the manifest says; anything else is thrown away and resolved anew. A lock lets one process resolve while others wait.
    """
    home = (cache_dir or cache_home()) / f"kafka-{KAFKA_VERSION}-{_key()}"
    jars = kept_jars(home)
    if jars is None:
        with exclusive(home.with_name(f"{home.name}.lock"), say):
            jars = kept_jars(home) or _resolve(home, say)
    return home, tuple(jars)


def cache_home() -> Path:
    """Where this user's caches of the local stack live."""
    return Path(platformdirs.user_cache_dir("noveto"))


def _key() -> str:
    return hashlib.sha256("+".join(COORDINATES).encode()).hexdigest()[:12]


def kept_jars(home: Path) -> list[Path] | None:
    """The jars of a cache that is whole, or None."""
    try:
        manifest = json.loads((home / MANIFEST).read_bytes())
        jars = [(home / entry["path"], entry["size"]) for entry in manifest["jars"]]
        whole = all(path.stat().st_size == size for path, size in jars)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return [path for path, _ in jars] if whole and jars else None


def _resolve(home: Path, say: Say) -> list[Path]:
    say(f"resolving Kafka {KAFKA_VERSION} from Maven Central ... about 40 s the first time")
    started = time.monotonic()
    for attempt in range(1, ATTEMPTS + 1):
        # A download cut short leaves part of a file under its final name: start from nothing.
        shutil.rmtree(home, ignore_errors=True)
        try:
            jars = _download(home, say)
            break
        except Exception as error:
            # whatever the resolver met (a time-out, a checksum, a refusal), it is worth another try
            if attempt == ATTEMPTS:
                raise LocalStackError(
                    "resolve Kafka",
                    f"{type(error).__name__}: {error}\nThe broker's jars come from Maven Central the first time: "
                    f"is it reachable from here? (a mirror goes into jgo's configuration file)",
                ) from error
            say(f"resolving Kafka {KAFKA_VERSION} failed ({error}); trying again")
    entries = [{"path": str(jar.relative_to(home)), "size": jar.stat().st_size} for jar in jars]
    draft = home / f"{MANIFEST}.part"
    draft.write_text(json.dumps({"coordinates": COORDINATES, "jars": entries}, indent=1))
    os.replace(draft, home / MANIFEST)
    say(f"resolved Kafka {KAFKA_VERSION}: {len(jars)} jars in {time.monotonic() - started:.0f} s, kept in {home}")
    return jars


def _download(home: Path, say: Say) -> list[Path]:
    from jgo.config import GlobalSettings
    from jgo.constants import MAVEN_CENTRAL_URL
    from jgo.maven import MavenContext

    remotes = {**GlobalSettings.load().repositories}
    remotes.setdefault("central", MAVEN_CENTRAL_URL)
    context = MavenContext(repo_cache=home, remote_repos=remotes, timeout=30)
    pins = [context.create_dependency(pin) for pin in COORDINATES]
    for pin in pins:
        pin.scope = "compile"
    inputs, transitive = context.resolver.resolve(pins)
    wanted = [*inputs, *(dependency for dependency in transitive if dependency.scope in ("compile", "runtime"))]
    say(f"downloading {len(wanted)} jars")
    with ThreadPoolExecutor(max_workers=8) as pool:
        return list(pool.map(lambda dependency: Path(dependency.artifact.resolve()), wanted))
