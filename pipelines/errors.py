"""The errors a user meets: a message that names the thing and the next step, and the exit code that scripts rely on."""


class RevenueError(Exception):
    """Something went wrong that the user can act on; the message says what and how."""

    exit_code = 1


class SettingsError(RevenueError):
    """A setting or an argument is missing or makes no sense."""

    exit_code = 2
