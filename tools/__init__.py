"""What makes the product run on a person's machine: demo, private PostgreSQL, gate. Nothing here ships."""
