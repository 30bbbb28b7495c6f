"""The most memory that this process ever held. A process of its own for each part makes that the part's."""

import resource
import sys


def peak_bytes() -> int:
    """Peak resident memory in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
