"""The portal: a merchant's own pages."""
