"""Which journeys exist, in which state and version, as of any instant."""
