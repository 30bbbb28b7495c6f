"""The errors a user meets: a message that names the thing and the next step, and the exit code that scripts rely on."""


class RevenueError(Exception):
    """Something went wrong that the user can act on; the message says what and how."""

    exit_code = 1


class SettingsError(RevenueError):
    """A setting or an argument is missing or makes no sense."""

    exit_code = 2


class Interrupted(RevenueError):  # noqa: N818
    """Somebody pressed Ctrl-C."""

    exit_code = 130

    def __init__(self) -> None:
        super().__init__("Interrupted. What was committed is kept; the next run goes on from there.")


def is_interrupt(error: BaseException) -> bool:
    """Whether the error is Ctrl-C: Python's own, or what DuckDB makes of it while a query runs."""
    return isinstance(error, KeyboardInterrupt | Interrupted) or (
        isinstance(error, RuntimeError) and str(error) == "Query interrupted"
    )
