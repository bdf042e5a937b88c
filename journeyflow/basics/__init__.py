"""Words, values, instants, hours, chance and patterns: what every other room is built of."""
