"""Module tables as the context that expressions are compiled in: columns, joins along links, and lists of other records."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from xrm_core.expressions.scope import Path, Symbol
from xrm_core.kernel.kinds import Kind
from xrm_core.storage.hops import Hop, hop_of, hops_of, link_key
from xrm_core.storage.model import SYSTEM_KINDS, CompiledLink, CompiledModule
from xrm_core.storage.sql.values import FieldSql, Sql, joined, literal, sql

Modules = Mapping[str, CompiledModule]
Restrict = Callable[[CompiledModule, str], Sql | None]
"""The condition for the records of a module (under an alias) that the actor may see; None for all."""


@dataclass
class Names:
    """Aliases that are unique within one statement."""

    count: int = 0

    def next(self, letter: str) -> str:
        self.count += 1
        return f"{letter}{self.count}"


def target_column(alias: str, link: CompiledLink) -> str:
    """Where a link leads: its column, or the document while the column is not there (yet), as when a module comes back."""
    if link.column is not None:
        return f"{alias}.{link.column}"
    if link.polymorphic:
        return f"({alias}.data->{literal(link.id)}->>'id')::uuid"
    return f"({alias}.data->>{literal(link.id)})::uuid"


@dataclass
class TableContext:
    """One table under an alias, with the joins that paths over many-to-one links have asked for so far."""

    modules: Modules
    module: CompiledModule
    alias: str = "t"
    names: Names = field(default_factory=Names)
    restrict: Restrict | None = None
    joins: list[Sql] = field(default_factory=list)
    root: TableContext | None = None
    """The table that the whole expression is about, if this one is looked at for it."""
    _joined: dict[tuple[str, ...], str] = field(default_factory=dict)

    def column(self, path: Path) -> FieldSql:
        """The field at the end of a path."""
        symbols = [symbol for symbol in path if symbol.kind != "attribute"]
        attributes = tuple(symbol.id for symbol in path if symbol.kind == "attribute")
        kind = path[-1].type.kind or Kind.TEXT
        alias, module, link = self.alias, self.module, None
        for depth, symbol in enumerate(symbols[:-1], 1):
            mark = tuple(one.id for one in symbols[:depth])
            hop = hop_of(symbol, module.id, self.modules)
            if hop.link.polymorphic:
                return self.polymorphic(alias, hop.link, symbols[-1].id)
            module = self.modules[hop.ends[0]]
            link = hop.link
            alias = self.join(mark, alias, link, module)
        return self._field(alias, module, symbols[-1], attributes, kind)

    def over(self, path: Path) -> RelatedRows:
        """The records behind a path of links."""
        return RelatedRows(self, hops_of(path, self.module.id, self.modules))

    def tail(self) -> Sql:
        """The joins, to stand after the table."""
        return sql(" {}", joined(" ", self.joins)) if self.joins else Sql("")

    def join(self, mark: tuple[str, ...], before: str, link: CompiledLink, target: CompiledModule) -> str:
        """The alias of the table behind a many-to-one link of `before`; `mark` is the path of link ids that leads there."""
        found = self._joined.get(mark)
        if found is None:
            found = self._joined[mark] = self.names.next("j")
            condition = Sql(f"{found}.id = {target_column(before, link)}")
            allowed = self.restrict(target, found) if self.restrict else None
            if allowed is not None:
                condition = sql("{} and {}", condition, allowed)
            self.joins.append(sql("left join {} on {}", f"{target.table.qualified} {found}", condition))
        return found

    def polymorphic(self, alias: str, link: CompiledLink, key: str) -> FieldSql:
        """What can be read behind a link to several modules: id, module, title."""
        column = target_column(alias, link)
        if key == "id":
            return FieldSql(Kind.REFERENCE, raw=column)
        if key == "module":
            names = " ".join(
                f"when {literal(target)} then {literal(self.modules[target].name)}"
                for target in link.targets
                if target in self.modules
            )
            return FieldSql(Kind.TEXT, raw=f"(case {alias}.data->{literal(link.id)}->>'module' {names} end)")
        titles = []
        for target_id in link.targets:
            target = self.modules[target_id]
            name = self.names.next("x")
            allowed = self.restrict(target, name) if self.restrict else None
            titles.append(
                sql(
                    "(select {}.title from {} {} where {}.id = {}{})",
                    name,
                    target.table.qualified,
                    name,
                    name,
                    column,
                    sql(" and {}", allowed) if allowed else "",
                )
            )
        return FieldSql(Kind.TEXT, raw=sql("coalesce({})", joined(", ", titles)))

    def _field(
        self, alias: str, module: CompiledModule, symbol: Symbol, attributes: tuple[str, ...], kind: Kind
    ) -> FieldSql:
        key = symbol.id
        if symbol.kind in ("link", "links"):
            link = module.links_by_id[key]
            return FieldSql(Kind.REFERENCE, promoted=target_column(alias, link))
        known = module.fields_by_id.get(key)
        if known is None or symbol.kind == "system":
            return self._system(alias, module, key)
        if known.beside:
            text = (
                f"(select x.value from {module.table.schema}.long_text x where x.module_id = {literal(module.id)} "
                f"and x.record_id = {alias}.id and x.field_id = {literal(key)})"
            )
            return FieldSql(Kind.TEXT, raw=text)
        inside = () if known.computed else known.definition.json_path
        if attributes:
            return FieldSql(kind, json=f"{alias}.data", key=key, path=attributes)
        promoted = f"{alias}.{known.column}" if known.column else None
        return FieldSql(known.kind, promoted=promoted, json=f"{alias}.data", key=key, path=inside)

    def _system(self, alias: str, module: CompiledModule, key: str) -> FieldSql:
        if key == "module":
            return FieldSql(Kind.TEXT, raw=f"{literal(module.name)}::text")
        kind = SYSTEM_KINDS[key]
        if key == "stage":
            # Stage names are lower case without accents, so that the column is its own folded value.
            return FieldSql(kind, promoted=f"{alias}.stage", raw=f"{alias}.stage")
        if kind is Kind.TEXT:
            return FieldSql(kind, raw=f"{alias}.{key}")
        return FieldSql(kind, promoted=f"{alias}.{key}")


class RelatedRows:
    """The records behind a path of links, as a sub-select that is tied to the outer row; archived records do not count."""

    def __init__(self, outer: TableContext, hops: Sequence[Hop]) -> None:
        self._outer = outer
        self._steps = Steps(outer.modules, hops, outer.names, outer.restrict)
        self.context = self._steps.context
        self.context.root = outer.root or outer

    def source(self) -> Sql:
        return self._steps.source()

    def where(self) -> Sql:
        return joined(" and ", [sql("{} = {}", self._steps.start, f"{self._outer.alias}.id"), *self._steps.conditions])


class Steps:
    """A path of links as a FROM clause, from `start`, SQL for the id of the first record, to the table `alias` at the end.

    `conditions` belong into the WHERE clause: archived records do not count unless `live` is off, and records that the
    actor may not see never do. A record that is reached twice counts once.
    """

    def __init__(
        self,
        modules: Modules,
        hops: Sequence[Hop],
        names: Names,
        restrict: Restrict | None = None,
        *,
        live: bool = True,
    ) -> None:
        self._parts: list[Sql] = []
        self._modules = modules
        self._names = names
        self.start = Sql("")
        self.conditions: list[Sql] = []
        before = alias = ""
        for hop in hops:
            end = modules[hop.ends[0]]
            alias = names.next("r")
            self._step(hop, end, alias, before)
            if live and hop.kind != "forward":
                self.conditions.append(Sql(f"{alias}.archived_at is null"))
            allowed = restrict(end, alias) if restrict else None
            if allowed is not None:
                self.conditions.append(allowed)
            before = alias
        end = modules[hops[-1].ends[0]]
        if (
            len(hops) > 1
            and any(hop.kind in ("many", "many_back", "forward") for hop in hops[:-1])
            or len(hops) > 1
            and hops[-1].kind == "forward"
        ):
            alias = self._once(end, alias)
        self.alias = alias
        self.context = TableContext(modules, end, alias, names, restrict)

    def source(self) -> Sql:
        return sql("{}{}", joined("", self._parts), self.context.tail())

    def _once(self, end: CompiledModule, alias: str) -> str:
        """Several ways may lead to one record: keep each pair of start and end once."""
        pairs, found = self._names.next("d"), self._names.next("r")
        where = sql(" where {}", joined(" and ", self.conditions)) if self.conditions else Sql("")
        inner = sql(
            "(select distinct {} as s, {}.id as e from {}{})", self.start, alias, joined("", self._parts), where
        )
        self._parts = [sql("{} {} join {} {} on {}.id = {}.e", inner, pairs, end.table.qualified, found, found, pairs)]
        self.start = Sql(f"{pairs}.s")
        self.conditions = []
        return found

    def _step(self, hop: Hop, end: CompiledModule, alias: str, before: str) -> None:
        table = end.table.qualified
        if hop.kind == "forward":
            if not before:
                before = self._names.next("s")
                self._parts.append(Sql(f"{self._modules[hop.start].table.qualified} {before}"))
                self.start = Sql(f"{before}.id")
            self._parts.append(Sql(f" join {table} {alias} on {alias}.id = {target_column(before, hop.link)}"))
            return
        if hop.kind == "inverse":
            column = target_column(alias, hop.link)
            if before:
                self._parts.append(Sql(f" join {table} {alias} on {column} = {before}.id"))
            else:
                self._parts.append(Sql(f"{table} {alias}"))
                self.start = Sql(column)
            return
        link = self._names.next("l")
        near, far = ("source_id", "target_id") if hop.kind == "many" else ("target_id", "source_id")
        if before:
            self._parts.append(Sql(f" join {end.table.schema}.link {link} on {link}.{near} = {before}.id"))
        else:
            self._parts.append(Sql(f"{end.table.schema}.link {link}"))
            self.start = Sql(f"{link}.{near}")
        self.conditions.append(Sql(f"{link}.link_id = {literal(link_key(hop.link))}"))
        self._parts.append(Sql(f" join {table} {alias} on {alias}.id = {link}.{far}"))
