"""The gate's checks and its verdict: data and contract in, results out. No I/O: frames come from the caller.

Here belongs what makes data publishable. Not here: reading what is staged, holds and waivers as records, publishing.
"""
