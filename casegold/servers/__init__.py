"""Starts, supervises and stops the local servers of a home directory and the processes of `casegold dev`.

Not here: their clients.
"""
