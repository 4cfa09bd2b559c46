"""The records of `case.commands`: the one canonical form of everything that was asked, written by intake, and by operators' controls.

The value is the message's JSON without the applicant, or, where the message could not be used, the sealed original; of a
control it is the reference data itself, as `noveto calendar load` and its like wrote it to every lane. What intake found out stands in the header `noveto-origin`; the sealed applicant in `noveto-applicant`.
"""

import json
from typing import Literal

from topics.events import Rejection
from topics.fields import Model
from topics.parts import Source
from topics.upcasting import raised_command

ORIGIN_HEADER = "noveto-origin"
APPLICANT_HEADER = "noveto-applicant"
QUARANTINE_CONTROL = "control.quarantine"
ERASURE_CONTROL = "control.erasure"
VERSION: Literal[1] = 1


class CommandRecord(Model):
    """What a record is: usable (`said`), not usable (`unusable`, with the verdict), or the operator's (`control`).

    Of a control of a quarantined case, `type` is `control.quarantine` and `id` what is to be done: `retry` or `release`.
    Of one that erases an applicant's data, `type` is `control.erasure`, and the value says who ordered it, and why.
    Of one of reference data, `type` is `control.<kind of reference data>`, `id` its version, and the fingerprint its SHA-256; its
    source counts the loads of that kind, so that a repeated or overtaken control is known by it.
    """

    v: Literal[1] = VERSION
    kind: Literal["said", "unusable", "control"]
    source: Source
    party: str
    id: str | None = None
    type: str | None = None
    case_id: str | None = None
    fingerprint: str | None = None
    verdict: Rejection | None = None


# `v` is written first.
_CURRENT = b'{"v":%d,' % VERSION


def read_command(written: bytes) -> CommandRecord:
    """The record from its JSON, whichever version wrote it. Raises NewerForm, or ValueError where it is none."""
    if not written.startswith(_CURRENT):
        form = json.loads(written)
        if isinstance(form, dict) and type(form.get("v")) is int:
            written = json.dumps(raised_command(form, VERSION)).encode()
    return CommandRecord.model_validate_json(written)
