"""Words, values, instants, hours, chance, markup, answers as rows: what every other package builds on."""
