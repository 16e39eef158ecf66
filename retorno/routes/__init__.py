"""The ground: networks, calendars, day trips and itineraries."""
