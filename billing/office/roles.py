"""What each role may do. A role may do what the ones before it may."""

from enum import StrEnum


class Role(StrEnum):
    """What somebody is at the office; in the order of what they may do."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    APPROVER = "approver"

    def may(self, needed: "Role") -> bool:
        """Whether this role does for what needs that one."""
        order = list(Role)
        return order.index(self) >= order.index(needed)


MEANING: dict[Role, str] = {
    Role.VIEWER: "sees the dashboards and their files",
    Role.OPERATOR: "also sees planned actions and the trail, plans, and comments",
    Role.APPROVER: "also approves and rejects what others proposed",
}
