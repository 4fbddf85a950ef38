"""A Frigate configuration in, a settings file of ours out, with a list of what was not taken over and why."""
