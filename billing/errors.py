"""The errors of the action engine: messages that name the thing and the next step, and the command's exit code."""


class BillingError(Exception):
    """Something went wrong that a person can act on; nothing was sent to Stripe that is not on record."""

    exit_code = 1


class UsageError(BillingError):
    """A rule, a flag, an id or a setting makes no sense."""

    exit_code = 2


class StripeUnavailableError(BillingError):
    """Stripe gave no usable answer to a question; what was asked for is left as it was."""


class StripeRefusedError(BillingError):
    """Stripe refuses the key, or what it asks for. `code` is Stripe's, `status` HTTP's."""

    def __init__(self, message: str, *, status: int, code: str | None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class ConflictError(BillingError):
    """The action is not in the state that this step needs, such as when another process was quicker."""
