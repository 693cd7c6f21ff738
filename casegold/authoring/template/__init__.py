"""The files of a new product, with `$name` and the like to fill in. `casegold product new` copies them."""
