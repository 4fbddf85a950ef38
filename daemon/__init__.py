"""The daemon: the only part that knows TOML, MQTT, HTTP and signals; composes models and pipeline."""
