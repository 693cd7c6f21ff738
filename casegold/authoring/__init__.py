"""Making products: a new folder from the template, and a check of one that needs no server."""
