"""The local servers of one home directory, and the processes of `casegold dev`: started, supervised and stopped.

Not here: anything that uses them.
"""
