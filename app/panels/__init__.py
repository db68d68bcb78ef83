"""The panels of the page, one file each; none knows another."""
