"""How Pullcord speaks with the world outside: Azure DevOps, Teams, HTTP, and a sandbox of both."""
