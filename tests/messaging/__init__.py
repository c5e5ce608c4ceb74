"""Tests of messages: outbox, mail, calendars, webhooks."""
