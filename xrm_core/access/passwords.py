"""Passwords: hashed with Argon2id in a thread, compared so that an unknown account takes as long as a wrong password."""

from __future__ import annotations

import asyncio
import secrets

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from xrm_core.kernel.problem import Problem

SHORTEST = 8
LONGEST = 256
_WORDS = "bcdfghjkmnpqrstvwxz"
_VOWELS = "aeiou"


class Passwords:
    """Hashes and verifies; at most `parallel` at a time, because each hash takes its memory on purpose."""

    def __init__(self, hasher: PasswordHasher | None = None, parallel: int = 2) -> None:
        self._hasher = hasher or PasswordHasher()
        self._turn = asyncio.Semaphore(parallel)
        self._nobody: str | None = None

    async def hash(self, password: str) -> str:
        """The hash to store."""
        async with self._turn:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def verify(self, stored: str | None, password: str) -> bool:
        """Whether the password fits; with no stored hash the same work is done and the answer is no."""
        if self._nobody is None:
            self._nobody = await self.hash(secrets.token_urlsafe(16))
        async with self._turn:
            fits = await asyncio.to_thread(self._fits, stored or self._nobody, password[: LONGEST + 1])
        return fits and stored is not None

    def outdated(self, stored: str) -> bool:
        """Whether the hash was made with weaker parameters than today's."""
        return self._hasher.check_needs_rehash(stored)

    def _fits(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except (VerificationError, InvalidHashError):
            return False


def check_password(password: object, path: str = "/password", *, email: str = "") -> list[Problem]:
    """What is wrong with a password that somebody chose."""
    if not isinstance(password, str):
        return [Problem("type", path, "A password is a text.")]
    if len(password) < SHORTEST:
        return [
            Problem(
                "too_short",
                path,
                f"A password has at least {SHORTEST} characters.",
                "A few words in a row are easy to keep in mind.",
            )
        ]
    if len(password) > LONGEST:
        return [Problem("too_long", path, f"A password has at most {LONGEST} characters.")]
    if len(set(password)) < 4 or (
        email and password.casefold() in (email.casefold(), email.partition("@")[0].casefold())
    ):
        return [Problem("too_simple", path, "This password is too easy to guess.")]
    return []


def make_password() -> str:
    """A random password of about 70 bits that can be read out: "tuvok-raneb-dilas-mopit"."""

    def syllables() -> str:
        letters = (secrets.choice(_WORDS if index % 2 == 0 else _VOWELS) for index in range(5))
        return "".join(letters)

    return "-".join(syllables() for _ in range(4))
