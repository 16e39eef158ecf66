"""The front door and the screens."""
