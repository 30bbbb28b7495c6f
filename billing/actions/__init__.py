"""The actions, one file each; what they have in common is in `action.py`."""
