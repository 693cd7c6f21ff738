"""The monthly enforcement report: its figures as SQL, and the table as CSV and as one HTML page.

What each figure means is in `docs/enforcement-report.md`. Not here: choosing months, reading snapshots, publishing.
"""
