"""Requests by the thousand over kept-alive connections: wrk where it is installed, else a client of our own."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

CONNECTIONS = 8


@dataclass(frozen=True, slots=True)
class Shape:
    """Requests to send: a method, paths of which each request takes the next, a body and headers."""

    method: str
    paths: Sequence[str]
    headers: dict[str, str]
    bodies: Sequence[bytes] = ()


async def rate(base: str, shape: Shape, seconds: float) -> float:
    """Answered requests per second; raises if any was not answered with 2xx."""
    return await (_wrk(base, shape, seconds) if shutil.which("wrk") else _own(base, shape, seconds))


async def _wrk(base: str, shape: Shape, seconds: float) -> float:
    headers = "\n".join(
        f"wrk.headers[{json.dumps(name)}] = {json.dumps(value)}" for name, value in shape.headers.items()
    )
    bodies = ", ".join(json.dumps(body.decode()) for body in shape.bodies)
    script = f"""
local paths = {{ {", ".join(json.dumps(path) for path in shape.paths)} }}
local bodies = {{ {bodies} }}
wrk.method = {json.dumps(shape.method)}
{headers}
local at = 0
request = function()
  at = at + 1
  local body = nil
  if #bodies > 0 then body = bodies[at % #bodies + 1] end
  return wrk.format(nil, paths[at % #paths + 1], nil, body)
end
"""
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as file:
        file.write(script)
        file.flush()
        process = await asyncio.create_subprocess_exec(
            "wrk", "-t1", f"-c{CONNECTIONS}", f"-d{max(1, round(seconds))}s", "-s", file.name, base,
            stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        out, _ = await process.communicate()
    text = out.decode()
    found = re.search(r"Requests/sec:\s*([0-9.]+)", text)
    if process.returncode or found is None or "Non-2xx" in text or "Socket errors" in text:
        raise SystemExit(f"{shape.method} {shape.paths[0]} failed:\n{text}")
    return float(found.group(1))


async def _own(base: str, shape: Shape, seconds: float) -> float:
    address = urlsplit(base)
    until = time.perf_counter() + seconds

    async def work(offset: int) -> int:
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        at, done = offset * 7919, 0
        try:
            while time.perf_counter() < until:
                at += 1
                status, _ = await exchange(reader, writer, address.netloc, shape, at)
                if not 200 <= status < 300:
                    raise SystemExit(f"{shape.method} {shape.paths[at % len(shape.paths)]}: {status}")
                done += 1
        finally:
            writer.close()
        return done

    started = time.perf_counter()
    counts = await asyncio.gather(*(work(index) for index in range(CONNECTIONS)))
    return sum(counts) / (time.perf_counter() - started)


async def exchange(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str, shape: Shape, at: int
) -> tuple[int, bytes]:
    """One request and its answer over an open connection."""
    body = shape.bodies[at % len(shape.bodies)] if shape.bodies else b""
    lines = [f"{shape.method} {shape.paths[at % len(shape.paths)]} HTTP/1.1", f"Host: {host}"]
    lines += [f"{name}: {value}" for name, value in shape.headers.items()]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    writer.write(("\r\n".join(lines) + "\r\n\r\n").encode() + body)
    await writer.drain()
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    length = re.search(r"content-length:\s*(\d+)", head, re.IGNORECASE)
    answer = await reader.readexactly(int(length.group(1))) if length else b""
    return int(head.split(" ", 2)[1]), answer


def temporary(content: bytes) -> Path:
    """A file with that content, to hand to another process."""
    with tempfile.NamedTemporaryFile(delete=False) as file:
        file.write(content)
        return Path(file.name)
