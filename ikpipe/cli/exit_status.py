"""The exit statuses of all commands."""

SUCCESS = 0
SOME_NOT = 1
"""Some rows are not uploaded or changed, or have problems."""
BAD_INPUT = 2
REFUSED = 3
"""The account is missing or refused, or the service cannot be reached."""
INTERRUPTED = 130
