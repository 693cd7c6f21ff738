"""The `casegold` command line, a module per section of its help. Commands parse, ask and print; they decide nothing."""
