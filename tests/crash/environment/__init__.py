"""Faults of what surrounds the product: PostgreSQL, brokers, disks, networks, clocks, and rows that fail."""
