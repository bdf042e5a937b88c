"""What can be asked of a store, in SQL over its documented tables and views."""
