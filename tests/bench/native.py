"""The same candidates in tables as somebody would write them by hand: typed columns, the same indexes, a history table."""

from __future__ import annotations

from tests.bench.workspace import MODULE, Bench
from xrm_core.storage.database import Connection

# column, type, SQL over the engine's row `t` that gives the same value
_COLUMNS: tuple[tuple[str, str, str], ...] = (
    ("id", "uuid primary key", "t.id"),
    ("version", "int not null", "t.version"),
    ("owner", "uuid", "t.owner"),
    ("created_at", "timestamptz not null", "t.created_at"),
    ("created_by", "uuid", "t.created_by"),
    ("updated_at", "timestamptz not null", "t.updated_at"),
    ("updated_by", "uuid", "t.updated_by"),
    ("archived_at", "timestamptz", "t.archived_at"),
    ("first_name", "text", "t.data->'name'->>'first'"),
    ("last_name", "text", "t.data->'name'->>'last'"),
    ("name", 'text collate "C"', "t.p_name"),
    ("photo", "jsonb", "t.data->'photo'"),
    ("email", 'text collate "C"', "t.data->>'email'"),
    ("email_2", "text", "t.data->>'email_2'"),
    ("phone", 'text collate "C"', "t.data->>'phone'"),
    ("phone_2", "text", "t.data->>'phone_2'"),
    ("street", "text", "t.data->'address'->>'street'"),
    ("postcode", "text", "t.data->'address'->>'postcode'"),
    ("city", "text", "t.data->'address'->>'city'"),
    ("region", "text", "t.data->'address'->>'region'"),
    ("country", "text", "t.data->'address'->>'country'"),
    ("linkedin_url", 'text collate "C"', "t.data->>'linkedin_url'"),
    ("other_urls", "jsonb", "t.data->'other_urls'"),
    ("preferred_channel", "text", "t.data->>'preferred_channel'"),
    ("languages", "text[]", "(select array_agg(x) from jsonb_array_elements_text(t.data->'languages') x)"),
    ("time_zone", "text", "t.data->>'time_zone'"),
    ("headline", "text", "t.data->>'headline'"),
    ("current_employer", 'text collate "C"', "t.p_current_employer"),
    ("current_title", 'text collate "C"', "t.p_current_title"),
    ("industry", 'text collate "C"', "t.p_industry"),
    ("seniority", "text", "t.data->>'seniority'"),
    ("years_experience", "numeric", "(t.data->>'years_experience')::numeric"),
    ("skills", "text[]", "t.p_skills"),
    ("resume", "jsonb", "t.data->'resume'"),
    ("resume_text", "text", "null"),
    ("current_salary", "numeric", "null"),
    ("desired_salary", "numeric", "t.p_desired_salary"),
    ("desired_salary_max", "numeric", "null"),
    ("desired_day_rate", "numeric", "null"),
    ("salary_currency", "text", "t.data->'desired_salary'->>'currency'"),
    ("salary_per", "text", "t.data->'desired_salary'->>'per'"),
    ("bonus_expectation", "text", "t.data->>'bonus_expectation'"),
    ("notice_value", "int", "(t.data->'notice_period'->>'value')::int"),
    ("notice_unit", "text", "t.data->'notice_period'->>'unit'"),
    ("availability_date", "date", "t.p_availability_date"),
    ("availability_status", 'text collate "C"', "t.p_availability_status"),
    ("earliest_start", "date", "t.p_earliest_start"),
    ("available_now", "boolean", "t.p_available_now"),
    ("willing_to_relocate", "boolean", "(t.data->>'willing_to_relocate')::boolean"),
    ("work_modes", "text[]", "(select array_agg(x) from jsonb_array_elements_text(t.data->'work_modes') x)"),
    ("desired_locations", "text[]", "t.p_desired_locations"),
    ("employment_types", "text[]", "(select array_agg(x) from jsonb_array_elements_text(t.data->'employment_types') x)"),
    ("right_to_work", "text", "t.data->>'right_to_work'"),
    ("work_permit_expiry", "date", "null"),
    ("recruiter_owner", "uuid", "t.p_recruiter_owner"),
    ("status", 'text collate "C"', "t.p_status"),
    ("source_detail", "text", "t.data->>'source_detail'"),
    ("rating", "int", "(t.data->>'rating')::int"),
    ("do_not_contact", "boolean", "t.p_do_not_contact"),
    ("notes", "text", "(select x.value from {schema}.long_text x where x.module_id = '{module}' and x.record_id = t.id"
     " and x.field_id = 'notes')"),
    ("legal_basis", 'text collate "C"', "t.p_legal_basis"),
    ("legal_basis_at", "date", "(t.data->>'legal_basis_at')::date"),
    ("privacy_notice_sent_at", "timestamptz", "null"),
    ("consent_expires_at", "date", "t.p_consent_expires_at"),
    ("retention_until", "date", "t.p_retention_until"),
    ("legal_hold", "boolean", "null"),
    ("marketing_opt_out", "boolean", "null"),
    ("erased_at", "timestamptz", "null"),
    ("placements_count", "int", "t.p_placements_count"),
    ("last_placement_date", "date", "t.p_last_placement_date"),
    ("submissions_count", "int", "(t.data->>'submissions_count')::int"),
    ("submissions_open", "int", "t.p_submissions_open"),
    ("interviews_count", "int", "(t.data->>'interviews_count')::int"),
    ("last_activity_at", "timestamptz", "t.p_last_activity_at"),
    ("last_contact_at", "timestamptz", "t.p_last_contact_at"),
    ("days_since_contact", "int", "(t.data->>'days_since_contact')::int"),
    ("referrals_count", "int", "(t.data->>'referrals_count')::int"),
    ("referral_placements", "int", "(t.data->>'referral_placements')::int"),
    ("candidate_ltv", "numeric", "null"),
    ("current_employer_client", "uuid", "t.p_current_employer_client"),
    ("source", "uuid", "t.p_source"),
    ("referred_by", "uuid", "t.p_referred_by"),
    ("also_contact", "uuid", "t.p_also_contact"),
)  # fmt: skip
COLUMNS = tuple(name for name, _, _ in _COLUMNS)
_ORDERED = (
    "name email phone linkedin_url current_employer current_title industry desired_salary availability_date availability_status "
    "earliest_start recruiter_owner status legal_basis consent_expires_at retention_until placements_count last_placement_date "
    "submissions_open last_activity_at last_contact_at current_employer_client source referred_by also_contact"
).split()
_LISTS = ("skills", "desired_locations")
SCHEMA = "native"


def table(rows: int) -> str:
    """The hand-written table of that size."""
    return f"{SCHEMA}.candidates_{rows}"


def index_statements(name: str) -> list[str]:
    """The same indexes as the engine's table has."""
    short = name.partition(".")[2]
    found = [f"create index {short}_{column} on {name} ({column}, id) include (archived_at)" for column in _ORDERED]
    found += [f"create index {short}_{column} on {name} using gin ({column})" for column in _LISTS]
    found += [f"create unique index {short}_{column}_u on {name} ({column}) where archived_at is null"
              for column in ("linkedin_url", "also_contact")]  # fmt: skip
    return [*found, f"create index {short}_owner on {name} (owner, id) include (archived_at) where owner is not null"]


async def create_table(connection: Connection, name: str) -> None:
    """An empty table, with its primary key only."""
    await connection.execute(f"create schema if not exists {SCHEMA}")
    await connection.execute(f"drop table if exists {name}")
    columns = ", ".join(f"{column} {kind}" for column, kind, _ in _COLUMNS)
    await connection.execute(f"create table {name} ({columns}) with (fillfactor = 85)")


async def prepare(connection: Connection, bench: Bench) -> str:
    """The table with the engine's own data in it, indexed and analysed, and a history table; kept if it is there already."""
    name = table(bench.rows)
    schema = bench.workspace.schema
    cursor = await connection.execute(
        "select to_regclass(%s::text), obj_description(to_regclass(%s::text))", [name, name]
    )
    found = await cursor.fetchone()
    if found is not None and found[0] is not None and found[1] == schema:
        return name
    await create_table(connection, name)
    values = ", ".join(
        f"({sql.format(schema=schema, module=MODULE)})::{kind.split(' ')[0]}" for _, kind, sql in _COLUMNS
    )
    await connection.execute(f"insert into {name} select {values} from {schema}.m_{MODULE} t order by t.id")
    for statement in index_statements(name):
        await connection.execute(statement)
    await connection.execute(f"drop table if exists {name}_event")
    await connection.execute(
        f"create table {name}_event (id uuid primary key, record_id uuid not null, version int not null, kind text not null,"
        " actor jsonb not null, at timestamptz not null, changes jsonb not null)"
    )
    # As many rows as the engine's log has: inserting into an empty index would be cheaper than into a grown one.
    await connection.execute(
        f"insert into {name}_event select id, record_id, version, kind, actor, at, changes from {schema}.event where module_id = %s::text",
        [MODULE],
    )
    await connection.execute(f"create index on {name}_event (record_id, id)")
    await connection.execute(f"vacuum (analyze, freeze) {name}")
    await connection.execute(f"vacuum (analyze) {name}_event")
    await connection.execute(f"comment on table {name} is '{schema}'")
    return name


def joined(name: str, schema: str, where: str, tail: str) -> str:
    """All columns of candidates with the names of what they link to, as a list or a record page shows them."""
    columns = ", ".join(f"t.{column}" for column in COLUMNS if column not in ("notes", "resume_text"))
    return (
        f"select {columns}, c.title, s.title, r.name, k.title from {name} t"
        f" left join {schema}.m_clients c on c.id = t.current_employer_client left join {schema}.m_sources s on s.id = t.source"
        f" left join {name} r on r.id = t.referred_by left join {schema}.m_contacts k on k.id = t.also_contact"
        f" where t.archived_at is null and {where} {tail}"
    )
