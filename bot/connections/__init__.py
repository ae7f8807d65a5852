"""Connections to Azure DevOps: what they want, whether they work, and what is said when not."""
