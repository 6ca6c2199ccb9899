"""`make demo`: the whole product on this machine, one payment end to end, and then it stays up."""
