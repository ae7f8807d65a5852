"""The REST API over HTTP: one module per area, all routes in ``routes``."""
