"""`/ops/`: the pages of those who run the service."""
