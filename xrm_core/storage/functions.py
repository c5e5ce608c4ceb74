"""The SQL functions in schema `xrm`: IMMUTABLE, never raising, each the twin of a Python function."""

from __future__ import annotations

import hashlib

from xrm_core.kernel.text import FOLD_FROM, FOLD_TO
from xrm_core.storage.database import EXTENSIONS, Connection
from xrm_core.storage.sql.functions import EXPRESSION_FUNCTIONS

SCHEMA = "xrm"

_MONTH_DAYS = (
    "case when {m} = 2 then case when {y} % 4 = 0 and ({y} % 100 <> 0 or {y} % 400 = 0) then 29 else 28 end"
    " when {m} in (4, 6, 9, 11) then 30 else 31 end"
)
_DATE_SHAPE = "[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
_TIME_SHAPE = "T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9][.][0-9]{6}Z"


def _number(position: int, length: int) -> str:
    return f"substr(value, {position}, {length})::int"


def _is_date(shape: str) -> str:
    days = _MONTH_DAYS.format(y=_number(1, 4), m=_number(6, 2))
    # Three steps, as only CASE promises not to convert what the shape has not let through.
    return (
        f"case when value collate \"C\" !~ '^{shape}$' or value like '0000%' then false"
        f" when substr(value, 9, 2) <= '28' then true else {_number(9, 2)} <= {days} end"
    )


def _quote(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


FUNCTIONS: dict[str, str] = {
    # kernel.text.fold
    "fold(value text) returns text": (
        'select case when octet_length(value) = char_length(value) then lower(value collate "C")'
        f' else lower(translate(value, {_quote(FOLD_FROM)}, {_quote(FOLD_TO)}) collate "C") end'
    ),
    # date.fromisoformat of "YYYY-MM-DD"
    "iso_date(value text) returns date": (
        f"select case when {_is_date(_DATE_SHAPE)}"
        f" then make_date({_number(1, 4)}, {_number(6, 2)}, {_number(9, 2)}) end"
    ),
    # datetime of "YYYY-MM-DDTHH:MM:SS.ffffffZ"
    "iso_instant(value text) returns timestamptz": (
        f"select case when {_is_date(_DATE_SHAPE + _TIME_SHAPE)} then make_timestamp({_number(1, 4)}, {_number(6, 2)},"
        f" {_number(9, 2)}, {_number(12, 2)}, {_number(15, 2)}, substr(value, 18, 9)::float8) at time zone 'UTC' end"
    ),
    # Decimal of a plain decimal number
    "to_number(value text) returns numeric": (
        "select case when value collate \"C\" ~ '^-?[0-9]+([.][0-9]+)?$' and char_length(value) < 1000"
        " then value::numeric end"
    ),
    # UUID of its 36-character form
    "to_uuid(value text) returns uuid": (
        "select case when value collate \"C\" ~ '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$'"
        " then value::uuid end"
    ),
    # a JSON array's strings, None for anything that is not an array
    "text_list(value jsonb) returns text[]": (
        "select case when jsonb_typeof(value) = 'array' then"
        " array(select e.item #>> '{}' from jsonb_array_elements(value) with ordinality e(item, place)"
        " where jsonb_typeof(e.item) = 'string' order by e.place) end"
    ),
    # kernel.dates.add_days
    "add_days(day date, count numeric) returns date": (
        "select case when trunc(count) + (day - date '0001-01-01') between 0 and 3652058"
        " then date '0001-01-01' + (trunc(count)::int + (day - date '0001-01-01')) end"
    ),
    # kernel.dates.add_months
    "add_months(day date, count numeric) returns date": (
        "select case when total between 12 and 119999 then make_date(total::int / 12, total::int % 12 + 1,"
        " least(extract(day from day)::int,"
        f" {_MONTH_DAYS.format(y='(total::int / 12)', m='(total::int % 12 + 1)')})) end"
        " from (select extract(year from day) * 12 + extract(month from day) - 1 + trunc(count) as total) x"
    ),
    # kernel.dates.add_business_days
    "add_business_days(day date, count numeric) returns date": (
        "select case when trunc(count) = 0 then day"
        " when ordinal between 0 and 3652058 then date '0001-01-01' + ordinal::int end"
        " from (select monday + floor(steps / 5) * 7 + steps - floor(steps / 5) * 5 as ordinal from"
        " (select (day - date '0001-01-01') - weekday as monday,"
        " case when weekday < 5 then weekday when count > 0 then 4 else 5 end + trunc(count) as steps"
        " from (select extract(isodow from day)::int - 1 as weekday) w) s) o"
    ),
    # kernel.dates.business_days_between
    "business_days_between(start_day date, end_day date) returns int": (
        "select (e / 7 * 5 + least(e % 7 + 1, 5)) - (s / 7 * 5 + least(s % 7 + 1, 5)) from"
        # Shifted by whole weeks, so that the day before the first one is not negative.
        " (select start_day - date '0001-01-01' - back + 7 as s, end_day - date '0001-01-01' - back + 7 as e"
        " from (select case when end_day < start_day then 1 else 0 end as back) b) x"
    ),
    # datetime + timedelta
    "add_seconds(moment timestamptz, seconds numeric) returns timestamptz": (
        # Whole days apart from the rest, which as a float would lose microseconds.
        "select case when unix >= -62135596800 and unix < 253402300800 then (timestamp '1970-01-01 00:00:00'"
        " + make_interval(days => floor(unix / 86400)::int, secs => (unix - floor(unix / 86400) * 86400)::float8))"
        " at time zone 'UTC' end from (select extract(epoch from moment) + round(seconds, 6) as unix) x"
    ),
}

FUNCTIONS |= EXPRESSION_FUNCTIONS


def statements() -> list[str]:
    """The statements that create the schema's functions, in order."""
    # Not STRICT: that would keep the planner from writing the body into the query.
    return [
        f"create or replace function {SCHEMA}.{head} language sql immutable parallel safe as $body$ {body} $body$"
        for head, body in FUNCTIONS.items()
    ]


def fingerprint() -> str:
    """Changes when a function changes; kept as the schema's comment."""
    return hashlib.sha256("\n".join(statements()).encode()).hexdigest()


async def installed_fingerprint(connection: Connection) -> str | None:
    """The fingerprint of the functions that the server has."""
    cursor = await connection.execute(
        "select pg_catalog.obj_description(oid, 'pg_namespace') from pg_catalog.pg_namespace where nspname = %s::text",
        [SCHEMA],
    )
    row = await cursor.fetchone()
    return row[0] if row else None


async def install(connection: Connection) -> None:
    """Create or replace schema, extensions and functions, in one transaction."""
    async with connection.transaction():
        await connection.execute("set local citus.enable_schema_based_sharding to off")
        await connection.execute(f"create schema if not exists {SCHEMA}")
        for extension in EXTENSIONS:
            await connection.execute(f"create extension if not exists {extension} schema {SCHEMA}")
        for statement in statements():
            await connection.execute(statement)
        await connection.execute(f"comment on schema {SCHEMA} is '{fingerprint()}'")
