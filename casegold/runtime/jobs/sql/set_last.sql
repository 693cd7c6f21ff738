set variable last = cast($value as date)
