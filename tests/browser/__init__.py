"""The pages in a browser: Debian's Chromium on the product as it is deployed, filled with the demo data."""
