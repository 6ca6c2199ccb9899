"""Why a signature does not verify: tries what receivers commonly do to a body, a secret or a header."""
