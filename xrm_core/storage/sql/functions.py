"""SQL functions that compiled expressions call, each the twin of a Python function of the expression language."""

from __future__ import annotations

from xrm_core.expressions.arithmetic import DECIMAL_LIMIT, INTEGER_LIMIT, MAX_STEP, MAX_TEXT, PLACES, QUOTIENT_PLACES
from xrm_core.expressions.library import LOWER_TABLE, UPPER_TABLE


def _quote(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _translated(table: dict[int, int], plain: str) -> str:
    """One-to-one letters by `translate`; the database's own rules differ between servers, but not for ASCII."""
    others = {code: to for code, to in table.items() if code > 0x7F}
    source, target = ("".join(map(chr, codes)) for codes in (others.keys(), others.values()))
    ascii_only = f'{plain}(value collate "C")'
    return (
        f"select case when octet_length(value) = char_length(value) then {ascii_only}"
        f" else translate({ascii_only}, {_quote(source)}, {_quote(target)}) end"
    )


_DECIMAL_LIMIT = format(DECIMAL_LIMIT, "f")

EXPRESSION_FUNCTIONS: dict[str, str] = {
    # arithmetic.integer
    "bound_integer(value numeric) returns numeric": (
        f"select case when value > -{INTEGER_LIMIT} and value < {INTEGER_LIMIT} then value end"
    ),
    # arithmetic.decimal
    "bound_decimal(value numeric) returns numeric": (
        f"select case when value > -{_DECIMAL_LIMIT} and value < {_DECIMAL_LIMIT}"
        f" then case when scale(value) > {PLACES} then round(value, {PLACES}) else value end end"
    ),
    # arithmetic.bounded_text
    "bound_text(value text) returns text": f"select case when char_length(value) <= {MAX_TEXT} then value end",
    # arithmetic.divide; enough digits first, since the server would choose few for large quotients
    "divide(dividend numeric, divisor numeric) returns numeric": (
        f"select case when abs(quotient) < {_DECIMAL_LIMIT} then round(quotient, {QUOTIENT_PLACES}) end from (select"
        " case when divisor <> 0 then round(dividend, greatest(40, scale(dividend))) / divisor end as quotient) q"
    ),
    # arithmetic.rounded
    "round_to(value numeric, places numeric) returns numeric": (
        f"select case when value > -{_DECIMAL_LIMIT} and value < {_DECIMAL_LIMIT} and places is not null"
        f" then xrm.bound_decimal(round(value, least(greatest(places, 0), {PLACES})::int)) end"
    ),
    # arithmetic.move_date
    "move_date(day date, count numeric, unit text) returns date": (
        f"select case when abs(count) <= {MAX_STEP} then case unit when 'days' then xrm.add_days(day, count)"
        " when 'months' then xrm.add_months(day, count)"
        " when 'business_days' then xrm.add_business_days(day, trunc(count)) end end"
    ),
    # arithmetic.move_instant
    "move_instant(moment timestamptz, count numeric, unit text) returns timestamptz": (
        f"select case when unit <> 'hours' then (xrm.move_date((moment at time zone 'UTC')::date, count, unit)"
        " + (moment at time zone 'UTC')::time) at time zone 'UTC'"
        f" when abs(count) <= {MAX_STEP // 2}"
        " then xrm.add_seconds(moment, trunc(count * 3600000000) * 0.000001) end"
    ),
    # arithmetic.day_of
    "day_of(moment timestamptz, zone text) returns date": (
        "select case when day between date '0001-01-01' and date '9999-12-31' then day end"
        " from (select (moment at time zone zone)::date as day) d"
    ),
    # library.months_between
    "months_between(start_day date, end_day date) returns numeric": (
        "select case when end_day < start_day then -1 else 1 end"
        " * ((extract(year from late) - extract(year from early)) * 12 + extract(month from late) - extract(month from early)"
        " - case when extract(day from late) < extract(day from early) then 1 else 0 end)"
        " from (select least(start_day, end_day) as early, greatest(start_day, end_day) as late"
        " where start_day is not null and end_day is not null) x"
    ),
    # library.hours_between
    "hours_between(start_at timestamptz, end_at timestamptz) returns numeric": (
        "select xrm.divide(round((extract(epoch from end_at) - extract(epoch from start_at)) * 1000000, 0), 3600000000)"
    ),
    # library.start_of_month and the like: the first day of a period of so many months
    "period_start(day date, months int) returns date": (
        "select make_date(extract(year from day)::int, (extract(month from day)::int - 1) / months * months + 1, 1)"
    ),
    # library.end_of_month
    "month_end(day date) returns date": (
        "select (make_date(extract(year from day)::int, extract(month from day)::int, 1)::timestamp"
        " + interval '1 month' - interval '1 day')::date"
    ),
    # kernel.dates.week_start
    "week_start(day date) returns date": "select day - (extract(isodow from day)::int - 1)",
    # date.isoformat
    "date_text(day date) returns text": (
        "select lpad(extract(year from day)::text, 4, '0') || '-' || lpad(extract(month from day)::text, 2, '0')"
        " || '-' || lpad(extract(day from day)::text, 2, '0')"
    ),
    # library.lower, library.upper
    "lower_text(value text) returns text": _translated(LOWER_TABLE, "lower"),
    "upper_text(value text) returns text": _translated(UPPER_TABLE, "upper"),
    # library.replace
    "replace_text(value text, old text, new text) returns text": (
        "select case when old is null or new is null then null when old = '' then value"
        " when char_length(value) + (char_length(value) - char_length(replace(value, old, '')))"
        f" / char_length(old) * (char_length(new) - char_length(old)) <= {MAX_TEXT} then replace(value, old, new) end"
    ),
    # library.substring
    "part_text(value text, start numeric, length numeric) returns text": (
        f"select case when start is not null and length is not null then substr(value, least(greatest(start, 1),"
        f" {MAX_TEXT * 10})::int, least(greatest(length, 0), {MAX_TEXT * 10})::int) end"
    ),
    # library.concat
    "join_text(parts text[]) returns text": (
        "select case when cardinality(array_remove(parts, null)) > 0"
        f" and (select sum(char_length(part)) from unnest(parts) u(part)) <= {MAX_TEXT}"
        " then array_to_string(parts, '') end"
    ),
    # kernel.text.fold of every item
    "fold_list(items text[]) returns text[]": (
        "select case when items is not null then array(select xrm.fold(item) from unnest(items) with ordinality"
        " u(item, place) where item is not null order by place) end"
    ),
    # values.hours: what durations are compared by
    "duration_hours(count numeric, unit text) returns numeric": (
        "select count * case unit when 'hours' then 1 when 'days' then 24 when 'business_days' then 33.6"
        " when 'months' then 730.485 end"
    ),
    # values.annual
    "annual(amount numeric, per text) returns numeric": (
        "select amount * case per when 'hour' then 2080 when 'day' then 260 when 'week' then 52"
        " when 'month' then 12 when 'year' then 1 end"
    ),
}
"""Heads and bodies, in the form that `storage.functions` installs."""
