"""Who may come in at `revenue serve`, and as what: users with roles, passwords, sign-in and sessions."""
