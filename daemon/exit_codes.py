"""The exit codes of every command; wrong usage is argparse's 2."""

EXIT_OK = 0
EXIT_FAILED = 1
EXIT_CANNOT_START = 3
