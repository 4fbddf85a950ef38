"""The page of the daemon itself: how much it does, how soon, and what it needs for it."""
