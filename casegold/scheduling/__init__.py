"""From the planner's decisions to attempts: ticks for sensors, launches by hand, a worker without an orchestrator."""
