"""What takes several steps against Azure DevOps: resumable, and the same for every cause."""
