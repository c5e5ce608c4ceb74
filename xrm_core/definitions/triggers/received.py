"""Something arrives from outside: an e-mail, a form, a call of another program."""

from __future__ import annotations

from typing import Literal

from xrm_core.definitions.triggers.base import Tell, Trigger


class MailReceived(Trigger):
    """An e-mail from somebody who is linked to the record arrives."""

    kind: Literal["mail_received"]

    def sentence(self, tell: Tell) -> str:
        return tell.pick("When an e-mail arrives", "Wenn eine E-Mail eintrifft")


class Called(Trigger):
    """A form is sent or another program calls, naming the record."""

    kind: Literal["called"]

    def sentence(self, tell: Tell) -> str:
        return tell.pick("When it is called from outside", "Wenn ein Aufruf von außen eintrifft")
