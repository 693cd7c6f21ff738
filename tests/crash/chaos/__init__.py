"""What the chaos test consists of: a real `casegold dev`, faults, a feed without end, and what must hold afterwards."""
