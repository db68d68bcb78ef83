"""Figures without a browser window: `jetlrp export`."""
