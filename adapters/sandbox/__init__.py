"""An Azure DevOps and a Teams of our own, for the demo and the tests."""
