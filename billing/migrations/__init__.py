"""The steps by which the operational tables came to be what they are."""
