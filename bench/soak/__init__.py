"""The product for a long time, with failures of every kind at once, and then with more than it can do."""
