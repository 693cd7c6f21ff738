select uri from replay
