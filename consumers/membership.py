"""Leaving a consumer group as a static member: the library sends no leave for one, and its lanes would wait for the session's end."""

import asyncio

import structlog
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError, UnknownMemberIdError, for_code
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import Array, Int16, Int32, Schema, String

from consumers.kafka import connection
from consumers.settings import Settings

LOG = structlog.get_logger()
LEAVE_SECONDS = 2


class LeaveGroupResponse_v3(Response):
    """Kafka protocol, LeaveGroup version 3."""

    API_KEY = 13
    API_VERSION = 3
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        ("error_code", Int16),
        (
            "members",
            Array(("member_id", String("utf-8")), ("group_instance_id", String("utf-8")), ("error_code", Int16)),
        ),
    )


class LeaveGroupRequest_v3(RequestStruct):
    """The first version that can name a static member."""

    API_KEY = 13
    API_VERSION = 3
    RESPONSE_TYPE = LeaveGroupResponse_v3
    SCHEMA = Schema(
        ("group", String("utf-8")),
        ("members", Array(("member_id", String("utf-8")), ("group_instance_id", String("utf-8")))),
    )


class LeaveGroup(Request[LeaveGroupRequest_v3]):
    """Takes one static member out of its group, by its instance id alone."""

    API_KEY = 13

    def __init__(self, group: str, instance: str) -> None:
        self._group = group
        self._instance = instance

    def build(self, request_struct_class: type[LeaveGroupRequest_v3]) -> LeaveGroupRequest_v3:
        """The request as it goes over the wire."""
        return request_struct_class(self._group, [("", self._instance)])


async def leave(settings: Settings, members: list[tuple[str, str]]) -> None:
    """Leave (group, instance id) each; what cannot be left ends with its session, a few seconds later."""
    await asyncio.gather(*(_leave(settings, group, instance) for group, instance in members))


async def _leave(settings: Settings, group: str, instance: str) -> None:
    # Each stage leaves its own group, as the user that may read with it.
    admin = AIOKafkaAdminClient(**connection(settings, f"{group.rsplit('.', 1)[-1]}-leave"))
    try:
        async with asyncio.timeout(LEAVE_SECONDS):
            await admin.start()
            coordinator = await admin.find_coordinator(group)
            answer = await admin._send_request(LeaveGroup(group, instance), coordinator)
            error = for_code(answer.error_code or answer.members[0][2])
            if error is not UnknownMemberIdError and answer.error_code:
                raise error(f"{group} does not let {instance} leave")
    except (KafkaError, OSError, TimeoutError) as error:
        LOG.warning("group not left", error=type(error).__name__)
    finally:
        await admin.close()
