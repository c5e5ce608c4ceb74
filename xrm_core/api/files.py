"""Files: uploaded as multipart forms, handed out so that a browser never runs them inside the product."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from urllib.parse import quote

import orjson
from litestar import Response, get, post
from litestar.datastructures import UploadFile

from xrm_core.api.answers import Answer, change
from xrm_core.api.problems import TooLarge, WrongMediaType
from xrm_core.api.query import Parameters, record_id
from xrm_core.api.services import Req, caller_of, services_of
from xrm_core.kernel.errors import Invalid, Malformed
from xrm_core.kernel.ids import new_id
from xrm_core.kernel.problem import Problem
from xrm_core.records.attachments import content_of, readable_file
from xrm_core.records.unit import Unit
from xrm_core.storage import files
from xrm_core.storage.files import StoredFile

_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,63}/[a-z0-9][a-z0-9!#$&^_.+-]{0,63}")
_UNSAFE = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|]')
PLAIN = "application/octet-stream"
MULTIPART_ROOM = 64 * 1024
"""What a multipart body needs beside the file."""


async def sent_file(request: Req) -> tuple[UploadFile, bytes]:
    """The part `file` of a multipart form, and what is in it."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "multipart/form-data":
        raise WrongMediaType(
            Problem("media_type", "", "A file is sent as multipart/form-data.", "Name the part 'file'.")
        )
    await request.body()  # kept, so that an idempotency key can be held against it
    try:
        form = await request.form()
    except (ValueError, KeyError) as error:
        raise Malformed(Problem("multipart", "", f"The form cannot be read: {error}.")) from None
    upload = form.get("file")
    if not isinstance(upload, UploadFile):
        raise Invalid(Problem("required", "/file", "There is no part named 'file' with a file in it."))
    content = await upload.read()
    limit = services_of(request).file_limit
    if len(content) > limit:
        raise TooLarge(Problem("too_large", "/file", f"A file has at most {limit // 1024 // 1024} MB."))
    return upload, content


@post("/files")
async def upload_file(request: Req) -> Response[bytes]:
    """Upload a file as the part `file` of a multipart form."""
    caller = await caller_of(request)
    Parameters(request.scope["query_string"], ())
    upload, content = await sent_file(request)
    name = safe_name(upload.filename or "")
    media_type = upload.content_type.partition(";")[0].strip().lower()
    media_type = media_type if _TYPE.fullmatch(media_type) else PLAIN

    async def work(unit: Unit) -> Answer:
        stored = StoredFile(
            new_id(),
            name,
            len(content),
            media_type,
            hashlib.sha256(content).digest(),
            None,
            None,
            unit.now,
            unit.actor.user_id,
            None,
        )
        await files.add_file(await unit.transaction(), unit.schema, stored, content)
        body = {"id": str(stored.id), "name": name, "size": stored.size, "type": media_type}
        return Answer(201, orjson.dumps(body), {"Location": f"/api/v1/files/{stored.id}"})

    return await change(request, caller, work)


@get("/files/{id:str}")
async def download_file(request: Req) -> Response[bytes]:
    """Download a file; whoever uploaded it may, and whoever sees the record that holds it."""
    caller = await caller_of(request)
    Parameters(request.scope["query_string"], ())
    identity = record_id(request.path_params["id"])
    async with services_of(request).units.begin(caller.workspace, caller.actor) as unit:
        stored = await readable_file(unit, identity)
        content = await content_of(unit, stored)
    return Response(content, media_type=stored.type, headers=download_headers(stored.name))


def download_headers(name: str) -> dict[str, str]:
    """Headers that make a browser save the file and never run what is in it."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().strip() or "file"
    return {
        "Content-Disposition": f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}",
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "Cache-Control": "private, max-age=3600",
    }


def safe_name(name: str) -> str:
    """A file name without path, control characters and what systems refuse; never empty, at most 200 characters."""
    base = unicodedata.normalize("NFC", name.replace("\\", "/").rsplit("/", 1)[-1])
    base = "".join(character for character in base if not 0xD800 <= ord(character) <= 0xDFFF)
    base = _UNSAFE.sub("_", base).strip(" .")
    if len(base) > 200:
        stem, dot, ending = base.rpartition(".")
        base = f"{stem[: 199 - len(ending)]}.{ending}" if dot and len(ending) <= 20 else base[:200]
    return base or "file"


UPLOADS = [upload_file]
DOWNLOADS = [download_file]
