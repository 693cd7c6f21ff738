set variable seq = $value
