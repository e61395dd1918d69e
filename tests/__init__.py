"""The same tree as `research/`, and a package, as one that is installed is called `tests` too."""
