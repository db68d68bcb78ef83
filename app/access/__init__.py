"""Who may use the server: the gate before it, log-in, users, and the headers that browsers obey."""
