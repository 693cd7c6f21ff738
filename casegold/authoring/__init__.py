"""Tools for authors of products: a new folder from the template, and a check that needs no server."""
