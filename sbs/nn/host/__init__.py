"""Breakers in models: built in, attached to what exists, and the hosts NequIP, SevenNet and MACE."""
