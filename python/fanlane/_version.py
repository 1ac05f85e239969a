"""The version of the package, which is that of the program it needs."""

__version__ = "0.1.0"
