"""The dashboard: a Dash page that asks the service, and the command that starts both."""
