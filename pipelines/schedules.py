"""What runs when: the daily refresh in the reporting zone, and the rebuild after days were read again."""

import dagster as dg

UNPARTITIONED = dg.AssetSelection.all() - dg.AssetSelection.groups("extract") | dg.AssetSelection.assets("sync")


def when_read_again() -> dg.AutomationCondition[dg.AssetKey]:
    """Once after anything above was made, when nothing of it is being made any more; never for what is missing."""
    return (
        dg.AutomationCondition.any_deps_updated().since_last_handled()
        & ~dg.AutomationCondition.any_deps_in_progress()
        & ~dg.AutomationCondition.in_progress()
    ).with_label("after what it is made from")
