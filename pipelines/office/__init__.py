"""The web side of `revenue serve`: who comes in, what is sent along with every answer, and the back office's pages."""
