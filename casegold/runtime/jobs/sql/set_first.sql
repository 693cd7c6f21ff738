set variable first = cast($value as date)
