"""Help for tests: recording and judging statements, building things."""
