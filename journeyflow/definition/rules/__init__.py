"""Rules as data: conditions, operators, changes of attributes, templates."""
