"""The documentation as a site: MkDocs with the Material theme, and nothing from another host."""
