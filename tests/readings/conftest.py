"""Merchants whose ways are traced."""

from tests.api.conftest import bank, caller, other_caller

__all__ = ["bank", "caller", "other_caller"]
