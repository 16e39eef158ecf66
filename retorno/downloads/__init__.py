"""What leaves the house as a file, made at the moment of the download."""
