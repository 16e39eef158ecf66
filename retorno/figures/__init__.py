"""Monthly figures that may leave the office, small cells hidden, and what an independent monitor reads."""
