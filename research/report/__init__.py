"""Runs a notebook and publishes what it shows as one file that needs no network."""
