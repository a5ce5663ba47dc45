"""What runs a network: torch, or another runtime with the network in its own form."""
