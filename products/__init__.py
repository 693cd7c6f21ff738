"""The datasets that this repository publishes, one folder each: contract, rules, checks and page.

Not here: planning, judging and publishing, which follow from the folders.
"""
