"""Generates documents from code: the settings page, the AsyncAPI document, the page of the run manifest's schema."""
