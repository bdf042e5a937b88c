"""The data of rules: conditions, operators, changes of attributes, templates."""
