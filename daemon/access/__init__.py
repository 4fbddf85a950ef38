"""Who may see and change what over HTTP: accounts, passwords, sessions, tokens, and the guard in front."""
