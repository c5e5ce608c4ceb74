"""The life of packs: merged, upgraded, taken away, put together."""
