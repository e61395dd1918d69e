"""Renders reports with nobody watching: what is due, many at once, and who is told."""
