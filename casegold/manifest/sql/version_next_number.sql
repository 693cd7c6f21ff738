select highest_number(%(dataset)s) + 1 as number
