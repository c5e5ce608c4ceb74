"""Who may see and do what: policies made of roles, accounts, sessions and tokens."""
