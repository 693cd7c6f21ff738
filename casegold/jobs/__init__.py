"""What each pipeline does once it owns its dataset, and how one attempt is launched, executed and recorded.

A job gets the platform, its manifest and its claim. Not here: what is due (`control.planning`), and when to look
(`scheduling`).
"""
