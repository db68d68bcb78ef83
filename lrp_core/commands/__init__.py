"""What the subcommands of ``jetlrp`` do; the command line itself is in ``app/cli.py``."""
