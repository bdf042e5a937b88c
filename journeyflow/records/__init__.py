"""What is known about customers, as values: what hosts get, what stores keep, what a commit writes."""
