"""The command `xrm`: a thin way in that reads arguments, calls the same coroutines as the API, and decides nothing."""
