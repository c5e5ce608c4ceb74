"""A record as JSON text made by the database, ready to be passed on: flat, by names, links with their titles."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from xrm_core.storage.model import CompiledField, CompiledLink, CompiledModule
from xrm_core.storage.sql.tables import TableContext, target_column
from xrm_core.storage.sql.values import Sql, literal

_INSTANTS = ("created_at", "updated_at", "archived_at", "stage_entered_at")
_IDS = ("created_by", "updated_by", "owner")
SYSTEM = (
    "version",
    "title",
    "created_at",
    "created_by",
    "updated_at",
    "updated_by",
    "archived_at",
    "owner",
    "stage",
    "stage_entered_at",
)


def row_json(
    context: TableContext,
    hidden: Collection[str],
    *,
    fields: Collection[str] | None = None,
    texts: bool = False,
    titles: bool = True,
) -> Sql:
    """SQL text that is the JSON of one record.

    `hidden` are ids that do not exist for the actor; `fields` limits it to these names; `texts` adds the long texts.
    """
    module, alias = context.module, context.alias
    pieces = [f"""'{{"id":"' || {alias}.id || '","module":"{module.name}"'"""]
    pieces += [
        _system(alias, name) for name in SYSTEM if fields is None or name in fields or name in ("version", "title")
    ]
    shown = [
        field for field in module.fields.values() if field.id not in hidden and (fields is None or field.name in fields)
    ]
    params: tuple[Any, ...] = ()
    for link in module.links.values():
        if not link.many and link.id not in hidden and (fields is None or link.name in fields):
            shown_link = _link(context, link, titles=titles)
            pieces.append(shown_link.text)
            params += shown_link.params
    long_texts = [field for field in shown if field.beside and (texts or fields is not None)]
    if long_texts:
        pieces.append(_long_texts(module, alias, long_texts))
    plain = [field for field in shown if not field.beside]
    return Sql(" || ".join([*pieces, *_document(module, alias, plain, hidden, whole=fields is None)]), params)


def _system(alias: str, name: str) -> str:
    column = f"{alias}.{name}"
    if name == "version":
        return f"""',"version":' || {column}"""
    if name == "title":
        return f"""',"title":' || to_json({column})::text"""
    if name in _INSTANTS:
        # The casts and patterns are fixed, so the text is the same in every session.
        shown = f"""to_char({column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"""
        return f"""coalesce(',"{name}":"' || {shown} || '"', '')"""
    return f"""coalesce(',"{name}":"' || {column} || '"', '')"""


def _document(
    module: CompiledModule, alias: str, fields: Sequence[CompiledField], hidden: Collection[str], *, whole: bool
) -> list[str]:
    """The end of the record: what is in the document, and the closing brace."""
    if not whole:
        return [*(_value(alias, field) for field in fields), "'}'"]
    renamed = [field for field in fields if field.id != field.name]
    known = {field.id for field in module.fields.values()}
    out = [
        part.id
        for part in (*module.definition.fields, *module.definition.links)
        if part.id not in known or part.id in hidden
    ]
    out += [field.id for field in renamed]
    document = f"({alias}.data - {_array(out)})" if out else f"{alias}.data"
    # The document comes last, so that its closing brace is the record's: right(x, -1) drops one character at once, while
    # left(x, -1) and substr(x, 2) count all characters of the text.
    return [*(_value(alias, field) for field in renamed), f"coalesce(nullif(',' || right({document}::text, -1), ',}}'), '}}')"]


def _value(alias: str, field: CompiledField) -> str:
    return f"""coalesce(',"{field.name}":' || ({alias}.data->{literal(field.id)})::text, '')"""


def _link(context: TableContext, link: CompiledLink, *, titles: bool) -> Sql:
    alias = context.alias
    column = target_column(alias, link)
    params: tuple[Any, ...] = ()
    if link.polymorphic:
        names = " ".join(
            f"when {literal(target)} then {literal(context.modules[target].name)}"
            for target in link.targets
            if target in context.modules
        )
        module = f"""' || (case {alias}.data->{literal(link.id)}->>'module' {names} end) || '"""
        title = context.polymorphic(alias, link, "title").raw if titles else None
        if isinstance(title, Sql):
            # What the actor may see of the targets is said with parameters.
            params = title.params
    else:
        module = context.modules[link.targets[0]].name
        title = f"{context.join((link.id,), alias, link, context.modules[link.targets[0]])}.title" if titles else None
    shown = f""" || coalesce(',"title":' || to_json({title})::text, '')""" if title else ""
    text = f"""coalesce(',"{link.name}":{{"id":"' || {column} || '","module":"{module}"'{shown} || '}}', '')"""
    return Sql(text, params)


def _long_texts(module: CompiledModule, alias: str, fields: Sequence[CompiledField]) -> str:
    names = " ".join(f"when {literal(field.id)} then {literal(field.name)}" for field in fields)
    wanted = ", ".join(literal(field.id) for field in fields)
    return (
        f"""coalesce((select string_agg(',"' || (case x.field_id {names} end) || '":' || to_json(x.value)::text, '' order by x.field_id) """
        f"from {module.table.schema}.long_text x where x.module_id = {literal(module.id)} and x.record_id = {alias}.id "
        f"and x.field_id in ({wanted})), '')"
    )


def _array(ids: Sequence[str]) -> str:
    return "'{" + ",".join(ids) + "}'::text[]"
