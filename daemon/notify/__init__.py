"""Events in, messages to phones and chats out, by apprise: a thread and a stored mark for each service."""
