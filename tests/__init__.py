"""The tests: gpuhunt installs a `tests` too, to which a folder without this file would lose."""
