"""Plans assisted voluntary returns."""

__version__ = "0.1.0"
