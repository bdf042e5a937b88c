"""What is known of people, as values: what hosts get, what stores keep, what a commit writes."""
