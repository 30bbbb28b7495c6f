"""The simulated business: what happens to whom and when, and the books it keeps as it acts."""
