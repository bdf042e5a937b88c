"""Changes of journeys as pure functions: editing, copying, and the links between journeys."""
