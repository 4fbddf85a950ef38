"""A port that everybody knows in, the same or a free one out: a demo starts beside what already runs."""

import socket


def free_port(preferred: int, *, host: str = "127.0.0.1") -> int:
    """Return the preferred port if nobody has it, or else one that the system picks."""
    for port in (preferred, 0):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            # As servers do: a port whose last connections are still closing is free.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise OSError(f"no free port on {host}")
