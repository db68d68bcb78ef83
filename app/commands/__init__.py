"""The subcommands of ``jetlrp``, by what they are about; ``app/cli.py`` puts them together."""
