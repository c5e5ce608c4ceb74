"""The REST interface: a thin way in that reads requests, calls records and publishing, and decides nothing."""
