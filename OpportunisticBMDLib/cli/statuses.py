"""How a command can end."""

MEASURED, BAD_INPUT, REFUSED = 0, 2, 3
STOPPED = 130  # by Ctrl-C, as shells have it
