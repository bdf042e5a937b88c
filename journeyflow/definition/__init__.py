"""What a journey is: its steps, rules and entry, how it is validated, drawn and edited."""
