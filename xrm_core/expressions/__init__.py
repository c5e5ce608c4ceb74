"""The one expression language: filters, rules, formulas and titles are parsed, checked, then evaluated or compiled.

`parse` makes a tree of a text, `check` a typed tree of a tree and a `Scope`; both answer with what they made and a
list of problems. A typed tree is turned into a function by `compile` (or into SQL by `storage.sql`), and `reads` says
what it depends on.
"""

from xrm_core.expressions.checker import check, check_condition
from xrm_core.expressions.evaluate import Env, Now, Values, compile, compile_condition
from xrm_core.expressions.function import Function
from xrm_core.expressions.functions import FUNCTIONS
from xrm_core.expressions.json_form import from_json, to_json
from xrm_core.expressions.parser import is_name, parse
from xrm_core.expressions.printer import print_node
from xrm_core.expressions.reads import Reads, reads
from xrm_core.expressions.scope import Names, Path, Scope, Symbol
from xrm_core.expressions.template import Template, TypedTemplate, check_template, parse_template
from xrm_core.expressions.tree import Node
from xrm_core.expressions.typed import Typed
from xrm_core.expressions.types import Type

__all__ = [
    "FUNCTIONS",
    "Env",
    "Function",
    "Names",
    "Node",
    "Now",
    "Path",
    "Reads",
    "Scope",
    "Symbol",
    "Template",
    "Type",
    "Typed",
    "TypedTemplate",
    "Values",
    "check",
    "check_condition",
    "check_template",
    "compile",
    "compile_condition",
    "from_json",
    "is_name",
    "parse",
    "parse_template",
    "print_node",
    "reads",
    "to_json",
]
