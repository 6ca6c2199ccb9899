"""`/portal/`: a merchant's own endpoints, deliveries and events as pages, opened by a short-lived link."""
