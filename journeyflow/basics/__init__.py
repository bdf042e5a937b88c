"""Words, values, instants, hours, chance and patterns: what every other package builds on."""
