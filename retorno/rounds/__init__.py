"""Local rounds of a movement: vans that bring people to its departure, or from its arrival to their municipalities."""
