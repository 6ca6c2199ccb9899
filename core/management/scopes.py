"""Flags that are scopes of a restricted key."""

import argparse


def scope(text: str) -> tuple[str, str]:
    """For argparse: `customers=read`."""
    resource, equals, access = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError("must be RESOURCE=read or RESOURCE=write")
    return resource, access
