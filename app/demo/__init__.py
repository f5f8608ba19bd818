"""The synthetic demo province: communes real by name, code and position, all else seeded and labelled SYNTHETIC."""
