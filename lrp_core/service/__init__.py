"""The service: jets and their explanations over HTTP. ``api.create_api`` makes it."""
