"""The definition of a journey: steps, rules and entry, and how a journey is validated, drawn and edited."""
