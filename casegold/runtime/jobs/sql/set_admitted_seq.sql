set variable admitted_seq = $value
