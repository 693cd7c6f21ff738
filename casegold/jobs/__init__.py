"""The job of each pipeline, and how one attempt is launched, executed and recorded.

A job receives the platform, its manifest and its claim. Not here: which runs are requested (`control.planning`), and
ticks (`scheduling`).
"""
