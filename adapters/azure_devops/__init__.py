"""Azure DevOps: its REST interface as a client, its service-hook bodies as plain values."""
