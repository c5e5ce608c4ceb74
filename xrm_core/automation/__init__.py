"""Automations at work: what sets them going, what they do, what they would have done."""
