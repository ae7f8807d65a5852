"""The feed: service hooks in Azure DevOps, how they should be, and what is done when they decay."""
