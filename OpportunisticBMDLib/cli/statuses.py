"""How a command can end."""

MEASURED, BAD_INPUT, REFUSED = 0, 2, 3
