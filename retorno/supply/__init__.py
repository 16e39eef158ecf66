"""What a coordinator keeps up to date for the plans: hours and agreements, offers of carriers, drivers and escorts."""
