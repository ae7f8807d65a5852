"""State as the JSON that Azure DevOps would answer; names as in Microsoft's specifications."""
