"""How an office runs."""
