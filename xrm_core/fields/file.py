"""Uploaded files."""

from __future__ import annotations

import re
from typing import Any, ClassVar, Literal

from pydantic import Field as Setting

from xrm_core.fields.base import Field, ParseContext, Rejected, reject
from xrm_core.fields.strings import clean
from xrm_core.fields.user import UUID_TEXT
from xrm_core.kernel.kinds import Kind
from xrm_core.kernel.problem import Problem

MOST_FILES = 50
_KEYS = frozenset({"id", "name", "size", "type"})
_MEDIA = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,126}/[a-z0-9][a-z0-9!#$&^_.+-]{0,126}", re.ASCII)
_ACCEPT = re.compile(r"\.[a-z0-9]{1,10}|[a-z]+/(?:\*|[a-z0-9.+-]+)", re.ASCII)


class File(Field):
    """One or several uploaded files."""

    kind: ClassVar[Kind] = Kind.OBJECT

    type: Literal["file"] = "file"
    multiple: bool = True
    accept: tuple[str, ...] = Setting(
        default=(), max_length=50, description="Endings such as .pdf and media types such as image/*; all when empty."
    )
    max_size_mb: int = Setting(default=20, ge=1, le=500)

    def check_settings(self) -> list[Problem]:
        problems = [
            Problem(
                "accept",
                f"/accept/{index}",
                f"{entry[:40]!r} is neither an ending nor a media type.",
                "Write .pdf or image/*.",
            )
            for index, entry in enumerate(self.accept)
            if not _ACCEPT.fullmatch(entry)
        ]
        return problems + super().check_settings()

    def takes_over(self, source: Field) -> bool:
        return isinstance(source, File)

    def value_schema(self) -> dict[str, Any]:
        one = {
            "type": "object",
            "properties": {
                "id": {"type": "string", "format": "uuid"},
                "name": {"type": "string", "minLength": 1, "maxLength": 255},
                "size": {"type": "integer", "minimum": 0, "maximum": self.max_size_mb * 1024 * 1024},
                "type": {"type": "string", "minLength": 3},
            },
            "required": ["id", "name", "size", "type"],
            "additionalProperties": False,
        }
        return {"type": "array", "items": one, "minItems": 1, "maxItems": MOST_FILES if self.multiple else 1}

    def parse(self, raw: Any, context: ParseContext) -> Any:
        if isinstance(raw, dict):
            raw = [raw]
        if not isinstance(raw, list):
            raise reject(
                "type", "A list of files is needed.", 'Send [{"id", "name", "size", "type"}] as the upload answered it.'
            )
        most = MOST_FILES if self.multiple else 1
        if len(raw) > most:
            raise reject("too_many", f"At most {most} {'file' if most == 1 else 'files'}; this has {len(raw)}.")
        found: dict[str, dict[str, Any]] = {}
        for index, item in enumerate(raw):
            try:
                entry = self._entry(item)
            except Rejected as rejected:
                raise Rejected(*(problem.under(f"/{index}") for problem in rejected.problems)) from None
            found.setdefault(entry["id"], entry)
        return list(found.values()) or None

    def _entry(self, item: Any) -> dict[str, Any]:
        if not isinstance(item, dict) or item.keys() != _KEYS:
            raise reject("type", "A file is needed.", 'Send {"id", "name", "size", "type"} as the upload answered it.')
        if not isinstance(item["id"], str) or not UUID_TEXT.fullmatch(item["id"]):
            raise reject("type", "The id of an uploaded file is needed.", path="/id")
        size, kind = item["size"], item["type"]
        if type(size) is not int or size < 0:
            raise reject("type", "The size in bytes is needed.", path="/size")
        if size > self.max_size_mb * 1024 * 1024:
            raise reject("too_large", f"At most {self.max_size_mb} MB.", path="/size")
        if not isinstance(kind, str) or not _MEDIA.fullmatch(kind.lower()):
            raise reject("type", "A media type such as application/pdf is needed.", path="/type")
        try:
            name = clean(item["name"], 255)
        except Rejected as rejected:
            raise Rejected(*(problem.under("/name") for problem in rejected.problems)) from None
        if not name or name in (".", "..") or "/" in name or "\\" in name:
            raise reject("file_name", "This is not a file name.", "Send the name without folders.", "/name")
        if not self.takes(name, kind.lower()):
            raise reject(
                "not_allowed",
                "Files of this type are not taken here.",
                "Allowed: " + ", ".join(self.accept) + ".",
                "/type",
            )
        return {"id": item["id"], "name": name, "size": size, "type": kind.lower()}

    def takes(self, name: str, media_type: str) -> bool:
        """Whether a file of this name and media type may be attached."""
        if not self.accept:
            return True
        ending = "." + name.rpartition(".")[2].lower()
        return any(
            entry in (ending, media_type) or (entry.endswith("/*") and media_type.startswith(entry[:-1]))
            for entry in self.accept
        )

    def parse_text(self, text: str, context: ParseContext) -> Any:
        raise reject("type", "A file cannot be typed.", "Upload it.")

    def format(self, value: Any, context: ParseContext) -> str:
        return ", ".join(entry["name"] for entry in value)

    def example(self) -> Any:
        endings = [entry for entry in self.accept if entry.startswith(".")]
        kinds = [entry.replace("*", "png") for entry in self.accept if "/" in entry]
        name = "profile" + (endings[0] if endings else ".pdf")
        return [
            {
                "id": "0192d3a0-0000-7000-8000-000000000002",
                "name": name,
                "size": 48213,
                "type": kinds[0] if kinds else "application/pdf",
            }
        ]

    def project(self, value: Any) -> Any:
        return None

    def file_ids(self, value: Any) -> list[str]:
        """The ids of the files of a stored value."""
        return [entry["id"] for entry in value or ()]

    def search_text(self, value: Any) -> str:
        return " ".join(entry["name"] for entry in value)
