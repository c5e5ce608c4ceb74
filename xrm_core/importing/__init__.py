"""Files into records: reading, mapping, dry run, run, undo, bundles of files and sample data."""
