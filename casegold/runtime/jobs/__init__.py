"""What each pipeline does once it owns its dataset: a job gets the platform, its manifest and its claim."""
