"""Which journeys there are, in which state and version, as of any instant."""
