"""An optimization: customers who do the same at the same instant are handled together."""
