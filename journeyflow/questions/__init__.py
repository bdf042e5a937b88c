"""Questions to a store, in SQL over its documented tables and views."""
