"""The field types whose values people write, and the union that reads one of them from a definition."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field as Setting
from pydantic import TypeAdapter

from xrm_core.fields.address import Address
from xrm_core.fields.auto_number import AutoNumber
from xrm_core.fields.base import Field
from xrm_core.fields.boolean import Boolean
from xrm_core.fields.date import Date
from xrm_core.fields.date_range import DateRange
from xrm_core.fields.datetime import DateTime
from xrm_core.fields.decimal import Decimal
from xrm_core.fields.duration import Duration
from xrm_core.fields.email import Email
from xrm_core.fields.file import File
from xrm_core.fields.integer import Integer
from xrm_core.fields.json import Json
from xrm_core.fields.long_text import LongText
from xrm_core.fields.money import Money
from xrm_core.fields.money_rate import MoneyRate
from xrm_core.fields.multi_select import MultiSelect
from xrm_core.fields.percent import Percent
from xrm_core.fields.person_name import PersonName
from xrm_core.fields.phone import Phone
from xrm_core.fields.rating import Rating
from xrm_core.fields.rich_text import RichText
from xrm_core.fields.select import Select
from xrm_core.fields.text import Text
from xrm_core.fields.url import Url
from xrm_core.fields.user import User
from xrm_core.kernel.kinds import Kind

Stored = (
    Text
    | LongText
    | RichText
    | Integer
    | Decimal
    | Percent
    | Money
    | MoneyRate
    | Boolean
    | Date
    | DateTime
    | Duration
    | DateRange
    | Select
    | MultiSelect
    | Email
    | Phone
    | Url
    | Address
    | PersonName
    | User
    | File
    | Rating
    | AutoNumber
    | Json
)
StoredField = Annotated[Stored, Setting(discriminator="type")]
stored_adapter: TypeAdapter[Field] = TypeAdapter(StoredField)

_OF_KIND: dict[Kind, dict[str, object]] = {
    Kind.TEXT: {"type": "text"},
    Kind.INTEGER: {"type": "integer"},
    Kind.DECIMAL: {"type": "decimal"},
    Kind.BOOLEAN: {"type": "boolean"},
    Kind.DATE: {"type": "date"},
    Kind.INSTANT: {"type": "datetime"},
    Kind.DURATION: {"type": "duration", "units": ["days", "months", "business_days", "hours"]},
    Kind.MONEY: {"type": "money"},
    Kind.RATE: {"type": "money_rate"},
    Kind.LIST: {"type": "multi_select", "open": True},
    Kind.REFERENCE: {"type": "user"},
    Kind.OBJECT: {"type": "json"},
}


def field_of_kind(kind: Kind, name: str = "value", label: str = "Value") -> Field:
    """The plain field of a kind: how a computed value is shown when its definition does not say."""
    return stored_adapter.validate_python({**_OF_KIND[kind], "name": name, "label": label})
