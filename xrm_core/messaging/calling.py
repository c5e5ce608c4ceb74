"""Calling other servers by HTTP: never one inside the own network unless that is allowed, never for long."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx

from xrm_core.kernel.problem import Problem
from xrm_core.messaging.effects import Later, Never
from xrm_core.messaging.office import Office

SECONDS = 15.0
LONGEST_ANSWER = 64 * 1024
LONGEST_URL = 2_000


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said."""

    status: int
    headers: dict[str, str]
    body: bytes


def check_url(url: object, place: str, office: Office) -> list[Problem]:
    """What can be said against an address before its name is looked up."""
    hint = "Write it like https://example.org/path."
    if not isinstance(url, str) or len(url) > LONGEST_URL or any(c <= " " or c == "\x7f" for c in url):
        return [Problem("url", place, "This is no address.", hint)]
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return [Problem("url", place, "This is no address.", hint)]
    if parts.scheme not in ("https", "http") or not parts.hostname:
        return [Problem("url", place, "The address does not begin with https:// and a host.", hint)]
    if parts.username is not None or parts.password is not None:
        return [Problem("url", place, "An address holds no password.", "Give user and password on their own.")]
    if parts.scheme == "http" and not office.private_hosts:
        return [Problem("url", place, "Only https:// is called.", "Or allow private hosts in the settings.")]
    try:
        address = ipaddress.ip_address(parts.hostname)
    except ValueError:
        return []
    if not office.private_hosts and not is_public(str(address)):
        return [Problem("private", place, "This address is inside a private network.", "Use a public one.")]
    return []


def is_public(address: str) -> bool:
    """Whether an address belongs to nobody's private network."""
    found = ipaddress.ip_address(address.partition("%")[0])
    mapped = getattr(found, "ipv4_mapped", None) or getattr(found, "sixtofour", None)
    inner = mapped if mapped is not None else found
    return found.is_global and inner.is_global and not found.is_multicast and not found.is_reserved


async def resolve(host: str, port: int, office: Office) -> str:
    """One address of a host; raises Never when any of them is inside a private network and that is not allowed."""
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(SECONDS):
            found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, TimeoutError, UnicodeError) as error:
        raise Later(f"{host} cannot be found: {error}") from error
    addresses = [str(entry[4][0]) for entry in found]
    if not office.private_hosts and not all(is_public(one) for one in addresses):
        raise Never(f"{host} is inside a private network")
    return addresses[0]


async def call(
    office: Office,
    method: str,
    url: str,
    *,
    body: bytes = b"",
    headers: dict[str, str] | None = None,
    auth: tuple[str, str] | None = None,
    most: int = LONGEST_ANSWER,
) -> Answer:
    """Call a server at the very address that was checked, without following where it points to. Raises Later, Never."""
    problems = check_url(url, "", office)
    if problems:
        raise Never(problems[0].message)
    parts = urlsplit(url)
    host = parts.hostname or ""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    address = await resolve(host, port, office)
    target = httpx.URL(url).copy_with(host=address)
    sent = {"Host": parts.netloc, "User-Agent": "xrm", "Accept-Encoding": "identity", **(headers or {})}
    try:
        async with (
            asyncio.timeout(SECONDS),
            httpx.AsyncClient(timeout=SECONDS, follow_redirects=False, trust_env=False) as client,
            client.stream(
                method, target, content=body, headers=sent, auth=auth, extensions={"sni_hostname": host}
            ) as answer,
        ):  # fmt: skip
            kept = bytearray()
            async for part in answer.aiter_raw():
                kept += part
                if len(kept) > most:
                    break
            return Answer(answer.status_code, {k.lower(): v for k, v in answer.headers.items()}, bytes(kept[:most]))
    except (httpx.HTTPError, OSError, TimeoutError) as error:
        raise Later(f"{host}:{port}: {str(error) or type(error).__name__}"[:500]) from OSError(str(error))
