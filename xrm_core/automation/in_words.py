"""Conditions said in words, for sentences about automations: labels instead of names, options as people see them."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from xrm_core.catalog import Catalog
from xrm_core.expressions.parser import parse
from xrm_core.expressions.printer import print_node
from xrm_core.expressions.tree import Binary, Call, Compare, ListOf, Literal, Logic, Name, Node, Unary
from xrm_core.fields.capabilities import HoldsOptions
from xrm_core.kernel.kinds import Kind
from xrm_core.kernel.labels import label_text
from xrm_core.storage.model import SYSTEM_KINDS, CompiledModule

Both = tuple[str, str]
_SYSTEM: Mapping[str, Both] = {
    "owner": ("owner", "Besitzer"), "stage": ("stage", "Stufe"), "title": ("name", "Name"), "me": ("me", "ich"),
    "created_at": ("created", "angelegt"), "updated_at": ("changed", "geändert"), "archived_at": ("archived", "archiviert"),
    "stage_entered_at": ("in this stage since", "auf dieser Stufe seit"), "id": ("id", "Kennung"),
}  # fmt: skip
_COMPARED: Mapping[str, Both] = {
    "==": ("is", "ist"), "!=": ("is not", "ist nicht"), "<": ("is less than", "ist kleiner als"),
    "<=": ("is at most", "ist höchstens"), ">": ("is more than", "ist größer als"), ">=": ("is at least", "ist mindestens"),
}  # fmt: skip
_IN_TIME: Mapping[str, Both] = {
    "<": ("is before", "ist vor"), "<=": ("is not after", "ist nicht nach"),
    ">": ("is after", "ist nach"), ">=": ("is not before", "ist nicht vor"),
}  # fmt: skip
_CALLS: Mapping[str, Both] = {
    "is_empty": ("{} is empty", "{} ist leer"), "is_not_empty": ("{} is filled", "{} ist gefüllt"),
    "contains": ("{} contains {}", "{} enthält {}"), "starts_with": ("{} starts with {}", "{} beginnt mit {}"),
    "ends_with": ("{} ends with {}", "{} endet mit {}"), "has_any": ("{} has one of {}", "{} hat eines von {}"),
    "has_all": ("{} has all of {}", "{} hat alle von {}"), "has_none": ("{} has none of {}", "{} hat keines von {}"),
    "between": ("{} is between {} and {}", "{} liegt zwischen {} und {}"),
}  # fmt: skip
_VALUES: Mapping[str, Both] = {
    "today": ("today", "heute"), "now": ("now", "jetzt"), "days": ("{} days", "{} Tagen"), "hours": ("{} hours", "{} Stunden"),
    "weeks": ("{} weeks", "{} Wochen"), "months": ("{} months", "{} Monaten"), "years": ("{} years", "{} Jahren"),
    "business_days": ("{} business days", "{} Arbeitstagen"), "amount": ("{}", "{}"), "annual": ("{}", "{}"),
    "count": ("the number of {}", "die Zahl der {}"), "start_of_week": ("the week of {}", "die Woche von {}"),
    "start_of_month": ("the month of {}", "den Monat von {}"),
}  # fmt: skip
_RELATED: Mapping[str, tuple[Both, Both]] = {
    "any": (("there are {}", "es gibt {}"), ("there are {} for which {}", "es gibt {}, für die gilt: {}")),
    "none": (("there are no {}", "es gibt keine {}"), ("there are no {} for which {}", "es gibt keine {}, für die gilt: {}")),
    "all": (("", ""), ("for all {} {}", "für alle {} gilt: {}")),
}  # fmt: skip
_AWAY: Mapping[tuple[str, str], Both] = {
    ("<", "-"): ("is more than {} ago", "liegt mehr als {} zurück"),
    ("<=", "-"): ("is at least {} ago", "liegt mindestens {} zurück"),
    (">", "-"): ("is less than {} ago", "liegt weniger als {} zurück"),
    (">=", "-"): ("is at most {} ago", "liegt höchstens {} zurück"),
    ("<", "+"): ("is less than {} ahead", "liegt weniger als {} voraus"),
    ("<=", "+"): ("is at most {} ahead", "liegt höchstens {} voraus"),
    (">", "+"): ("is more than {} ahead", "liegt mehr als {} voraus"),
    (">=", "+"): ("is at least {} ahead", "liegt mindestens {} voraus"),
}
"""Dates compared with today or now and a length of time."""
_LENGTHS: Mapping[str, Both] = {
    "days": ("{} days", "{} Tage"), "hours": ("{} hours", "{} Stunden"), "weeks": ("{} weeks", "{} Wochen"),
    "months": ("{} months", "{} Monate"), "years": ("{} years", "{} Jahre"),
    "business_days": ("{} business days", "{} Arbeitstage"),
}  # fmt: skip
_CLOCK = frozenset({"today", "now", "start_of_week", "start_of_month"})


def in_words(catalog: Catalog, module: CompiledModule | None, text: str, language: str) -> str:
    """A condition on records of a module as a part of a sentence; what has no words stays as it is written."""
    node, _ = parse(text)
    return text if node is None or module is None else _Words(catalog, language).said(node, module)


class _Words:
    def __init__(self, catalog: Catalog, language: str) -> None:
        self.catalog = catalog
        self.language = language

    def pick(self, both: Both) -> str:
        return both[1] if self.language == "de" else both[0]

    def said(self, node: Node, module: CompiledModule, inside: bool = False) -> str:
        match node:
            case Logic(op=join, items=items):
                word = self.pick((" and ", " und ") if join == "and" else (" or ", " oder "))
                text = word.join(self.said(item, module, True) for item in items)
                return f"({text})" if inside else text
            case Unary(op="not", operand=what):
                return self.pick(("not (", "nicht (")) + self.said(what, module) + ")"
            case Compare(op="==" | "!=" as sign, left=left, right=Literal(value=bool(value))):
                yes = value == (sign == "==")
                return f"{self.value(left, module)} {self.pick(('is yes', 'ist ja') if yes else ('is no', 'ist nein'))}"
            case Compare(op="==" | "!=" as sign, left=left, right=Literal(value=None)):
                return self.pick(_CALLS["is_empty" if sign == "==" else "is_not_empty"]).format(
                    self.value(left, module)
                )
            case Compare(op="in" | "not in" as sign, left=left, right=ListOf(items=items)):
                names = [self.value(item, module, left) for item in items]
                word = self.pick((" or ", " oder ") if sign == "in" else (" nor ", " noch "))
                both = ("is", "ist") if sign == "in" else ("is not", "ist nicht")
                if sign != "in" and len(names) > 1:
                    both = ("is neither", "ist weder")
                return f"{self.value(left, module)} {self.pick(both)} {_listed(names, word)}"
            case Compare(
                op=sign,
                left=left,
                right=Binary(
                    op=way,
                    left=Call(function="today" | "now"),
                    right=Call(function=unit, args=(Literal(value=length),)),
                ),
            ) if (sign, way) in _AWAY and unit in _LENGTHS:
                span = self.pick(_LENGTHS[unit]).format(length)
                return f"{self.value(left, module)} {self.pick(_AWAY[sign, way]).format(span)}"
            case Compare(op=sign, left=left, right=right) if sign in _COMPARED:
                words = _IN_TIME.get(sign) if _about_time(right) or self._dated(left, module) else None
                return f"{self.value(left, module)} {self.pick(words or _COMPARED[sign])} {self.value(right, module, left)}"
            case Call(function=name, args=(link,)) if name in _RELATED and name != "all":
                return self.pick(_RELATED[name][0]).format(self.value(link, module))
            case Call(function=name, args=(Name(parts=parts) as link, condition)) if name in _RELATED:
                of = self._behind(parts, module)
                inner = self.said(condition, of) if of is not None else print_node(condition)
                return self.pick(_RELATED[name][1]).format(self.value(link, module), inner)
            case Call(function=name, args=(first, *rest)) if name in _CALLS:
                values = [self.value(first, module), *(self.value(one, module, first) for one in rest)]
                pattern = self.pick(_CALLS[name])
                return pattern.format(*values) if pattern.count("{}") == len(values) else print_node(node)
            case Name():
                return f"{self.value(node, module)} {self.pick(('is yes', 'ist ja'))}"
        return print_node(node)

    def value(self, node: Node, module: CompiledModule, of: Node | None = None) -> str:
        """A value; with `of`, a text may be an option of that field."""
        match node:
            case Name(parts=parts):
                return self._label(parts, module)
            case Literal(value=str(text)):
                return self._option(text, of, module)
            case Literal(value=bool(value)):
                return self.pick(("yes", "ja") if value else ("no", "nein"))
            case Literal(value=int() | Decimal() as number):
                return format(number, "f") if isinstance(number, Decimal) else str(number)
            case ListOf(items=items):
                return _listed([self.value(item, module, of) for item in items], self.pick((" or ", " oder ")))
            case Binary(op="-" | "+" as sign, left=Call(function="today" | "now"), right=Call(function=unit)) if (
                unit in _VALUES
            ):
                span = self.value(node.right, module)
                return self.pick(("{} ago", "vor {}") if sign == "-" else ("in {}", "in {}")).format(span)
            case Binary(op=sign, left=left, right=right):
                return f"{self.value(left, module)} {sign} {self.value(right, module)}"
            case Call(function=name, args=values) if name in _VALUES and self.pick(_VALUES[name]).count("{}") == len(
                values
            ):
                return self.pick(_VALUES[name]).format(*(self.value(one, module, of) for one in values))
        return print_node(node)

    def _label(self, parts: tuple[str, ...], module: CompiledModule) -> str:
        labels: list[str] = []
        here: CompiledModule | None = module
        for part in parts:
            if part in ("this", "before") and not labels:
                labels.append(
                    self.pick(("this record’s", "dieses Datensatzes") if part == "this" else ("the earlier", "früher"))
                )
                continue
            found = None if here is None else here.fields.get(part) or here.links.get(part)
            back = None if here is None else here.inverses.get(part)
            if found is not None:
                labels.append(label_text(found.definition.label, self.language))
            elif back is not None:
                labels.append(label_text(back.label, self.language))
            else:
                labels.append(self.pick(_SYSTEM.get(part, (part.replace("_", " "),) * 2)))
            here = None if here is None else self._behind((part,), here)
        return " → ".join(labels)

    def _behind(self, parts: tuple[str, ...], module: CompiledModule) -> CompiledModule | None:
        """The module that a path of links leads to."""
        here: CompiledModule | None = module
        for part in parts:
            if here is None:
                return None
            link, back = here.links.get(part), here.inverses.get(part)
            target = (
                link.targets[0] if link is not None and len(link.targets) == 1 else back.module_id if back else None
            )
            here = self.catalog.modules.get(target) if target is not None else None
        return here

    def _dated(self, node: Node, module: CompiledModule) -> bool:
        if not isinstance(node, Name):
            return False
        here = self._behind(node.parts[:-1], module)
        found = here.fields.get(node.parts[-1]) if here is not None else None
        kind = found.kind if found is not None else SYSTEM_KINDS.get(node.parts[-1])
        return kind in (Kind.DATE, Kind.INSTANT)

    def _option(self, text: str, of: Node | None, module: CompiledModule) -> str:
        if isinstance(of, Name):
            here = self._behind(of.parts[:-1], module)
            last = of.parts[-1]
            stage = here.stages.get(text) if here is not None and last == "stage" else None
            if stage is not None:
                return label_text(stage.label, self.language)
            found = here.fields.get(last) if here is not None else None
            if found is not None and isinstance(found.definition, HoldsOptions):
                return found.definition.option_label(text, self.language)
        return self.pick(("“{}”", "„{}“")).format(text)


def _listed(names: list[str], word: str) -> str:
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + word + names[-1] if names else "–"


def _about_time(node: Node) -> bool:
    match node:
        case Call(function=name):
            return name in _CLOCK
        case Binary(left=left):
            return _about_time(left)
    return False
