"""From what is due to attempts: one look for each sensor, launches by hand, and the worker without an orchestrator."""
