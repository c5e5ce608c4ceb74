"""Module packs: reading, checking and installing a folder of definitions."""
