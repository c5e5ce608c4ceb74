"""A point in time."""

from __future__ import annotations

import re
from datetime import UTC, datetime, time, timedelta, timezone
from typing import Any, ClassVar, Literal
from zoneinfo import ZoneInfo

from xrm_core.fields.base import Field, ParseContext, reject
from xrm_core.fields.calendar_text import read_date, read_time
from xrm_core.kernel.kinds import Kind

_JSON = re.compile(
    r"\d{4}-\d\d-\d\d[Tt ](?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:[.,]\d{1,9})?)?"
    r"(?P<offset>[Zz]|[+-](?:[01]\d|2[0-3]):?[0-5]\d)?",
    re.ASCII,
)
_OFFSET = re.compile(
    r"(?P<local>.*\d(?:\s?[ap]m)?)\s?(?P<offset>[Zz]|UTC|GMT|[+-]\d\d:?\d\d)", re.IGNORECASE | re.ASCII
)
_PARTS = re.compile(
    r"(?P<day>.*?\d{4}|\d{4}\S*?),?(?:\s+(?:at |um )?|[Tt])(?P<time>\d{1,2}(?:[:.]\d\d.*|\s?(?:[ap]\.?m\.?|Uhr|h)))",
    re.IGNORECASE,
)
_HINT = 'Send a string such as "2026-03-31T14:30:00Z", with Z or an offset.'


class DateTime(Field):
    """A point in time: a day and a time of day."""

    kind: ClassVar[Kind] = Kind.INSTANT

    type: Literal["datetime"] = "datetime"

    def value_schema(self) -> dict[str, Any]:
        return {"type": "string", "format": "date-time"}

    def parse(self, raw: Any, context: ParseContext) -> Any:
        if not isinstance(raw, str):
            raise reject("type", "A point in time is needed.", _HINT)
        found = _JSON.fullmatch(raw) if len(raw) <= 40 else None
        if found is None:
            raise reject("datetime", "This is not a point in time.", _HINT)
        if found["offset"] is None:
            raise reject("datetime", "It is not said in which time zone this is.", _HINT)
        if len(raw) == 27 and raw[26] == "Z" and raw[10] == "T" and raw[19] == ".":
            try:
                datetime.fromisoformat(raw)
            except ValueError:
                raise reject("datetime", "There is no such day.", _HINT) from None
            return raw
        try:
            moment = datetime.fromisoformat(raw.upper().replace(",", "."))
        except ValueError:
            raise reject("datetime", "There is no such day.", _HINT) from None
        return stored(moment)

    def parse_text(self, text: str, context: ParseContext) -> Any:
        text = text.strip()
        if len(text) > 60:
            raise reject("datetime", "This is too long for a point in time.", "Write it like 2026-03-31 14:30.")
        with_offset = _OFFSET.fullmatch(text)
        if with_offset is not None and ":" in with_offset["local"]:
            local = _local(with_offset["local"].strip(), context)
            return stored(local.replace(tzinfo=_fixed(with_offset["offset"])))
        return stored(in_zone(_local(text, context), context.zone))

    def format(self, value: Any, context: ParseContext) -> str:
        moment = datetime.fromisoformat(value)
        precision = "microseconds" if moment.microsecond else "seconds" if moment.second else "minutes"
        zone = ZoneInfo(context.zone)
        try:
            local = moment.astimezone(zone)
        except OverflowError:
            local = None
        if local is not None:
            precision = "seconds" if precision == "minutes" and local.second else precision
            text = local.replace(tzinfo=None).isoformat(" ", precision)
            offset = local.strftime("%z")
            if _offsets(local.replace(tzinfo=None), zone) == 1:
                return text
            if len(offset) == 5:
                return f"{text} {offset[:3]}:{offset[3:]}"
        return moment.replace(tzinfo=None).isoformat(" ", precision) + "Z"

    def example(self) -> Any:
        return "2026-03-31T14:30:00.000000Z"

    def project(self, value: Any) -> Any:
        return None if value is None else datetime.fromisoformat(value)


def stored(moment: datetime) -> str:
    """An aware moment as it is stored: UTC, always 27 characters."""
    try:
        return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"
    except OverflowError:
        raise reject("datetime", "In UTC this lies outside of the years 1 to 9999.") from None


def in_zone(local: datetime, zone: str) -> datetime:
    """A local time as a moment; rejects times that a change of the clocks leaves out or repeats."""
    info = ZoneInfo(zone)
    count = _offsets(local, info)
    if count == 1:
        return local.replace(tzinfo=info)
    early, late = local.replace(tzinfo=info, fold=0).utcoffset(), local.replace(tzinfo=info, fold=1).utcoffset()
    if count == 0:
        if local.time() == time(0):
            # A day whose clocks go forward at midnight begins an hour later.
            return local.replace(tzinfo=info)
        raise reject(
            "time_gap",
            f"The time {local:%H:%M} does not exist on {local:%Y-%m-%d} in {zone}: the clocks go forward.",
            f"Write a time one step later or add the offset, {_sign(early)} or {_sign(late)}.",
        )
    raise reject(
        "time_twice",
        f"The time {local:%H:%M} comes twice on {local:%Y-%m-%d} in {zone}: the clocks go back.",
        f"Add the offset: {local:%H:%M} {_sign(early)} for the first time, {local:%H:%M} {_sign(late)} for the second.",
    )


def _offsets(local: datetime, zone: ZoneInfo) -> int:
    """How many moments have this local time: 0 in a gap, 2 in a repeated hour, else 1."""
    first, second = local.replace(tzinfo=zone, fold=0), local.replace(tzinfo=zone, fold=1)
    before, after = first.utcoffset(), second.utcoffset()
    if before == after or before is None or after is None:
        return 1
    return 2 if before > after else 0


def _local(text: str, context: ParseContext) -> datetime:
    found = _PARTS.fullmatch(text)
    if found is None:
        return datetime.combine(read_date(text, context), time(0))
    return datetime.combine(read_date(found["day"], context), read_time(found["time"]))


def _fixed(offset: str) -> timezone:
    if offset[0] not in "+-":
        return UTC
    hours, minutes = int(offset[1:3]), int(offset[-2:])
    if hours > 23 or minutes > 59:
        raise reject("datetime", f"There is no offset {offset}.", "Write it like +02:00.")
    delta = timedelta(hours=hours, minutes=minutes)
    return timezone(-delta if offset[0] == "-" else delta)


def _sign(offset: timedelta | None) -> str:
    minutes = int((offset or timedelta()).total_seconds() // 60)
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"
