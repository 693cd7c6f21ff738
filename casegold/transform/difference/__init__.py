"""Two versions of a dataset against each other. Not a transform with versions: nothing official is made of it."""
