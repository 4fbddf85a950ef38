"""The demonstration: rendered cameras behind a real RTSP server, a real broker, the real daemon."""
