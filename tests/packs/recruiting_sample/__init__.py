"""Makes the sample data of the recruiting pack: a small agency, invented, the same on every run."""
