"""How long each page takes, and how many statements, with millions of attempts of history behind it."""
