"""A doorkeeper, users and sessions over a fresh workspace; cheap hashing, because these tests hash a lot."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from argon2 import PasswordHasher

from xrm_core.access.callers import Doorkeeper
from xrm_core.access.passwords import Passwords
from xrm_core.access.sessions import Sessions
from xrm_core.access.tokens import Tokens
from xrm_core.access.users import Users
from xrm_core.kernel.clock import FixedClock
from xrm_core.storage.database import Database
from xrm_core.storage.workspaces import Workspace

CHEAP = {"time_cost": 1, "memory_cost": 8, "parallelism": 1}


@dataclass
class House:
    database: Database
    workspace: Workspace
    clock: FixedClock
    doorkeeper: Doorkeeper
    passwords: Passwords
    users: Users
    sessions: Sessions
    tokens: Tokens


@pytest.fixture
def house(database: Database, workspace: Workspace, clock: FixedClock) -> House:
    doorkeeper = Doorkeeper(database, clock)
    passwords = Passwords(PasswordHasher(**CHEAP))
    users = Users(doorkeeper, passwords)
    return House(
        database, workspace, clock, doorkeeper, passwords, users, Sessions(doorkeeper, passwords), Tokens(doorkeeper)
    )
