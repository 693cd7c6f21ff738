"""The `casegold` command line, one module per section of its help. Not here: logic."""
