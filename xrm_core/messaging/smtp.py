"""Handing a mail to an SMTP server: time limits on every step, and a clear answer to whether it was taken."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

import aiosmtplib
from aiosmtplib import SMTP, SMTPException, SMTPResponseException

from xrm_core.messaging.effects import Later, Never, Unclear
from xrm_core.messaging.office import Server

CONNECT_SECONDS = 20.0
COMMAND_SECONDS = 20.0
DATA_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Refusal:
    """What a server said against one recipient."""

    code: int
    text: str

    @property
    def for_good(self) -> bool:
        return self.code >= 500


@dataclass(slots=True)
class Taken:
    """A mail that the server has."""

    response: str
    accepted: list[str] = field(default_factory=list)
    refused: dict[str, Refusal] = field(default_factory=dict)


def _client(server: Server) -> SMTP:
    return SMTP(
        hostname=server.host,
        port=server.port,
        username=server.user or None,
        password=server.password or None,
        use_tls=server.security == "tls",
        start_tls=server.security == "starttls",
        timeout=COMMAND_SECONDS,
        local_hostname="localhost",
    )


async def probe(server: Server) -> None:
    """Connect and sign in. Raises Later with what the server said."""
    client = _client(server)
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            await client.connect()
            await client.noop()
    except SMTPResponseException as error:
        raise Later(f"{error.code} {error.message}"[:500]) from error
    except (SMTPException, OSError, TimeoutError, ValueError) as error:
        raise Later(f"{server.name}: {str(error) or type(error).__name__}"[:500]) from error
    finally:
        client.close()


async def send(
    server: Server, raw: bytes, sender: str, recipients: Sequence[str], begin: Callable[[], Awaitable[bool]]
) -> Taken:
    """Send one mail; `begin` is asked right before its content goes out, and stops it with False.

    Raises Later and Never when the server has certainly not taken it, Unclear when the line broke after that moment.
    """
    client = _client(server)
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            await client.connect()
        taken = Taken("")
        await client.mail(sender)
        for one in recipients:
            try:
                await client.rcpt(one)
                taken.accepted.append(one)
            except SMTPResponseException as error:
                taken.refused[one] = Refusal(error.code, error.message)
        if not taken.accepted:
            worst = [f"{one}: {told.code} {told.text}" for one, told in taken.refused.items()]
            kind = Never if all(told.for_good for told in taken.refused.values()) else Later
            raise kind("; ".join(worst)[:500], refused=taken.refused)
        if not await begin():
            raise Later("another worker has taken it over")
        await _data(client, raw, taken)
        return taken
    except SMTPResponseException as error:
        # 535 and the like are about the account, which somebody can correct; only the mail itself can be refused for good.
        about_mail = isinstance(error, aiosmtplib.SMTPDataError | aiosmtplib.SMTPSenderRefused)
        kind = Never if error.code >= 500 and about_mail else Later
        raise kind(f"{error.code} {error.message}"[:500]) from error
    except (SMTPException, OSError, TimeoutError, ValueError) as error:
        raise Later(f"{server.name}: {str(error) or type(error).__name__}"[:500]) from error
    finally:
        client.close()


async def _data(client: SMTP, raw: bytes, taken: Taken) -> None:
    try:
        async with asyncio.timeout(DATA_SECONDS):
            answer = await client.data(raw, timeout=DATA_SECONDS)
    except SMTPResponseException:
        raise
    except (SMTPException, OSError, TimeoutError) as error:
        raise Unclear(
            f"the line broke while the mail was handed over: {str(error) or type(error).__name__}"[:500]
        ) from error
    taken.response = f"{answer.code} {answer.message}"[:500]
