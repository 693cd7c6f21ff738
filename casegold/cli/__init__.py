"""The `casegold` command line. A command parses arguments, calls the core and prints the answer; it decides nothing."""
