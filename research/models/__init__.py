"""Frames in, frozen results out: pure functions that see no clock, no disk and no network."""
