"""Schema migrations of the control schema and of every workspace schema."""
