"""What exists for speed alone: people who do the same at the same instant are handled together."""
