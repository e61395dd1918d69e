"""What one types: a command a function, which calls one function of the package."""
