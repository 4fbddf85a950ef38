"""Search of past events: by what is written of them, by example, and by words for what they look like."""
