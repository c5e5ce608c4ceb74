"""Records: created, read, changed, moved, linked, archived and erased, with everything computed kept right."""
