"""exo-bridge: Exchange Online from Python through one remote PowerShell runspace."""
