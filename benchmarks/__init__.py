"""Measurements, each a ratio of two things in the same run. ``python -m benchmarks.NAME`` runs one."""
