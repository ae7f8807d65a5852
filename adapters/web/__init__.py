"""HTTP in: webhooks, Teams' messages, health and metrics."""
