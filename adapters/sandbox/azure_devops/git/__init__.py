"""Real git repositories, through pygit2; plain functions that run on one worker thread."""
