"""The settings file changed from the page: one camera at a time, with every comment and the layout kept."""
