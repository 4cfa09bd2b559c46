"""Access lists and SCRAM users on a live cluster: read, compared, added, taken away."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError, for_code
from aiokafka.protocol.admin import CreateAclsRequest_v1, DeleteAclsRequest_v1, DescribeAclsRequest_v1
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import CompactArray, CompactBytes, CompactString, Int8, Int16, Int32, Schema, TaggedFields

from consumers.acl import Acl, Compared, Operation, Pattern, Resource, compare, wanted
from consumers.kafka import connection
from consumers.reference import Reference
from consumers.settings import Settings

# Kafka's numbers (org.apache.kafka.common.acl and .resource).
RESOURCES = {Resource.TOPIC: 2, Resource.GROUP: 3, Resource.CLUSTER: 4, Resource.TRANSACTIONAL_ID: 5}
PATTERNS = {Pattern.LITERAL: 3, Pattern.PREFIXED: 4}
OPERATIONS = {
    Operation.ALL: 2,
    Operation.READ: 3,
    Operation.WRITE: 4,
    Operation.CREATE: 5,
    Operation.DELETE: 6,
    Operation.ALTER: 7,
    Operation.DESCRIBE: 8,
    Operation.CLUSTER_ACTION: 9,
    Operation.DESCRIBE_CONFIGS: 10,
    Operation.ALTER_CONFIGS: 11,
    Operation.IDEMPOTENT_WRITE: 12,
}
ANY, DENY, ALLOW = 1, 2, 3
USER = "User:"
SCRAM_SHA_512 = 2
SCRAM_ITERATIONS = 8192
APPLIED_SECONDS = 30


class AlterUserScramCredentialsResponse(Response):
    """Kafka protocol, AlterUserScramCredentials version 0."""

    API_KEY = 51
    API_VERSION = 0
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "results",
            CompactArray(
                ("user", CompactString("utf-8")),
                ("error_code", Int16),
                ("error_message", CompactString("utf-8")),
                ("tags", TaggedFields),
            ),
        ),
        ("tags", TaggedFields),
    )


class AlterUserScramCredentialsStruct(RequestStruct):
    """Its request: users to take away, and users to make or give another password."""

    API_KEY = 51
    API_VERSION = 0
    FLEXIBLE_VERSION = True
    RESPONSE_TYPE = AlterUserScramCredentialsResponse
    SCHEMA = Schema(
        (
            "deletions",
            CompactArray(("name", CompactString("utf-8")), ("mechanism", Int8), ("tags", TaggedFields)),
        ),
        (
            "upsertions",
            CompactArray(
                ("name", CompactString("utf-8")),
                ("mechanism", Int8),
                ("iterations", Int32),
                ("salt", CompactBytes),
                ("salted_password", CompactBytes),
                ("tags", TaggedFields),
            ),
        ),
        ("tags", TaggedFields),
    )


class _AlterUsers(Request[AlterUserScramCredentialsStruct]):
    API_KEY = 51

    def __init__(self, deletions: list[Any], upsertions: list[Any]) -> None:
        self._deletions, self._upsertions = deletions, upsertions

    def build(self, request_struct_class: type[AlterUserScramCredentialsStruct]) -> AlterUserScramCredentialsStruct:
        return request_struct_class(self._deletions, self._upsertions, {})


# aiokafka's own builders take one access list a request; these take any number.
class _CreateAcls(Request[CreateAclsRequest_v1]):
    API_KEY = 30

    def __init__(self, creations: list[Any]) -> None:
        self._creations = creations

    def build(self, request_struct_class: type[CreateAclsRequest_v1]) -> CreateAclsRequest_v1:
        return request_struct_class(self._creations)


class _DeleteAcls(Request[DeleteAclsRequest_v1]):
    API_KEY = 31

    def __init__(self, filters: list[Any]) -> None:
        self._filters = filters

    def build(self, request_struct_class: type[DeleteAclsRequest_v1]) -> DeleteAclsRequest_v1:
        return request_struct_class(self._filters)


class _DescribeAcls(Request[DescribeAclsRequest_v1]):
    API_KEY = 29

    def build(self, request_struct_class: type[DescribeAclsRequest_v1]) -> DescribeAclsRequest_v1:
        return request_struct_class(ANY, None, ANY, None, None, ANY, ANY)


class AclAdmin:
    """An admin client for access lists and users. Raises what the broker answers, e.g. ClusterAuthorizationFailedError."""

    def __init__(self, settings: Settings) -> None:
        self._admin = AIOKafkaAdminClient(**connection(settings, "acl"))

    async def __aenter__(self) -> AclAdmin:
        await self._admin.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._admin.close()

    async def existing(self) -> tuple[set[Acl], set[Acl]]:
        """Every access list of the cluster: what is allowed, and what is denied."""
        answer = await self._admin._send_request(_DescribeAcls())
        _check(answer.error_code, answer.error_message)
        allowed: set[Acl] = set()
        denied: set[Acl] = set()
        for kind, name, pattern, acls in answer.resources:
            if kind not in RESOURCES.values() or pattern not in PATTERNS.values():
                continue  # delegation tokens and users: nothing of ours
            for principal, _host, operation, permission in acls:
                if operation not in OPERATIONS.values():
                    continue
                acl = Acl(
                    principal.removeprefix(USER),
                    _named(RESOURCES, kind),
                    _named(PATTERNS, pattern),
                    name,
                    _named(OPERATIONS, operation),
                )
                (denied if permission == DENY else allowed).add(acl)
        return allowed, denied

    async def add(self, acls: Iterable[Acl]) -> None:
        """Allow these; one that exists stays."""
        creations = [
            (
                RESOURCES[acl.resource],
                acl.name,
                PATTERNS[acl.pattern],
                f"{USER}{acl.principal}",
                "*",
                OPERATIONS[acl.operation],
                ALLOW,
            )
            for acl in acls
        ]
        if creations:
            answer = await self._admin._send_to_controller(_CreateAcls(creations))
            for code, message in answer.creation_responses:
                _check(code, message)

    async def remove(self, acls: Iterable[Acl]) -> None:
        """Allow these no longer."""
        filters = [
            (
                RESOURCES[acl.resource],
                acl.name,
                PATTERNS[acl.pattern],
                f"{USER}{acl.principal}",
                None,
                OPERATIONS[acl.operation],
                ALLOW,
            )
            for acl in acls
        ]
        if filters:
            answer = await self._admin._send_to_controller(_DeleteAcls(filters))
            for code, message, _matching in answer.filter_responses:
                _check(code, message)

    async def set_passwords(self, passwords: Mapping[str, str]) -> None:
        """Make SCRAM-SHA-512 users, or give them other passwords. The broker gets salted passwords, never the passwords."""
        upsertions: list[Any] = []
        for name, password in passwords.items():
            salt = secrets.token_bytes(24)
            upsertions.append((name, SCRAM_SHA_512, SCRAM_ITERATIONS, salt, salted(password, salt), {}))
        if upsertions:
            answer = await self._admin._send_to_controller(_AlterUsers([], upsertions))
            for _user, code, message, _tags in answer.results:
                _check(code, message)


def salted(password: str, salt: bytes) -> bytes:
    """RFC 5802's SaltedPassword."""
    return hashlib.pbkdf2_hmac("sha512", password.encode(), salt, SCRAM_ITERATIONS)


def _named(numbers: Mapping[Any, int], number: int) -> Any:
    return next(name for name, found in numbers.items() if found == number)


def _check(code: int, message: str | None) -> None:
    if code != 0:
        error: type[KafkaError] = for_code(code)
        raise error(message or "")


async def verify(settings: Settings, reference: Reference) -> Compared:
    """The live cluster's access lists against the directory's; nothing is changed."""
    async with AclAdmin(settings) as admin:
        allowed, denied = await admin.existing()
    return compare(wanted(reference.directory, reference.names), allowed, denied, reference.names)


async def apply(settings: Settings, reference: Reference, keep: Reference | None = None) -> Compared:
    """Add what is missing and, with `keep`, take away what neither calls for; what there was to do."""
    async with AclAdmin(settings) as admin:
        allowed, denied = await admin.existing()
        found = compare(wanted(reference.directory, reference.names), allowed, denied, reference.names)
        await admin.add(found.missing)
        if keep is not None:
            kept = set(wanted(keep.directory, keep.names))
            found = replace(found, too_much=tuple(acl for acl in found.too_much if acl not in kept))
            await admin.remove(found.too_much)
        gone = set() if keep is None else set(found.too_much)
        # The controller has them; whoever asks next should find them on every broker.
        async with asyncio.timeout(APPLIED_SECONDS):
            while not (set(found.missing) <= allowed and not gone & allowed):
                await asyncio.sleep(0.1)
                allowed, _ = await admin.existing()
    return found
